//! Lease, extend, release, permit, report.

use std::time::Duration;

use gangway_jobs::circuit::{Admission, Asker, Report};
use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::{JobId, LeaseToken, WorkerId};
use gangway_jobs::job::{Job, LeasedJob};
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::Class;
use gangway_jobs::transition::{self, Loss};

use super::state::State;
use crate::bounds::{ON_THE_WAY_BACK, bounded};
use crate::words::{CallReport, Grant, LeaseRequest, Release};
use crate::{MAX_BATCH, Result};

impl State {
    pub(super) fn lease(&mut self, ask: &LeaseRequest, now: Timestamp) -> Grant {
        let again = self.leased_under(ask.token, ask.kind);
        if !again.is_empty() {
            return Grant { jobs: again, ask_again: Some(Duration::ZERO) };
        }
        if ask.max == 0 || self.paused.contains(&ask.kind) {
            return Grant::default();
        }
        let Some(next_due) = self.next_due(ask.kind, now) else { return Grant::default() };
        if !next_due.is_zero() {
            return Grant { jobs: Vec::new(), ask_again: Some(next_due) };
        }
        let asker =
            Asker { kind: ask.kind, worker: ask.worker, credential: &ask.credential, token: ask.token };
        let admitted = match self.circuit.admit(asker, now, ask.length) {
            Admission::Run(most) => most.saturating_sub(self.leases_of(ask.kind)),
            Admission::Probe => 1,
            Admission::Blocked(until) => {
                return Grant { jobs: Vec::new(), ask_again: Some(until.since(now)) };
            }
        };
        if admitted == 0 {
            return Grant { jobs: Vec::new(), ask_again: Some(ON_THE_WAY_BACK) };
        }
        let mut picked = self.pick(ask, ask.max.min(MAX_BATCH).min(admitted), now);
        let mut wait = None;
        if !picked.is_empty() {
            let (tokens, until_next) = self.take_tokens(Class::of(ask.kind), picked.len(), now);
            wait = (tokens < picked.len()).then_some(until_next);
            picked.truncate(tokens);
        }
        if picked.is_empty() {
            self.circuit.withdraw(ask.token);
        }
        let waiting = self.waiting_onboardings();
        let jobs = picked.into_iter().filter_map(|id| self.begin(id, ask, waiting, now)).collect();
        Grant { jobs, ask_again: wait.or_else(|| self.next_due(ask.kind, now)) }
    }

    /// Leases of the kind, of all workers.
    fn leases_of(&self, kind: Kind) -> usize {
        self.jobs.values().filter(|job| job.id.kind == kind && job.lease().is_some()).count()
    }

    /// What a lease call whose reply was lost had leased.
    fn leased_under(&self, token: LeaseToken, kind: Kind) -> Vec<LeasedJob> {
        let held = |job: &&Job| job.id.kind == kind && job.lease().is_some_and(|lease| lease.token == token);
        let waiting = self.waiting_onboardings();
        self.jobs.values().filter(held).filter_map(|job| self.as_leased(job, waiting)).collect()
    }

    fn as_leased(&self, job: &Job, waiting: u64) -> Option<LeasedJob> {
        let lease = job.lease()?;
        let mut record = self.records.get(&job.id.onboarding)?.clone();
        if job.id.kind == Kind::CreateCustomer {
            record.uncertain_since = lease.uncertain_before;
        }
        Some(LeasedJob {
            id: job.id,
            payload: job.payload.clone(),
            attempt: job.attempt,
            record,
            token: lease.token,
            until: lease.until,
            now: lease.since,
            waiting,
        })
    }

    /// Until the next waiting job of the kind is due; `None` if there is none.
    fn next_due(&self, kind: Kind, now: Timestamp) -> Option<Duration> {
        self.waiting(kind).iter().map(|job| job.due.since(now)).min()
    }

    /// Due jobs in order. Of those whose worker died, one at a time for each worker: so the next death names it.
    fn pick(&self, ask: &LeaseRequest, most: usize, now: Timestamp) -> Vec<JobId> {
        let is_suspect_here =
            |job: &&Job| job.losses > 0 && job.lease().is_some_and(|lease| lease.worker == ask.worker);
        let mut has_suspect = self.jobs.values().any(|job| is_suspect_here(&job));
        let mut picked = Vec::new();
        for job in self.waiting(ask.kind).into_iter().filter(|job| job.due <= now) {
            if picked.len() == most {
                break;
            }
            let is_suspect = job.losses > 0;
            if is_suspect && has_suspect {
                continue;
            }
            has_suspect |= is_suspect;
            picked.push(job.id);
        }
        picked
    }

    fn begin(&mut self, id: JobId, ask: &LeaseRequest, waiting: u64, now: Timestamp) -> Option<LeasedJob> {
        let record = self.records.get_mut(&id.onboarding)?;
        let job = self.jobs.get_mut(&id)?;
        let leased = transition::lease(record, job, ask.token, ask.worker, now, ask.length);
        Some(LeasedJob { waiting, ..leased })
    }

    /// Onboardings that have a customer and no end.
    fn waiting_onboardings(&self) -> u64 {
        let waits = |record: &&gangway_jobs::onboarding::Record| {
            record.customer_id.is_some() && !record.stage.is_end()
        };
        self.records.values().filter(waits).count() as u64
    }

    /// The job, if it is leased under that token.
    pub(super) fn held(&mut self, id: JobId, token: LeaseToken) -> Option<&mut Job> {
        let job = self.jobs.get_mut(&id)?;
        job.lease().is_some_and(|lease| lease.token == token).then_some(job)
    }

    pub(super) fn extend(
        &mut self,
        leases: &[(JobId, LeaseToken)],
        length: Duration,
        now: Timestamp,
    ) -> Result<Vec<bool>> {
        bounded(leases.len())?;
        let mut extend_one = |id, token| {
            let Some(job) = self.held(id, token) else { return false };
            if let gangway_jobs::job::Hold::Leased(lease) = &mut job.hold {
                lease.until = now.after(length);
            }
            true
        };
        Ok(leases.iter().map(|(id, token)| extend_one(*id, *token)).collect())
    }

    pub(super) fn release(&mut self, leases: &[Release], now: Timestamp) -> Result<()> {
        bounded(leases.len())?;
        for release in leases {
            if self.held(release.job, release.token).is_some() {
                let loss = if release.started { Loss::Excused } else { Loss::Unstarted };
                self.circuit.withdraw(release.token);
                self.lose(release.job, loss, now);
            }
        }
        Ok(())
    }

    pub(super) fn report(&mut self, report: &CallReport, now: Timestamp) {
        let report = Report {
            job: report.job,
            token: LeaseToken::from_uuid(uuid::Uuid::nil()),
            worker: report.worker,
            credential: &report.credential,
            signal: &report.signal,
            parked: false,
            live_workers: self.live_workers(now),
        };
        let policy = self.policies.circuit.clone();
        // What a call outside of a lease learnt has no outcome that could be parked or excused.
        let verdict = self.circuit.observe(&report, &policy, now);
        self.excuse(verdict);
    }

    pub(super) fn is_alive(&self, worker: WorkerId, now: Timestamp) -> bool {
        self.workers.get(&worker).is_some_and(|worker| worker.is_alive(now))
    }
}
