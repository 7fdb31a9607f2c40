//! Settle: the ends of attempts.

use std::time::Duration;

use gangway_jobs::circuit::{Report, Verdict};
use gangway_jobs::clock::Timestamp;
use gangway_jobs::job::{Hold, Job};
use gangway_jobs::outcome::{Outcome, Settled, Settlement};
use gangway_jobs::transition;

use super::state::State;
use crate::Result;
use crate::bounds::bounded;

impl State {
    pub(super) fn settle(&mut self, batch: Vec<Settlement>, now: Timestamp) -> Result<Vec<Settled>> {
        bounded(batch.len())?;
        Ok(batch.into_iter().map(|settlement| self.settle_one(settlement, now)).collect())
    }

    fn settle_one(&mut self, settlement: Settlement, now: Timestamp) -> Settled {
        let (id, token) = (settlement.job, settlement.token);
        let Some(mut job) = self.held(id, token).cloned() else {
            return if self.fences.get(&id) == Some(&token) { Settled::Already } else { Settled::LeaseLost };
        };
        let (Some(lease), Some(mut record)) =
            (job.lease().copied(), self.records.get(&id.onboarding).cloned())
        else {
            return Settled::LeaseLost;
        };
        let verdict = self.judge(&settlement, job.parked, now);
        let outcome = Self::as_judged(settlement.outcome, &mut job, &verdict);
        let consequence = transition::settle(&mut record, job, &lease, outcome, now);
        self.write(record, Some(id), consequence, now);
        self.fences.insert(id, token);
        self.excuse(verdict);
        Settled::Done
    }

    fn judge(&mut self, settlement: &Settlement, parked: bool, now: Timestamp) -> Verdict {
        let report = Report {
            job: settlement.job,
            token: settlement.token,
            worker: settlement.worker,
            credential: &settlement.credential,
            signal: &settlement.signal,
            parked,
            live_workers: self.live_workers(now),
        };
        let policy = self.policies.circuit.clone();
        self.circuit.observe(&report, &policy, now)
    }

    /// The outcome under the verdict.
    fn as_judged(outcome: Outcome, job: &mut Job, verdict: &Verdict) -> Outcome {
        match verdict {
            Verdict::Stands => outcome,
            Verdict::Park(after) => {
                job.parked = true;
                // People should see why it stands aside.
                if let Outcome::Bury { failure, .. } | Outcome::Retry { failure, .. } = &outcome {
                    job.failure = Some(failure.clone());
                }
                transition::parked(&outcome, *after)
            }
            Verdict::Excuse(_) => transition::excused(outcome, Duration::ZERO),
        }
    }

    /// The failures that showed that the API is down cost their jobs nothing.
    pub(super) fn excuse(&mut self, verdict: Verdict) {
        let Verdict::Excuse(jobs) = verdict else { return };
        for id in jobs {
            if let Some(job) = self.jobs.get_mut(&id)
                && matches!(job.hold, Hold::Waiting)
            {
                job.attempt = job.attempt.saturating_sub(1);
            }
        }
    }
}
