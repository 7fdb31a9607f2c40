//! Counts handlers, and tells when the last has begun.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::Notify;

#[derive(Debug)]
pub(crate) struct Tally {
    left: AtomicUsize,
    none_left: Notify,
}

impl Tally {
    pub(crate) fn of(jobs: usize) -> Self {
        Self { left: AtomicUsize::new(jobs), none_left: Notify::new() }
    }

    /// A handler has begun.
    pub(crate) fn count(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.none_left.notify_one();
        }
    }

    /// Returns when the last handler has begun.
    pub(crate) async fn all(&self) {
        self.none_left.notified().await;
    }
}

/// The line that is printed.
pub(crate) fn result(peer: &str, settings: &str, jobs: usize, enqueue: Duration, drain: Instant) -> Value {
    let per_second = |time: Duration| jobs as f64 / time.as_secs_f64();
    let drain = drain.elapsed();
    json!({
        "peer": peer,
        "settings": settings,
        "jobs": jobs,
        "enqueue_per_s": per_second(enqueue),
        "drain_per_s": per_second(drain),
        "drain_s": drain.as_secs_f64(),
    })
}
