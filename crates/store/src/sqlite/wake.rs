//! Noticing that something has changed: at once what this process commits, within 50 ms what another one does.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::Notify;

/// How often another process's commits are looked for, while anybody waits.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A commit between the question that found nothing and the wait for a change would be missed, so a change that is no
/// older than this counts as one that is still to come.
const JUST_NOW: Duration = Duration::from_millis(5);

/// Wakes those who wait for a change.
#[derive(Debug, Default)]
pub(super) struct Wake {
    notify: Notify,
    last: Mutex<Option<Instant>>,
    waiting: AtomicUsize,
    /// Stirs the thread that looks; gone when the store is closed, and absent if nobody else can write.
    stir: Mutex<Option<mpsc::SyncSender<()>>>,
}

impl Wake {
    /// Something was committed.
    pub(super) fn all(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.notify.notify_waiters();
    }

    /// Returns after a change, or after `at_most`.
    pub(super) async fn changed(&self, at_most: Duration) {
        let notified = self.notify.notified();
        tokio::pin!(notified);
        notified.as_mut().enable();
        if self.was_just_now() {
            // Not at once: those who ask in a circle would find a busy store busier for it.
            tokio::time::sleep(JUST_NOW.min(at_most)).await;
            return;
        }
        let _waits = self.wait();
        tokio::select! {
            () = &mut notified => {}
            () = tokio::time::sleep(at_most) => {}
        }
    }

    fn was_just_now(&self) -> bool {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|last| last.elapsed() < JUST_NOW)
    }

    fn wait(&self) -> Waits<'_> {
        if self.waiting.fetch_add(1, Ordering::SeqCst) == 0
            && let Some(stir) = &*self.stir.lock().unwrap_or_else(PoisonError::into_inner)
        {
            match stir.try_send(()) {
                // Full: the thread has a nudge to come already. Gone: the store is being closed.
                Ok(()) | Err(mpsc::TrySendError::Full(()) | mpsc::TrySendError::Disconnected(())) => {}
            }
        }
        Waits(&self.waiting)
    }

    /// Lets a thread look for the commits of other processes with `conn`.
    pub(super) fn watch(self: &Arc<Self>, conn: Connection) -> std::io::Result<std::thread::JoinHandle<()>> {
        let (stir, stirred) = mpsc::sync_channel(1);
        *self.stir.lock().unwrap_or_else(PoisonError::into_inner) = Some(stir);
        let wake = Arc::clone(self);
        std::thread::Builder::new()
            .name("gangway-store-watch".to_owned())
            .spawn(move || wake.look(&conn, &stirred))
    }

    /// Ends the thread that looks, and wakes everybody.
    pub(super) fn close(&self) {
        self.stir.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.notify.notify_waiters();
    }

    fn look(&self, conn: &Connection, stirred: &mpsc::Receiver<()>) {
        let mut seen = version(conn);
        while stirred.recv().is_ok() {
            while self.waiting.load(Ordering::SeqCst) > 0 {
                let found = version(conn);
                if found != seen {
                    seen = found;
                    self.all();
                }
                match stirred.recv_timeout(LOOK_EVERY) {
                    Err(mpsc::RecvTimeoutError::Disconnected) => return,
                    Ok(()) | Err(mpsc::RecvTimeoutError::Timeout) => {}
                }
            }
        }
    }
}

/// Changes whenever another connection has committed.
fn version(conn: &Connection) -> Option<i64> {
    conn.prepare_cached("PRAGMA data_version").and_then(|mut it| it.query_row([], |row| row.get(0))).ok()
}

/// One who waits, for as long as it lives.
struct Waits<'a>(&'a AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
