//! What came of an import, and how far it is.

use std::path::PathBuf;

use gangway_jobs::enqueue::Answer;
use gangway_store::Checkpoint;

use crate::Error;

/// Rows by what became of them. `rows` is the sum of all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows of data.
    pub rows: u64,
    /// Taken in.
    pub enqueued: u64,
    /// Were there with the same content.
    pub duplicates: u64,
    /// Contradict what is there; nothing changed.
    pub conflicts: u64,
    /// Started an ended onboarding again.
    pub revived: u64,
    /// Refused.
    pub refused: u64,
}

impl Tally {
    pub(super) fn refuse(&mut self) {
        self.rows += 1;
        self.refused += 1;
    }

    pub(super) fn count(&mut self, answer: Answer) {
        self.rows += 1;
        match answer {
            Answer::New => self.enqueued += 1,
            Answer::Duplicate => self.duplicates += 1,
            Answer::ConflictingContent | Answer::ConflictingEmail => self.conflicts += 1,
            Answer::Revived => self.revived += 1,
        }
    }

    /// Whether all `rows` of the file are accounted for.
    pub(super) fn check(&self, rows: u64) -> Result<(), Error> {
        let accounted = self.enqueued + self.duplicates + self.conflicts + self.revived + self.refused;
        if rows == self.rows && accounted == rows {
            Ok(())
        } else {
            Err(Error::Unbalanced { rows, accounted })
        }
    }

    pub(super) fn checkpoint(&self, report_bytes: u64) -> Checkpoint {
        let Self { rows, enqueued, duplicates, conflicts, revived, refused } = *self;
        Checkpoint { rows, enqueued, duplicates, conflicts, revived, refused, report_bytes }
    }
}

impl From<Checkpoint> for Tally {
    fn from(checkpoint: Checkpoint) -> Self {
        let Checkpoint { rows, enqueued, duplicates, conflicts, revived, refused, .. } = checkpoint;
        Self { rows, enqueued, duplicates, conflicts, revived, refused }
    }
}

/// What came of an import. `rows` is the sum of the five numbers behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportSummary {
    /// Rows of data.
    pub rows: u64,
    /// Taken in.
    pub enqueued: u64,
    /// Were there with the same content.
    pub duplicates: u64,
    /// Contradict what is there; nothing changed.
    pub conflicts: u64,
    /// Started an ended onboarding again.
    pub revived: u64,
    /// Refused.
    pub refused: u64,
    /// Where the report is; not yet, unless finished.
    pub report: PathBuf,
    /// The row behind which an earlier run was taken up.
    pub resumed_at: Option<u64>,
    /// Whether the whole file was dealt with; `false` after a cancel.
    pub finished: bool,
}

impl ImportSummary {
    pub(super) fn new(tally: Tally, report: PathBuf, resumed_at: Option<u64>, finished: bool) -> Self {
        let Tally { rows, enqueued, duplicates, conflicts, revived, refused } = tally;
        Self { rows, enqueued, duplicates, conflicts, revived, refused, report, resumed_at, finished }
    }
}

/// What an import does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Reads the file for its digest.
    Opening,
    /// Another process imports the same file, or died so lately that nobody can tell: waits.
    Waiting,
    /// Takes rows in.
    Importing,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it does.
    pub phase: Phase,
    /// Rows so far, those of an earlier run included.
    pub tally: Tally,
    /// Bytes of the file that were read.
    pub bytes: u64,
    /// Bytes of the file.
    pub total_bytes: u64,
}
