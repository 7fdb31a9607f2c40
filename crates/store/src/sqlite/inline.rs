//! The writer without its thread: operations run where they are asked for, one after the other.
//!
//! For a simulation on one thread: whatever is asked is done before the asker goes on, so the order of all that happens is
//! the simulation's own.

use std::sync::{Mutex, PoisonError};

use rusqlite::config::DbConfig;

use super::writer::{Operation, Queue, Writer};

/// A writer that belongs to whoever asks.
#[derive(Debug)]
pub(super) struct Inline(Mutex<(Writer, Queue)>);

impl Inline {
    pub(super) fn new(writer: Writer) -> rusqlite::Result<Self> {
        // Plans are made once and not anew for each value that they are asked with: a run asks for little and often.
        writer.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // Nobody ever sends: a group is the one operation that is asked for.
        let (_nobody, queue) = tokio::sync::mpsc::channel(1);
        Ok(Self(Mutex::new((writer, queue))))
    }

    /// Runs an operation in a transaction of its own; it has replied when this returns.
    pub(super) fn run(&self, operation: Box<dyn Operation>) {
        // A panic is caught inside of the operation, which is undone.
        let (writer, queue) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writer.group(operation, queue);
    }
}
