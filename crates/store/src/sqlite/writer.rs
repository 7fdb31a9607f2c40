//! The one writer of a process, and its group commit.
//!
//! Operations reach the writer's thread over a bounded channel. It takes those that are there, runs each in a savepoint of
//! its own inside one transaction, commits, and only then replies to all. So one flush of the disk carries many
//! operations, one that fails is undone alone, and nothing is reported done that is not on the disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gangway_faultpoint::{Point, pass};
use gangway_jobs::clock::Timestamp;
use gangway_jobs::event::Epoch;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, ffi, params};
use tokio::sync::{mpsc, oneshot};

use super::clock::StoreTime;
use super::fault::Answer;
use super::file::StoreFile;
use super::tx::Tx;
use super::wake::Wake;
use crate::{Error, Policies, Result};

/// Operations that may wait for the writer; more wait for their place.
pub(super) const QUEUE: usize = 1_024;

/// At most so many operations, or so much time, make one group.
const GROUP: usize = 256;
const GROUP_TIME: Duration = Duration::from_millis(20);

/// A writer that never pauses leaves other processes no moment to begin; after so much work it pauses for that long.
const WORK: Duration = Duration::from_millis(20);
const PAUSE: Duration = Duration::from_millis(1);

/// The high-water mark is written when it has risen by so much.
const MARK_EVERY: Duration = Duration::from_secs(1);

/// One operation on its way to the writer.
pub(super) trait Operation: Send {
    /// Runs it; `false`: undo it.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;

    /// Replies, after the commit. `failed`: the whole group failed.
    fn reply(self: Box<Self>, file: &StoreFile, failed: Option<&GroupFailure>);
}

/// An operation with its answer and the one who waits for it.
pub(super) struct Task<T, F> {
    pub(super) action: &'static str,
    pub(super) work: Option<F>,
    pub(super) answer: Option<Answer<T>>,
    pub(super) reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Operation for Task<T, F>
where
    T: Send,
    F: FnOnce(&mut Tx<'_>) -> Answer<T> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let Some(work) = self.work.take() else { return false };
        let done = catch_unwind(AssertUnwindSafe(|| {
            let answer = work(tx)?;
            tx.flush()?;
            Ok(answer)
        }));
        match done {
            Ok(answer) => {
                let good = answer.is_ok();
                self.answer = Some(answer);
                good
            }
            Err(_panic) => {
                tracing::error!(action = self.action, "a store operation panicked; it is undone");
                false
            }
        }
    }

    fn reply(self: Box<Self>, file: &StoreFile, failed: Option<&GroupFailure>) {
        let result = match (failed, self.answer) {
            (Some(failure), _) => Err(failure.error(file)),
            (None, Some(answer)) => answer.map_err(|fault| fault.into_error(self.action, file.path())),
            (None, None) => Err(Error::Closed),
        };
        if self.reply.send(result).is_err() {
            tracing::trace!(action = self.action, "nobody waits for the answer any more");
        }
    }
}

/// Why a whole group failed; told to each of its operations.
#[derive(Debug)]
pub(super) enum GroupFailure {
    Replaced,
    Busy(Duration),
    Sql(&'static str, ffi::Error, Option<String>),
}

impl GroupFailure {
    fn of(action: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |error| {
            if let rusqlite::Error::SqliteFailure(code, text) = error {
                Self::Sql(action, code, text)
            } else {
                Self::Sql(action, ffi::Error::new(ffi::SQLITE_ERROR), Some(error.to_string()))
            }
        }
    }

    fn error(&self, file: &StoreFile) -> Error {
        let path = file.path().to_owned();
        match self {
            Self::Replaced => Error::Replaced { path },
            Self::Busy(waited) => Error::Busy { path, seconds: waited.as_secs() },
            Self::Sql(action, code, text) => {
                let source = rusqlite::Error::SqliteFailure(*code, text.clone());
                Error::Sqlite { action, path, source }
            }
        }
    }
}

/// Where operations wait for the writer.
pub(super) type Queue = mpsc::Receiver<Box<dyn Operation>>;

/// What the thread works with.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) conn: Connection,
    pub(super) file: Arc<StoreFile>,
    pub(super) policies: Policies,
    pub(super) epoch: Epoch,
    pub(super) time: Arc<StoreTime>,
    pub(super) wake: Arc<Wake>,
}

impl Writer {
    /// Works until nobody can send any more and all that was sent is done.
    pub(super) fn run(self, mut queue: Queue) {
        let mut worked = Duration::ZERO;
        let mut rested = Instant::now();
        while let Some(next) = queue.blocking_recv() {
            let begun = Instant::now();
            if begun.duration_since(rested) >= PAUSE {
                worked = Duration::ZERO;
            }
            self.group(next, &mut queue);
            worked += begun.elapsed();
            if worked > WORK && self.file.is_shared() {
                std::thread::sleep(PAUSE);
                worked = Duration::ZERO;
            }
            rested = Instant::now();
        }
        self.leave();
    }

    /// Tidies up, as the last connection of this process: the log goes into the file.
    fn leave(&self) {
        if self.file.is_replaced() {
            // SQLite would take away the log of that *name*, which may be another store's by now.
            if let Err(error) = self.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true) {
                tracing::error!(%error, "failed to keep away from the log of the replaced store");
            }
        } else if let Err(error) = self.conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::debug!(%error, "the log stays for the next process to take over");
        }
    }

    /// Runs an operation and those that wait behind it in one transaction, then replies to all.
    pub(super) fn group(&self, first: Box<dyn Operation>, queue: &mut Queue) {
        let mut group = vec![first];
        let done = self.transaction(&mut group, queue);
        let failed = match done {
            Ok(changed) => {
                if changed {
                    self.wake.all();
                }
                None
            }
            Err(failure) => {
                // Those behind would only wait as long for the same failure.
                while group.len() < GROUP
                    && let Ok(next) = queue.try_recv()
                {
                    group.push(next);
                }
                tracing::warn!(reason = %failure.error(&self.file), operations = group.len(), "nothing written");
                Some(failure)
            }
        };
        for operation in group {
            operation.reply(&self.file, failed.as_ref());
        }
    }

    /// Runs the group and whatever comes meanwhile. Answers whether anything was changed.
    fn transaction(
        &self,
        group: &mut Vec<Box<dyn Operation>>,
        queue: &mut Queue,
    ) -> std::result::Result<bool, GroupFailure> {
        if self.file.is_replaced() {
            return Err(GroupFailure::Replaced);
        }
        self.begin()?;
        let changes_before = self.conn.total_changes();
        let changes = || self.conn.total_changes() > changes_before;
        let done = self.run_all(group, queue).and_then(|()| self.commit(changes()));
        if done.is_err()
            && !self.conn.is_autocommit()
            && let Err(error) = self.conn.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "failed to roll back");
        }
        done.map(|()| changes())
    }

    fn commit(&self, changes: bool) -> std::result::Result<(), GroupFailure> {
        if changes {
            pass(Point::SqliteBeforeCommit);
        }
        self.conn.execute_batch("COMMIT").map_err(GroupFailure::of("commit"))?;
        if changes {
            pass(Point::SqliteAfterCommit);
        }
        Ok(())
    }

    fn run_all(
        &self,
        group: &mut Vec<Box<dyn Operation>>,
        queue: &mut Queue,
    ) -> std::result::Result<(), GroupFailure> {
        let begun = Instant::now();
        let changes_before = self.conn.total_changes();
        let mark = self.raise_time().map_err(GroupFailure::of("read the store's time"))?;
        let mut next = 0;
        while let Some(operation) = group.get_mut(next) {
            self.run_one(operation.as_mut()).map_err(GroupFailure::of("run an operation"))?;
            next += 1;
            if next == group.len()
                && next < GROUP
                && begun.elapsed() < GROUP_TIME
                && let Ok(another) = queue.try_recv()
            {
                group.push(another);
            }
        }
        if self.conn.total_changes() > changes_before {
            self.write_mark(mark).map_err(GroupFailure::of("write the store's time"))?;
        }
        Ok(())
    }

    /// Takes the write lock; waits a bounded time for another process's transaction.
    fn begin(&self) -> std::result::Result<(), GroupFailure> {
        let begun = Instant::now();
        loop {
            match self.conn.execute_batch("BEGIN IMMEDIATE") {
                Ok(()) => return Ok(()),
                Err(error) if !is_busy(&error) => return Err(GroupFailure::of("begin")(error)),
                Err(_busy) if begun.elapsed() >= self.policies.busy_timeout => {
                    return Err(GroupFailure::Busy(self.policies.busy_timeout));
                }
                Err(_busy) => std::thread::sleep(PAUSE / 2),
            }
        }
    }

    fn run_one(&self, operation: &mut dyn Operation) -> rusqlite::Result<()> {
        self.conn.prepare_cached("SAVEPOINT operation")?.execute([])?;
        let mut tx = Tx::new(&self.conn, &self.policies, self.epoch, &self.time);
        let good = operation.run(&mut tx);
        if self.conn.is_autocommit() {
            // The disk is full or failed: SQLite has undone the whole transaction, and with it what came before.
            return Err(rusqlite::Error::SqliteFailure(
                ffi::Error::new(ffi::SQLITE_IOERR),
                Some("the transaction was rolled back".to_owned()),
            ));
        }
        if !good {
            self.conn.prepare_cached("ROLLBACK TO operation")?.execute([])?;
        }
        self.conn.prepare_cached("RELEASE operation")?.execute([])?;
        Ok(())
    }

    /// Another process may have been further than this one's clock.
    fn raise_time(&self) -> rusqlite::Result<Timestamp> {
        let mark = self
            .conn
            .prepare_cached("SELECT high_water FROM store")?
            .query_row([], |row| row.get(0))
            .map(Timestamp::from_millis)?;
        self.time.raise(mark);
        Ok(mark)
    }

    fn write_mark(&self, mark: Timestamp) -> rusqlite::Result<()> {
        let now = self.time.now();
        if now.since(mark) >= MARK_EVERY {
            self.conn
                .prepare_cached("UPDATE store SET high_water = ?1")?
                .execute(params![now.as_millis()])?;
        }
        Ok(())
    }
}

/// Whether another process holds the lock.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}
