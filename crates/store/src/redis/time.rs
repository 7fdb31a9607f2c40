//! The store's time: the server's. Between two replies it is carried on by this process's monotonic clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gangway_jobs::clock::{Clock, Timestamp};

/// What the last reply said, and when it came.
#[derive(Clone, Copy, Debug)]
struct Seen {
    time: Timestamp,
    at: Duration,
}

/// The store's time.
#[derive(Debug)]
pub(super) struct Time {
    clock: Arc<dyn Clock>,
    seen: Mutex<Option<Seen>>,
    latest: Mutex<Timestamp>,
}

impl Time {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, seen: Mutex::new(None), latest: Mutex::default() }
    }

    /// What scripts are told: the time of a clock that a test steers; else nothing, and they ask the server.
    pub(super) fn argument(&self) -> Option<Timestamp> {
        self.clock.monotonic().is_none().then(|| self.now())
    }

    /// A reply has told the store's time.
    pub(super) fn saw(&self, time: Timestamp) {
        if let Some(at) = self.clock.monotonic() {
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Seen { time, at });
        } else {
            // An earlier process may have been there already.
            let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
            *latest = time.max(*latest);
        }
    }

    /// The time now. Never goes back.
    pub(super) fn now(&self) -> Timestamp {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let told = match (seen, self.clock.monotonic()) {
            (Some(seen), Some(now)) => seen.time.after(now.saturating_sub(seen.at)),
            (None, _) | (_, None) => self.clock.now(),
        };
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = told.max(*latest);
        *latest
    }
}
