//! Which run this is: a new one, one taken up, or one beside another that lives.

use std::time::Duration;

use gangway_jobs::id::ImportId;
use gangway_store::{Checkpoint, ImportBegun, ImportStart, SharedStore};
use tokio_util::sync::CancellationToken;
use tracing::info;
use uuid::Uuid;

use super::steady::steady;
use crate::Error;

/// How many processes may import one file at once.
const MOST_RUNS: usize = 16;

/// The store keeps whole milliseconds: asked right at the end of a wait, it might still say one more.
const MARGIN: Duration = Duration::from_millis(2);

/// The run that begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    /// Its import.
    pub(super) import: ImportId,
    /// What proves that it is ours.
    pub(super) owner: Uuid,
    /// What an earlier run has dealt with.
    pub(super) from: Checkpoint,
}

/// Begins the import, or takes it up. `None`: cancelled while another process might still live.
pub(super) async fn begin(
    store: &SharedStore,
    digest: &str,
    name: &str,
    patience: Duration,
    waiting: impl Fn() + Send + Sync,
    cancel: &CancellationToken,
) -> Result<Option<Begun>, Error> {
    let owner = Uuid::new_v4();
    for run in 1..=MOST_RUNS {
        let digest = if run == 1 { digest.to_owned() } else { format!("{digest}/{run}") };
        let start = ImportStart { digest, name: name.to_owned(), owner, patience };
        let mut waited = Duration::ZERO;
        loop {
            match steady("begin the import", cancel, || store.import_begin(start.clone())).await? {
                ImportBegun::New(import) => {
                    return Ok(Some(Begun { import, owner, from: Checkpoint::default() }));
                }
                ImportBegun::Resumed(import, from) => return Ok(Some(Begun { import, owner, from })),
                ImportBegun::Busy(_) if waited >= patience => {
                    info!(run, "another process imports this file, beginning a run beside it");
                    break;
                }
                ImportBegun::Busy(wait) => {
                    if waited.is_zero() {
                        info!("another process imports this file or died lately, waiting for a sign");
                    }
                    waiting();
                    let wait = wait.min(patience.saturating_sub(waited)) + MARGIN;
                    waited += wait;
                    if cancel.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                        return Ok(None);
                    }
                }
            }
        }
    }
    Err(Error::TooManyRuns { runs: MOST_RUNS })
}
