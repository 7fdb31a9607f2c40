//! The rows of a file in batches, read and checked on a thread of their own.

use std::sync::atomic::Ordering;

use gangway_jobs::enqueue::NewOnboarding;
use gangway_jobs::id::ImportId;
use gangway_jobs::identity::Identity;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::ImportOptions;
use super::digest::{Count, Digesting};
use super::input::Input;
use crate::Error;
use crate::row::{Rejection, Rows};

/// Batches that wait for the store; memory is bounded by it.
const AHEAD: usize = 2;

/// Some rows, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Those to hand in.
    pub(super) customers: Vec<NewOnboarding>,
    /// All of them.
    pub(super) lines: Vec<Line>,
    /// Bytes of the file read so far.
    pub(super) bytes: u64,
}

/// One row.
#[derive(Debug)]
pub(super) enum Line {
    /// The next of [`Batch::customers`].
    Customer {
        /// Which row of data.
        row: u64,
        /// Its physical line.
        line: u64,
    },
    /// Why it is refused.
    Refused(Vec<Rejection>),
}

/// The end of the file.
#[derive(Debug)]
pub(super) struct End {
    /// How many rows it has.
    pub(super) rows: u64,
    /// The file is not the one whose digest was taken, though it looked the same all the time.
    pub(super) changed: Option<Error>,
}

/// What to read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) input: Input,
    pub(super) options: ImportOptions,
    pub(super) identity: Identity,
    /// Whose rows they will be; a dry run's are nobody's.
    pub(super) import: Option<ImportId>,
    /// The digest of the file's bytes, if known.
    pub(super) digest: Option<[u8; 32]>,
    /// Rows dealt with by an earlier run.
    pub(super) skip: u64,
}

/// A thread that reads.
#[derive(Debug)]
pub(super) struct Reading {
    batches: mpsc::Receiver<Batch>,
    thread: JoinHandle<Result<End, Error>>,
}

impl Reading {
    /// Starts it. It ends when this is dropped.
    pub(super) fn start(source: Source) -> Self {
        let (sender, batches) = mpsc::channel(AHEAD);
        let thread = tokio::task::spawn_blocking(move || source.read(&sender));
        Self { batches, thread }
    }

    /// The next batch; `None` at the end, and after an error, which [`end`](Self::end) tells.
    pub(super) async fn next(&mut self) -> Option<Batch> {
        self.batches.recv().await
    }

    /// How the reading ended.
    pub(super) async fn end(self) -> Result<End, Error> {
        drop(self.batches);
        match self.thread.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Only a runtime that shuts down cancels it, and then nobody waits for the answer.
            Err(error) => Err(Error::Read { row: 0, source: std::io::Error::other(error) }),
        }
    }
}

impl Source {
    fn read(mut self, sender: &mpsc::Sender<Batch>) -> Result<End, Error> {
        let count = Count::default();
        let mut file = Digesting::new(self.input.reader()?, Count::clone(&count));
        let mut rows = Rows::open(&mut file, &self.options.csv, &self.options.overrides)?;
        rows.skip_rows(self.skip)?;
        loop {
            let mut batch = self.batch(&mut rows)?;
            // Before the store sees a row of it: what was written over is not the file that is imported.
            self.input.check_unchanged(rows.row())?;
            batch.bytes = count.load(Ordering::Relaxed);
            if batch.lines.is_empty() || sender.blocking_send(batch).is_err() {
                break;
            }
        }
        let read = rows.row();
        drop(rows);
        let other = self.digest.is_some_and(|digest| !sender.is_closed() && digest != file.bytes());
        Ok(End { rows: read, changed: other.then(|| self.input.changed(read)) })
    }

    fn batch(&self, rows: &mut Rows<impl std::io::Read>) -> Result<Batch, Error> {
        let mut batch = Batch::default();
        while batch.lines.len() < self.options.batch_rows() {
            let Some(row) = rows.read()? else { break };
            match row.result {
                Ok(customer) => {
                    let from = self.import.map(|import| (import, row.row));
                    batch.customers.push(NewOnboarding::new(&self.identity, customer, from));
                    batch.lines.push(Line::Customer { row: row.row, line: row.line });
                }
                Err(rejections) => batch.lines.push(Line::Refused(rejections)),
            }
        }
        Ok(batch)
    }
}
