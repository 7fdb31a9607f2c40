//! The log lines of an outage: one when it begins, one when it has lasted, one when it is over.
//!
//! Shared by all connections of a process to one server. Attempts are never logged: there are many a second.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::fault::{Fault, Kind};

/// When an outage is told a second time.
const LASTING: Duration = Duration::from_mins(1);

/// A server that takes no writes still answers reads: only after it has refused nothing for so long is it well again.
const CONVALESCENCE: Duration = Duration::from_secs(5);

/// An outage that begins so soon after the end of another is not told again: a connection that comes and goes would
/// otherwise fill the log.
const QUIET: Duration = Duration::from_secs(10);

/// Whether the server is away, and what has been said of it.
#[derive(Debug, Default)]
pub(super) struct Outage {
    /// Says without a lock that all is well, as it nearly always is.
    is_away: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    away: Option<Away>,
    /// When an outage was last told to be over.
    told_at: Option<Instant>,
}

#[derive(Debug)]
struct Away {
    since: Instant,
    last_failure: Instant,
    /// The first answer after the last failure.
    well_since: Option<Instant>,
    takes_no_writes: bool,
    told: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    Beginning,
    Lasting,
}

impl Outage {
    /// A call or an attempt to connect has failed.
    pub(super) fn failed(&self, place: &str, fault: &Fault, now: Instant) {
        let mut state = self.lock();
        self.is_away.store(true, Ordering::Relaxed);
        let told_at = state.told_at;
        let away = state.away.get_or_insert_with(|| Away::new(now));
        away.last_failure = now;
        away.well_since = None;
        away.takes_no_writes = matches!(fault.kind, Kind::Unwell(_));
        match away.told {
            Told::Nothing if told_at.is_none_or(|at| now >= at + QUIET) => {
                tracing::warn!(place, reason = fault.reason(), "the store is not reachable; trying again");
                away.told = Told::Beginning;
            }
            Told::Beginning if now >= away.since + LASTING => {
                let (reason, away_s) = (fault.reason(), (now - away.since).as_secs());
                tracing::warn!(place, reason, away_s, "the store is still not reachable; trying again");
                away.told = Told::Lasting;
            }
            Told::Nothing | Told::Beginning | Told::Lasting => {}
        }
    }

    /// A call was answered.
    pub(super) fn answered(&self, place: &str, now: Instant) {
        if !self.is_away.load(Ordering::Relaxed) {
            return;
        }
        let mut state = self.lock();
        let Some(away) = &mut state.away else { return };
        let well_since = *away.well_since.get_or_insert(now);
        if away.takes_no_writes && now < away.last_failure + CONVALESCENCE {
            return;
        }
        if away.told != Told::Nothing {
            let away_ms = u64::try_from((well_since - away.since).as_millis()).unwrap_or(u64::MAX);
            tracing::info!(place, away_ms, "the store answers again");
            state.told_at = Some(now);
        }
        state.away = None;
        self.is_away.store(false, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Away {
    const fn new(now: Instant) -> Self {
        Self { since: now, last_failure: now, well_since: None, takes_no_writes: false, told: Told::Nothing }
    }
}
