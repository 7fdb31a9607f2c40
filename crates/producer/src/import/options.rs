//! What to import, and how.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::csv::Options;
use crate::mapping::Override;

/// The largest batch. Two of them, one in flight and one without its checkpoint, are what a kill can make be read again.
const MOST_ROWS: usize = 500;

/// What to import, and how.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// The file; `-` is the standard input. What is no regular file is copied into a temporary one first.
    pub file: PathBuf,
    /// Where the refused rows are reported; by default beside the file, ending in `.refused.csv`.
    pub report: Option<PathBuf>,
    /// How to read it.
    pub csv: Options,
    /// What the caller says of columns.
    pub overrides: Vec<Override>,
    /// Rows handed to the store at once, 1 to 500.
    pub batch: usize,
    /// How long this process may be silent before another may take its import up.
    pub patience: Duration,
}

impl ImportOptions {
    /// A file, everything else told from itself.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            report: None,
            csv: Options::default(),
            overrides: Vec::new(),
            batch: MOST_ROWS,
            patience: Duration::from_secs(5),
        }
    }

    /// Where the report goes: `customers.csv` has `customers.refused.csv`, the standard input `stdin.refused.csv`.
    pub fn report_path(&self) -> PathBuf {
        match &self.report {
            Some(report) => report.clone(),
            None if self.is_stdin() => PathBuf::from("stdin.refused.csv"),
            None => self.file.with_extension("refused.csv"),
        }
    }

    pub(super) fn is_stdin(&self) -> bool {
        self.file == Path::new("-")
    }

    pub(super) fn batch_rows(&self) -> usize {
        self.batch.clamp(1, MOST_ROWS)
    }
}
