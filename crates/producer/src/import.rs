//! A whole file into the store: in constant memory, resumable by being run again, with every refusal reported.
//!
//! ```text
//! file ─► digest ─► import_begin ─► rows ─► batches ─► enqueue ─► tally, report ─► checkpoint ─► import_end
//!                                   └── a thread of its own ──┘   └──────── next batch meanwhile ┘
//! ```
//!
//! - **An import is known by its digest**: the file's bytes and all options that change what its rows mean. Run again
//!   after a kill, it goes on behind its last checkpoint, at most 1,000 rows back; those rows answer what they answered
//!   first, so every sum is exact.
//! - **A checkpoint is written last**: first the store has the rows, then the report's lines are safe on disk, then the
//!   checkpoint says so. One batch is in flight at a time, because the first row of a file wins over later ones.
//! - **A report is always written**, if only its header: a program that waits for it finds it. It has a line per fault
//!   of a refused row and one per conflict, in the order of the file, and nothing personal.
//! - **Two processes at once**: the second waits for as long as the first may be silent. If that still lives, the second
//!   makes a run of its own, whose rows answer as duplicates.

mod begin;
mod digest;
mod dry;
mod input;
mod journal;
mod options;
mod pipeline;
mod rows;
mod steady;
mod summary;

use tokio_util::sync::CancellationToken;

pub use self::options::ImportOptions;
pub use self::summary::{ImportSummary, Phase, Progress, Tally};
use crate::{Error, Producer};
use gangway_jobs::identity::Identity;

/// Imports a file. Run again after an error, a kill or a cancel, it goes on where it was.
///
/// `progress` is called after each batch and must return quickly. A cancelled import stops at a checkpoint:
/// [`ImportSummary::finished`] is then `false`, and its report is not yet in its place.
///
/// # Errors
/// The file as a whole cannot be imported, changes meanwhile, or the store refuses. What was taken in stays.
pub async fn run(
    options: &ImportOptions,
    producer: &Producer,
    progress: impl Fn(&Progress) + Send + Sync,
    cancel: &CancellationToken,
) -> Result<ImportSummary, Error> {
    pipeline::run(options, producer, &progress, cancel).await
}

/// Checks a file and writes its report, as an import into an empty store would, without any store.
///
/// Remembers less than 50 bytes for each row, to find duplicates and conflicts.
///
/// # Errors
/// The file as a whole cannot be imported, or the report not be written.
pub async fn dry_run(
    options: &ImportOptions,
    identity: &Identity,
    progress: impl Fn(&Progress) + Send + Sync,
    cancel: &CancellationToken,
) -> Result<ImportSummary, Error> {
    dry::dry_run(options, identity, &progress, cancel).await
}
