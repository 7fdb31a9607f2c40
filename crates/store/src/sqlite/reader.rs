//! Reading beside the writer: status, records, events. A reader never waits for a commit, nor holds one up.

use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::mpsc;

use super::clock::StoreTime;
use super::look::Look;

/// Reads that may wait.
pub(super) const QUEUE: usize = 256;

/// One read on its way.
pub(super) type Read = Box<dyn FnOnce(&Look<'_>) + Send>;

/// What the thread works with.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) conn: Connection,
    pub(super) time: Arc<StoreTime>,
}

impl Reader {
    /// Works until nobody can send any more.
    pub(super) fn run(self, mut queue: mpsc::Receiver<Read>) {
        while let Some(read) = queue.blocking_recv() {
            // One snapshot for the whole read, so that sums add up. If there can be none, the read itself says why.
            let begun = self.conn.execute_batch("BEGIN").is_ok();
            let look = Look { conn: &self.conn, now: self.time.now() };
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| read(&look)));
            if done.is_err() {
                tracing::error!("a read of the store panicked");
            }
            if begun && let Err(error) = self.conn.execute_batch("COMMIT") {
                tracing::warn!(%error, "failed to end a read");
            }
        }
    }
}
