//! Importing a file: the producer's import with a bar in front of it.

use std::path::{Path, PathBuf};

use gangway_jobs::identity::Identity;
use gangway_producer::csv::{Delimiter, Options};
use gangway_producer::mapping::Override;
use gangway_store::SharedStore;
use indicatif::MultiProgress;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::error::Result;

/// What to import, and how.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The file.
    pub(crate) file: PathBuf,
    /// Where the refused rows are reported.
    pub(crate) report: PathBuf,
    /// What the caller says of columns.
    pub(crate) map: Vec<Override>,
    /// How to read the file.
    pub(crate) options: Options,
    /// Whether nothing is to be taken in.
    pub(crate) dry_run: bool,
}

impl Request {
    /// A file with everything told from itself.
    pub(crate) fn plain(file: &Path, report: Option<PathBuf>) -> Self {
        Self {
            file: file.to_owned(),
            report: report.unwrap_or_else(|| default_report(file)),
            map: Vec::new(),
            options: Options::default(),
            dry_run: false,
        }
    }
}

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
    /// Where the refused rows are reported.
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
    /// The CSV file, with a header line
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
    /// As a request.
    pub(crate) fn request(&self, dry_run: bool) -> Result<Request> {
        let encoding = self.encoding.as_deref().map(Options::encoding_of).transpose();
        let encoding = encoding.map_err(crate::error::Error::Argument)?;
        Ok(Request {
            map: self.map.clone(),
            options: Options { delimiter: self.delimiter, encoding, ..Options::default() },
            dry_run,
            ..Request::plain(&self.file, self.report.clone())
        })
    }
}

/// Imports.
pub(crate) async fn import(
    request: Request,
    store: Option<SharedStore>,
    identity: Identity,
    bars: &MultiProgress,
    stop: &CancellationToken,
) -> Result<Summary> {
    let _todo = (request, store, identity, bars, stop);
    Ok(Summary::default())
}

fn default_report(file: &Path) -> PathBuf {
    file.with_extension("refused.csv")
}
