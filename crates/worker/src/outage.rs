//! An outage of the store, told once when it begins and once when it ends, however often something is tried between.

use std::time::{Duration, Instant};

use gangway_store::Error;

/// One task's view of the store.
#[derive(Debug)]
pub(crate) struct Outage {
    /// What the task does, for the log.
    action: &'static str,
    since: Option<Instant>,
    failures: u32,
}

impl Outage {
    pub(crate) const fn new(action: &'static str) -> Self {
        Self { action, since: None, failures: 0 }
    }

    /// Another failure.
    pub(crate) fn report(&mut self, error: &Error) {
        self.failures = self.failures.saturating_add(1);
        if self.since.is_none() {
            self.since = Some(Instant::now());
            tracing::warn!(action = self.action, %error, "the store does not answer; waiting");
        }
    }

    /// It works again.
    pub(crate) fn over(&mut self) {
        self.failures = 0;
        if let Some(since) = self.since.take() {
            tracing::info!(
                action = self.action,
                away_s = since.elapsed().as_secs(),
                "the store answers again"
            );
        }
    }

    /// How long to wait before the next try: 50 ms at first, 2 s at most, with jitter.
    pub(crate) fn pause(&self) -> Duration {
        let full = Duration::from_millis(50) * 2_u32.pow(self.failures.clamp(1, 7) - 1);
        full.min(Duration::from_secs(2)).mul_f64(0.5 + rand::random::<f64>() / 2.0)
    }
}
