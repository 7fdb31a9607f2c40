//! The live workers of a status.

use std::time::Duration;

use gangway_jobs::clock::Timestamp;
use gangway_store::WorkerState;
use serde::Serialize;

use crate::output::table::{Table, number};
use crate::settings::duration::show;

/// A live worker as programs get it.
#[derive(Debug, Serialize)]
pub(super) struct Worker {
    id: String,
    name: String,
    slots: u32,
    leases: u64,
    oldest_lease_s: Option<f64>,
    started_at: String,
    last_beat_at: String,
}

impl Worker {
    pub(super) fn new(worker: &WorkerState, now: Timestamp) -> Self {
        Self {
            id: worker.info.id.to_string(),
            name: worker.info.name.clone(),
            slots: worker.info.slots,
            leases: worker.leases,
            oldest_lease_s: worker.oldest_lease.map(|since| now.since(since).as_secs_f64()),
            started_at: worker.started_at.to_string(),
            last_beat_at: worker.beat_at.to_string(),
        }
    }

    fn oldest_lease(&self) -> String {
        let whole = |seconds: f64| show(Duration::from_secs(Duration::from_secs_f64(seconds).as_secs()));
        self.oldest_lease_s.map_or_else(|| "-".to_owned(), whole)
    }
}

/// The workers for people, the longest at work first.
pub(super) fn text(workers: &[Worker]) -> String {
    if workers.is_empty() {
        return "  workers  none is running\n".to_owned();
    }
    let mut table = Table::new(&[1, 2, 3]);
    table.row(["workers", "slots", "leases", "oldest lease"]);
    for worker in workers {
        let numbers = [number(worker.slots.into()), number(worker.leases), worker.oldest_lease()];
        table.row(std::iter::once(worker.name.clone()).chain(numbers));
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use gangway_jobs::id::WorkerId;
    use gangway_store::WorkerInfo;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_772_355_601_000);

    fn worker(name: &str, leases: u64, oldest: Option<Duration>) -> Worker {
        let id: WorkerId = "2d83c41c-8f0b-8a3e-9d50-2c3f6a7b8c9d".parse().unwrap();
        let info = WorkerInfo { id, name: name.to_owned(), slots: 96, patience: Duration::from_secs(30) };
        let oldest_lease = oldest.map(|ago| NOW.before(ago));
        let state = WorkerState { info, started_at: NOW, beat_at: NOW, alive: true, leases, oldest_lease };
        Worker::new(&state, NOW)
    }

    #[test]
    fn a_worker_shows_its_slots_its_leases_and_the_age_of_the_oldest() {
        assert_eq!(text(&[]), "  workers  none is running\n");
        let busy = worker("here/12", 1_200, Some(Duration::from_millis(63_400)));
        assert_eq!(busy.oldest_lease_s, Some(63.4));
        let idle = worker("there/7", 0, None);
        assert_eq!(
            text(&[busy, idle]),
            "  workers  slots  leases  oldest lease\n\
             \x20 here/12     96   1,200          1m3s\n\
             \x20 there/7     96       0             -\n"
        );
    }
}
