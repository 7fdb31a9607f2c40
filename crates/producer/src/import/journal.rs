//! What a run leaves behind as it goes: the report on disk, then the checkpoint in the store. Never the other way round.

use std::path::Path;

use gangway_faultpoint::{Point, pass};
use gangway_jobs::customer::Field;
use gangway_jobs::enqueue::Answer;
use gangway_store::SharedStore;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::begin::Begun;
use super::rows::{Batch, Line};
use super::steady::steady;
use super::summary::Tally;
use crate::Error;
use crate::report::Report;
use crate::row::Rejection;

/// The books of a run: its sums, and its report.
#[derive(Debug)]
pub(super) struct Books {
    /// Away while another thread makes it safe.
    report: Option<Report>,
    /// Whether lines were added since.
    dirty: bool,
    safe_bytes: u64,
    /// Rows so far.
    pub(super) tally: Tally,
}

impl Books {
    pub(super) fn new(report: Report) -> Self {
        Self { report: Some(report), dirty: true, safe_bytes: 0, tally: Tally::default() }
    }

    /// Goes on behind a checkpoint, if its report is still there; else begins anew: every row then answers what it
    /// answered before.
    pub(super) fn take_up(target: &Path, begun: &Begun) -> Result<Self, Error> {
        if begun.from.rows == 0 {
            return Report::create(target, begun.import).map(Self::new);
        }
        match Report::resume(target, begun.import, begun.from.report_bytes) {
            Ok(report) => Ok(Self {
                report: Some(report),
                dirty: false,
                safe_bytes: begun.from.report_bytes,
                tally: begun.from.into(),
            }),
            Err(Error::ReportLost { .. }) => {
                warn!(rows = begun.from.rows, "report of the unfinished run is gone, import starts again");
                Report::create(target, begun.import).map(Self::new)
            }
            Err(error) => Err(error),
        }
    }

    /// Counts the rows of a batch and reports those that did not come in.
    pub(super) fn enter(&mut self, batch: &Batch, answers: &[Answer]) -> Result<(), Error> {
        if answers.len() != batch.customers.len() {
            let (rows, accounted) = (batch.customers.len() as u64, answers.len() as u64);
            return Err(Error::Unbalanced { rows, accounted });
        }
        let mut answers = answers.iter();
        for line in &batch.lines {
            match line {
                Line::Refused(rejections) => {
                    self.tally.refuse();
                    rejections.iter().try_for_each(|rejection| self.write(rejection))?;
                }
                Line::Customer { row, line } => {
                    // As many answers as customers, see above.
                    let answer = answers.next().copied().unwrap_or(Answer::Duplicate);
                    self.tally.count(answer);
                    if let Some(rejection) = conflict(answer, *row, *line) {
                        self.write(&rejection)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, rejection: &Rejection) -> Result<(), Error> {
        self.dirty = true;
        self.report.as_mut().map_or(Ok(()), |report| report.write(rejection))
    }

    /// Makes the report safe on disk, unless it is; answers its bytes.
    async fn flush(&mut self) -> Result<u64, Error> {
        if self.dirty
            && let Some(mut report) = self.report.take()
        {
            let (report, flushed) = blocking(move || {
                let flushed = report.flush();
                (report, flushed)
            })
            .await;
            self.report = Some(report);
            self.safe_bytes = flushed?;
            self.dirty = false;
        }
        Ok(self.safe_bytes)
    }

    /// Puts the report in its place; answers its bytes.
    pub(super) async fn finish(mut self) -> Result<(Tally, u64), Error> {
        let bytes = self.flush().await?;
        if let Some(report) = self.report {
            blocking(move || report.finish()).await?;
        }
        Ok((self.tally, bytes))
    }

    pub(super) fn discard(self) -> Result<(), Error> {
        self.report.map_or(Ok(()), Report::discard)
    }
}

/// Where an import notes how far it is.
#[derive(Debug)]
pub(super) struct Journal<'a> {
    pub(super) store: &'a SharedStore,
    pub(super) begun: Begun,
    pub(super) cancel: &'a CancellationToken,
}

impl Journal<'_> {
    /// Makes all rows entered so far count, and says that their owner lives.
    pub(super) async fn save(&self, books: &mut Books) -> Result<(), Error> {
        let bytes = books.flush().await?;
        let (checkpoint, Begun { import, owner, .. }) = (books.tally.checkpoint(bytes), self.begun);
        let note = || self.store.import_progress(import, owner, checkpoint);
        let ours = steady("note how far the import is", self.cancel, note).await?;
        pass(Point::ImportCheckpoint);
        if ours { Ok(()) } else { Err(Error::TakenOver) }
    }

    /// Ends the import: the same file again is a new one.
    pub(super) async fn end(&self, tally: Tally, report_bytes: u64) -> Result<(), Error> {
        let (checkpoint, Begun { import, owner, .. }) = (tally.checkpoint(report_bytes), self.begun);
        let end = || self.store.import_end(import, owner, checkpoint);
        if !steady("end the import", self.cancel, end).await? {
            // Every row is in and reported, so there is nothing to stop for.
            info!("another process has taken this import up after its last row");
        }
        Ok(())
    }
}

/// A conflict as the report tells it. Says nothing of the other customer, or of this one.
fn conflict(answer: Answer, row: u64, line: u64) -> Option<Rejection> {
    let (field, code, message) = match answer {
        Answer::ConflictingContent => (
            None,
            "conflict_content",
            "a customer with the same reference or, without one, the same email is there with other content; \
             nothing was changed",
        ),
        Answer::ConflictingEmail => (
            Some(Field::Email),
            "conflict_email",
            "email belongs to a customer with another reference; nothing was changed",
        ),
        Answer::New | Answer::Duplicate | Answer::Revived => return None,
    };
    Some(Rejection { row, line, field, code, message: message.into() })
}

/// Runs what waits for the disk where waiting harms nobody.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // Only a runtime that shuts down cancels it, and this future with it.
        Err(_cancelled) => std::future::pending().await,
    }
}
