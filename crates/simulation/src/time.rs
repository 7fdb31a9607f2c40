//! Time, which passes when the simulation says so, and the clocks that show it, each in its own way.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use gangway_jobs::clock::{Clock, Timestamp};

/// When every run begins: 2026-03-01, 09:00 UTC.
pub(crate) const BEGINNING: Timestamp = Timestamp::from_millis(1_772_355_600_000);

/// The time that has truly passed since the beginning, in milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Time(Arc<AtomicI64>);

impl Time {
    pub(crate) fn passed(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst).unsigned_abs())
    }

    pub(crate) fn now(&self) -> Timestamp {
        BEGINNING.after(self.passed())
    }

    /// Lets time pass here and for tokio's timers.
    pub(crate) async fn pass(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        tokio::time::advance(by).await;
    }
}

/// A machine's clock: somebody may set it, and no two agree.
#[derive(Clone, Debug)]
pub(crate) struct MachineClock {
    time: Time,
    /// How far it is ahead, in milliseconds.
    ahead: Arc<AtomicI64>,
}

impl MachineClock {
    pub(crate) fn new(time: &Time, ahead: i64) -> Self {
        Self { time: time.clone(), ahead: Arc::new(AtomicI64::new(ahead)) }
    }

    /// Somebody sets it.
    pub(crate) fn jump(&self, millis: i64) {
        self.ahead.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.time.now().as_millis() + self.ahead.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Option<Duration> {
        Some(self.time.passed())
    }
}
