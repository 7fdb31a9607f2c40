//! Counts of what a worker process has done since its start, for progress bars and closing tables.

use std::sync::atomic::{AtomicU64, Ordering};

use gangway_jobs::outcome::Outcome;

/// The counters.
#[derive(Debug, Default)]
pub struct Stats {
    attempts: AtomicU64,
    completed: AtomicU64,
    snoozed: AtomicU64,
    retried: AtomicU64,
    buried: AtomicU64,
    given_back: AtomicU64,
    lost: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Attempts that ended.
    pub attempts: u64,
    /// Of these: done.
    pub completed: u64,
    /// Look again later.
    pub snoozed: u64,
    /// Failed, to be tried again.
    pub retried: u64,
    /// Failed for good, or parked by the circuit instead.
    pub buried: u64,
    /// Given back.
    pub given_back: u64,
    /// Settles refused because the lease was gone.
    pub lost: u64,
}

impl Stats {
    pub(crate) fn ended(&self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Complete(_) => &self.completed,
            Outcome::Snooze { .. } => &self.snoozed,
            Outcome::Retry { .. } => &self.retried,
            Outcome::Bury { .. } => &self.buried,
            Outcome::GiveBack { .. } => &self.given_back,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn lost(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Reads all counters.
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            attempts: read(&self.attempts),
            completed: read(&self.completed),
            snoozed: read(&self.snoozed),
            retried: read(&self.retried),
            buried: read(&self.buried),
            given_back: read(&self.given_back),
            lost: read(&self.lost),
        }
    }
}
