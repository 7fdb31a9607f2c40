//! Leasing, repeating a lease call, renewing.

use std::sync::Arc;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::{LeaseToken, WorkerId};
use gangway_jobs::job::LeasedJob;
use gangway_jobs::transition;

use super::{Held, Store};
use crate::bounds::{LEASE, TICK};
use crate::rule::Rule;
use crate::slot::Slot;

impl Store {
    /// The jobs that this worker would be given.
    pub(crate) fn ready(&self, worker: WorkerId, now: Timestamp, without: Option<Rule>) -> Vec<Slot> {
        let is_ready = |slot: &Slot| {
            let is_suspect = self.job(*slot).is_some_and(|job| job.losses > 0);
            let is_lone = !is_suspect || without == Some(Rule::SuspectsAreAlone);
            is_lone || !self.holds_a_suspect(worker)
        };
        self.due.iter().filter(|(_, due)| **due <= now).map(|(slot, _)| *slot).filter(is_ready).collect()
    }

    /// Whether a worker runs a job that a worker has died over.
    pub(crate) fn suspects_of(&self, worker: WorkerId) -> usize {
        let is_its = |(slot, held): &(&Slot, &Held)| {
            held.worker == worker && self.job(**slot).is_some_and(|job| job.losses > 0)
        };
        self.held.iter().filter(is_its).count()
    }

    fn holds_a_suspect(&self, worker: WorkerId) -> bool {
        self.suspects_of(worker) > 0
    }

    pub(crate) fn lease(
        &mut self,
        slot: Slot,
        token: LeaseToken,
        worker: WorkerId,
        serial: u32,
        now: Timestamp,
    ) -> Option<LeasedJob> {
        let mut onboarding = (*self.onboardings[slot.place]).clone();
        let length = TICK * u32::from(LEASE);
        let job = onboarding.jobs[slot.kind.index()].as_mut()?;
        let leased = transition::lease(&mut onboarding.record, job, token, worker, now, length);
        // Leasing writes no onboarding: the proofs of its other leases stay as they are.
        self.onboardings[slot.place] = Arc::new(onboarding);
        self.due.remove(&slot);
        let held = Held { token, worker, until: leased.until, hastened: false, writes: 0 };
        self.held.insert(slot, held);
        self.holders.insert(slot, serial);
        Some(leased)
    }

    /// The same call again, its reply lost: the job that is still held under its token.
    pub(crate) fn lease_again(&self, slot: Slot, token: LeaseToken) -> Option<LeasedJob> {
        let held = self.held.get(&slot).filter(|held| held.token == token)?;
        let onboarding = &self.onboardings[slot.place];
        let (job, lease) = onboarding.held(slot.kind, token)?;
        let mut record = onboarding.record.clone();
        if slot.kind == gangway_jobs::kind::Kind::CreateCustomer {
            record.uncertain_since = lease.uncertain_before;
        }
        Some(LeasedJob {
            id: job.id,
            payload: job.payload,
            attempt: job.attempt,
            record,
            token,
            until: held.until,
            now: lease.since,
            waiting: 0,
        })
    }

    /// Renews a lease by its token, also one that has run out; answers until when.
    pub(crate) fn extend(&mut self, slot: Slot, token: LeaseToken, now: Timestamp) -> Option<Timestamp> {
        let held = self.held.get_mut(&slot).filter(|held| held.token == token)?;
        held.until = now.after(TICK * u32::from(LEASE));
        Some(held.until)
    }
}
