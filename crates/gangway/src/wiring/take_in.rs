//! Importing a file: the producer's import with a bar in front of it.

use std::path::PathBuf;
use std::time::Instant;

use gangway_jobs::identity::Identity;
use gangway_producer::Producer;
use gangway_producer::csv::{Delimiter, Options};
use gangway_producer::import::{self, ImportOptions, ImportSummary, Phase, Progress};
use gangway_producer::mapping::Override;
use gangway_store::SharedStore;
use indicatif::{MultiProgress, ProgressBar};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::output::table::number;
use crate::progress;

/// What came of it; the answer of `gangway import`.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Summary {
    /// Rows of data.
    pub(crate) rows: u64,
    /// Taken in.
    pub(crate) enqueued: u64,
    /// Were there.
    pub(crate) duplicates: u64,
    /// Contradict what is there.
    pub(crate) conflicts: u64,
    /// Started an ended onboarding again.
    pub(crate) revived: u64,
    /// Refused.
    pub(crate) refused: u64,
    /// Where the refused rows and the conflicts are reported.
    pub(crate) report: PathBuf,
}

impl Summary {
    /// Whether a row did not come in.
    pub(crate) const fn some_failed(&self) -> bool {
        self.refused > 0 || self.conflicts > 0
    }
}

/// Arguments of every command that reads a file.
#[derive(Debug, clap::Args)]
pub(crate) struct ReadingArgs {
    /// The CSV file, with a header line; `-` for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Where to report refused rows [default: FILE with .refused.csv for its ending]
    #[arg(long, value_name = "PATH")]
    pub(crate) report: Option<PathBuf>,
    /// Say which column holds a field, e.g. `company_name=Legal entity`; may be repeated
    #[arg(long, value_name = "FIELD=HEADER")]
    pub(crate) map: Vec<Override>,
    /// What separates the cells: comma, semicolon, tab, pipe or a character [default: told from the header]
    #[arg(long, value_name = "CHAR")]
    pub(crate) delimiter: Option<Delimiter>,
    /// The encoding of the file, e.g. windows-1252 [default: UTF-8 or UTF-16, told from the file]
    #[arg(long, value_name = "LABEL")]
    pub(crate) encoding: Option<String>,
}

impl ReadingArgs {
    /// As the producer's options.
    pub(crate) fn options(&self) -> Result<ImportOptions> {
        let encoding = self.encoding.as_deref().map(Options::encoding_of).transpose();
        let encoding = encoding.map_err(|error| Error::Argument(Box::new(error)))?;
        Ok(ImportOptions {
            report: self.report.clone(),
            csv: Options { delimiter: self.delimiter, encoding, ..Options::default() },
            overrides: self.map.clone(),
            ..ImportOptions::new(&self.file)
        })
    }
}

/// Imports into a store.
pub(crate) async fn import(
    options: &ImportOptions,
    store: SharedStore,
    identity: Identity,
    bars: &MultiProgress,
    stop: &CancellationToken,
) -> Result<Summary> {
    let bar = Bar::new(bars);
    let producer = Producer::new(store, identity);
    let summary = import::run(options, &producer, |progress| bar.show(progress), stop).await;
    bar.end();
    finished(options, summary)
}

/// Checks a file without a store.
pub(crate) async fn dry_run(
    options: &ImportOptions,
    identity: &Identity,
    bars: &MultiProgress,
    stop: &CancellationToken,
) -> Result<Summary> {
    let bar = Bar::new(bars);
    let summary = import::dry_run(options, identity, |progress| bar.show(progress), stop).await;
    bar.end();
    finished(options, summary)
}

fn finished(
    options: &ImportOptions,
    summary: std::result::Result<ImportSummary, gangway_producer::Error>,
) -> Result<Summary> {
    let summary =
        summary.map_err(|source| Error::Import { path: options.file.clone(), source: Box::new(source) })?;
    if !summary.finished {
        return Err(Error::stopped(format!("{} rows are dealt with", number(summary.rows))));
    }
    let ImportSummary { rows, enqueued, duplicates, conflicts, revived, refused, report, .. } = summary;
    Ok(Summary { rows, enqueued, duplicates, conflicts, revived, refused, report })
}

/// A bar over the bytes of the file.
struct Bar {
    bar: ProgressBar,
    begun: Instant,
}

impl Bar {
    fn new(bars: &MultiProgress) -> Self {
        Self { bar: progress::import(bars, 0), begun: Instant::now() }
    }

    fn show(&self, progress: &Progress) {
        let rows = progress.tally.rows;
        self.bar.set_length(progress.total_bytes);
        self.bar.set_position(progress.bytes);
        self.bar.set_message(match progress.phase {
            Phase::Opening => "reading the file".to_owned(),
            Phase::Waiting => "another process imports this file, or died lately: waiting".to_owned(),
            Phase::Importing => format!(
                "{} rows at {}, {} refused, {} duplicates, {} conflicts",
                number(rows),
                progress::rate(rows, self.begun.elapsed()),
                number(progress.tally.refused),
                number(progress.tally.duplicates),
                number(progress.tally.conflicts)
            ),
        });
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}
