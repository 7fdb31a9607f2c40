//! Noticing that something has changed: at once what this process writes, and as soon as the server tells what others do.
//!
//! A stream of one entry changes whenever somebody should look again. Whoever waits reads it from the entry that was seen
//! last, so no change is missed that comes between two waits. Nobody asks while nobody waits.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::Value;

use super::core::{Core, lock};
use super::reply::{list, text};
use super::{RedisStore, keys};

/// The longest that one question stays open: then the connection is seen to live.
const LONGEST: Duration = Duration::from_secs(20);

/// What is known of the stream.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The entry that was seen last.
    entry: Mutex<Option<String>>,
    /// One task asks for all that wait.
    asking: tokio::sync::Mutex<()>,
    /// When this process wrote what others may wait for.
    written: Mutex<Option<Instant>>,
}

impl Seen {
    /// This process has written something.
    pub(super) fn wrote(&self) {
        *self.written.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

impl RedisStore {
    /// Returns after a change, or after `at_most`.
    pub(super) async fn wait_for_change(&self, at_most: Duration) {
        let notified = self.core.wake.notified();
        tokio::pin!(notified);
        notified.as_mut().enable();
        tokio::select! {
            () = &mut notified => {}
            () = self.core.ask_for_change() => {}
            () = tokio::time::sleep(at_most) => {}
        }
    }
}

impl Core {
    /// Asks the server until something has changed. Many that wait share one question: the first one asks, and wakes the
    /// others.
    async fn ask_for_change(&self) {
        let _asks = self.seen.asking.lock().await;
        loop {
            let from = lock(&self.seen.entry).clone();
            let question = self.question(from.as_deref());
            match self.listen.block("wait for a change", &question, LONGEST).await {
                Ok(answer) => {
                    if let Some(entry) = last_entry(answer) {
                        let first = lock(&self.seen.entry).replace(entry).is_none();
                        if !first || from.is_some() {
                            self.wake.notify_waiters();
                            return;
                        }
                    } else if from.is_none() {
                        // Nothing was ever written: begin with what comes.
                        *lock(&self.seen.entry) = Some("0-0".to_owned());
                    }
                }
                // The link waits between its tries by itself; who works learns of the outage by its own calls.
                Err(_unreachable) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    /// The first time: what is the last entry? Later: what comes after it?
    fn question(&self, from: Option<&str>) -> redis::Cmd {
        let key = self.keys.of(keys::WAKE);
        match from {
            None => {
                let mut last = redis::cmd("XREVRANGE");
                last.arg(key).arg("+").arg("-").arg("COUNT").arg(1);
                last
            }
            Some(from) => {
                let mut next = redis::cmd("XREAD");
                let block = u64::try_from(LONGEST.as_millis()).unwrap_or(u64::MAX);
                next.arg("COUNT").arg(10).arg("BLOCK").arg(block).arg("STREAMS").arg(key).arg(from);
                next
            }
        }
    }
}

/// The id of the last entry in an answer, whichever of the two commands it is to.
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
    let is_id = first.split_once('-').is_some_and(|(ms, seq)| ms.parse::<u64>().is_ok() && seq.parse::<u64>().is_ok());
    if is_id { Some(first) } else { last_entry(second) }
}
