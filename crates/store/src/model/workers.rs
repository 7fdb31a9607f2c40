//! Workers and their heartbeats.

use std::time::Duration;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::WorkerId;
use gangway_jobs::job::Lease;

use super::state::State;
use crate::words::{WorkerInfo, WorkerState};

/// A worker that was silent for that long is forgotten.
const FORGET_AFTER: Duration = Duration::from_hours(24);

/// A registered worker.
#[derive(Debug)]
pub(super) struct Worker {
    info: WorkerInfo,
    started_at: Timestamp,
    beat_at: Timestamp,
}

impl Worker {
    pub(super) fn is_alive(&self, now: Timestamp) -> bool {
        now.since(self.beat_at) <= self.info.patience
    }
}

impl State {
    pub(super) fn register(&mut self, info: WorkerInfo, now: Timestamp) {
        self.workers.retain(|_, known| now.since(known.beat_at) <= FORGET_AFTER);
        let id = info.id;
        let started_at = self.workers.get(&id).map_or(now, |known| known.started_at);
        self.workers.insert(id, Worker { info, started_at, beat_at: now });
    }

    pub(super) fn beat(&mut self, id: WorkerId, now: Timestamp) -> bool {
        let Some(worker) = self.workers.get_mut(&id) else { return false };
        worker.beat_at = now;
        true
    }

    pub(super) fn live_workers(&self, now: Timestamp) -> usize {
        self.workers.values().filter(|worker| worker.is_alive(now)).count()
    }

    pub(super) fn worker_states(&self, now: Timestamp) -> Vec<WorkerState> {
        let state = |(id, worker): (&WorkerId, &Worker)| {
            let held: Vec<&Lease> = self
                .jobs
                .values()
                .filter_map(|job| job.lease())
                .filter(|lease| lease.worker == *id)
                .collect();
            WorkerState {
                info: worker.info.clone(),
                started_at: worker.started_at,
                beat_at: worker.beat_at,
                alive: worker.is_alive(now),
                leases: held.len() as u64,
                oldest_lease: held.iter().map(|lease| lease.since).min(),
            }
        };
        self.workers.iter().map(state).collect()
    }
}
