//! Taking back leases that have run out.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::JobId;
use gangway_jobs::job::Hold;
use gangway_jobs::transition::{self, Loss};

use super::state::State;
use crate::words::TakenBack;

impl State {
    pub(super) fn take_back(&mut self, limit: usize, now: Timestamp) -> TakenBack {
        let mut expired: Vec<_> = self
            .jobs
            .values()
            .filter_map(|job| job.lease().map(|lease| (lease.until, job.id, lease.worker)))
            .filter(|(until, ..)| *until <= now)
            .collect();
        expired.sort_unstable();
        let mut taken = TakenBack { more: expired.len() > limit, ..TakenBack::default() };
        for (_, id, worker) in expired.into_iter().take(limit) {
            let loss = if self.is_alive(worker, now) { Loss::Excused } else { Loss::Worker };
            taken.jobs += 1;
            taken.poisoned += usize::from(self.lose(id, loss, now));
        }
        taken
    }

    /// Ends a lease without an outcome; answers whether that buried the job.
    pub(super) fn lose(&mut self, id: JobId, loss: Loss, now: Timestamp) -> bool {
        let (Some(job), Some(mut record)) =
            (self.jobs.get(&id).cloned(), self.records.get(&id.onboarding).cloned())
        else {
            return false;
        };
        let Some(lease) = job.lease().copied() else { return false };
        let max = self.policies.max_lease_losses;
        let consequence = transition::take_back(&mut record, job, &lease, loss, max, now);
        let buried = consequence.job.as_ref().is_some_and(|job| matches!(job.hold, Hold::Dead(_)));
        self.write(record, Some(id), consequence, now);
        buried
    }
}
