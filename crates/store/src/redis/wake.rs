//! Noticing that something has changed: at once what this process writes, and as soon as the server tells what others do.
//!
//! A stream of one entry changes whenever somebody should look again. A task reads it, while anybody waits, from the entry
//! that was seen last: so a change between a question that found nothing and the wait for a change is not missed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use redis::{Cmd, Value};
use tokio::sync::Notify;

use super::core::{Core, lock};
use super::keys;
use super::reply::{list, text};
use crate::{Error, Result};

/// So long does one question stay open.
const LONGEST: Duration = Duration::from_secs(20);

/// Who waits, and what for.
#[derive(Debug, Default)]
pub(super) struct Wake {
    changed: Notify,
    waiting: AtomicUsize,
    /// Somebody has begun to wait.
    stir: Notify,
    seen: Mutex<Seen>,
    closed: AtomicBool,
}

/// What was seen last.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// The newest entry; none before the first look, nor if there was none.
    entry: Option<String>,
    /// Whether later entries are sure to have later ids. A server that comes back may have begun a stream of its own.
    is_sure: bool,
}

impl Wake {
    /// Something was written, here or elsewhere.
    pub(super) fn all(&self) {
        self.changed.notify_waiters();
    }

    /// Wakes everybody for the last time.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.changed.notify_waiters();
        self.stir.notify_one();
    }

    /// Returns after a change, or after `at_most`.
    pub(super) async fn changed(&self, at_most: Duration) {
        let changed = self.changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let _waits = Waits::begin(self);
        tokio::select! {
            () = &mut changed => {}
            () = tokio::time::sleep(at_most) => {}
        }
    }
}

/// One who waits, for as long as it lives.
struct Waits<'a>(&'a Wake);

impl<'a> Waits<'a> {
    fn begin(wake: &'a Wake) -> Self {
        wake.waiting.fetch_add(1, Ordering::SeqCst);
        wake.stir.notify_one();
        Self(wake)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Tells those who wait what the server tells, until the store is closed or gone.
pub(super) async fn listen(wake: Arc<Wake>, core: Weak<Core>) {
    loop {
        while wake.waiting.load(Ordering::SeqCst) == 0 && !wake.closed.load(Ordering::SeqCst) {
            wake.stir.notified().await;
        }
        let Some(core) = core.upgrade() else { return };
        match core.next_change().await {
            Ok(true) => wake.all(),
            Ok(false) => {}
            Err(Error::Closed) => return,
            // The link pauses between its tries; who works learns of the outage by its own calls.
            Err(_unreachable) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

impl Core {
    /// Asks whether something has changed, for a while.
    async fn next_change(&self) -> Result<bool> {
        const ACTION: &str = "wait for a change";
        let key = self.keys.of(keys::WAKE);
        let seen = lock(&self.wake.seen).clone();
        lock(&self.wake.seen).is_sure = false;
        let entry = if seen.is_sure {
            let from = seen.entry.as_deref().unwrap_or(BEGINNING);
            last_entry(self.listen.block(ACTION, &after(&key, from), LONGEST).await?)
        } else {
            let newest = last_entry(self.listen.send(ACTION, &newest(&key)).await?);
            *lock(&self.wake.seen) = Seen { entry: newest.clone(), is_sure: true };
            // What came before the first look may have been missed: it counts as a change.
            newest.or_else(|| Some(BEGINNING.to_owned())).filter(|newest| seen.entry.as_ref() != Some(newest))
        };
        let has_changed = entry.is_some();
        if let Some(entry) = entry {
            *lock(&self.wake.seen) = Seen { entry: Some(entry), is_sure: true };
        }
        Ok(has_changed)
    }
}

/// Before the first entry of a stream.
const BEGINNING: &str = "0-0";

fn newest(key: &str) -> Cmd {
    let mut newest = redis::cmd("XREVRANGE");
    newest.arg(key).arg("+").arg("-").arg("COUNT").arg(1);
    newest
}

fn after(key: &str, entry: &str) -> Cmd {
    let mut after = redis::cmd("XREAD");
    let block = u64::try_from(LONGEST.as_millis()).unwrap_or(u64::MAX);
    after.arg("COUNT").arg(10).arg("BLOCK").arg(block).arg("STREAMS").arg(key).arg(entry);
    after
}

/// The id of the last entry in an answer, whichever of the two commands it is to.
#[expect(clippy::wildcard_enum_match_arm, reason = "whatever is no list has no entries")]
fn last_entry(answer: Value) -> Option<String> {
    match answer {
        Value::Array(parts) => parts.into_iter().rev().find_map(last_entry_of),
        Value::Map(streams) => streams.into_iter().rev().find_map(|(_, entries)| last_entry(entries)),
        _ => None,
    }
}

/// `[id, fields]`, or `[stream, entries]`.
fn last_entry_of(part: Value) -> Option<String> {
    let mut pair = list(part)?.into_iter();
    let (first, second) = (text(pair.next()?)?, pair.next()?);
    let is_id = first
        .split_once('-')
        .is_some_and(|(time, number)| time.parse::<u64>().is_ok() && number.parse::<u64>().is_ok());
    if is_id { Some(first) } else { last_entry(second) }
}
