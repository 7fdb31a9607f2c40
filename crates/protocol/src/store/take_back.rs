//! Taking back what has run out: a look, and later a write that stands on it.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::job::Hold;
use gangway_jobs::transition::{self, Loss};

use super::{Held, Store, View};
use crate::bounds::MAX_LOSSES;
use crate::rule::Rule;
use crate::slot::Slot;

/// What the rescuer has read, and decided on it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Look {
    pub(crate) slot: Slot,
    pub(crate) held: Held,
    pub(crate) view: View,
    pub(crate) epoch: i64,
    pub(crate) loss: Loss,
}

impl Store {
    /// The leases that have run out, unless they have one more term.
    pub(crate) fn overdue(&self, now: Timestamp) -> Vec<Slot> {
        if now < self.grace {
            return Vec::new();
        }
        self.held.iter().filter(|(_, held)| held.until <= now).map(|(slot, _)| *slot).collect()
    }

    /// Reads a lease that has run out, and who is to blame.
    pub(crate) fn look(&self, slot: Slot, now: Timestamp, without: Option<Rule>) -> Option<Look> {
        let held = *self.held.get(&slot)?;
        let lives = self.is_alive(held.worker, now) && without != Some(Rule::TheLivingAreExcused);
        let loss = if lives { Loss::Excused } else { Loss::Worker };
        Some(Look { slot, held, view: self.view(slot.place), epoch: self.epoch, loss })
    }

    /// Takes the lease back if what was read still stands; answers whether that buried the job.
    pub(crate) fn take_back(&mut self, look: &Look, now: Timestamp, without: Option<Rule>) -> Option<bool> {
        let held = *self.held.get(&look.slot)?;
        let is_renewed = held.until != look.held.until && without != Some(Rule::TakeBackSeesRenewals);
        if look.epoch != self.epoch || is_renewed || !self.still_stands(look.slot, &look.view, without) {
            return None;
        }
        let mut onboarding = (*look.view.onboarding).clone();
        let (job, lease) = onboarding.held(look.slot.kind, held.token)?;
        let most = if without == Some(Rule::PoisonIsBuried) { u32::MAX } else { MAX_LOSSES };
        let end = transition::take_back(&mut onboarding.record, job, &lease, look.loss, most, now);
        let poisoned = end.job.as_ref().is_some_and(|job| matches!(job.hold, Hold::Dead(_)));
        onboarding.write(Some(look.slot.kind), end, self.moment(now));
        if without == Some(Rule::GivingBackRestores)
            && let Some(job) = &mut onboarding.jobs[look.slot.kind.index()]
            && look.loss == Loss::Excused
        {
            job.attempt += 1;
        }
        self.write(look.slot.place, onboarding, without);
        if without == Some(Rule::TakeBackEndsTheLease) {
            self.held.insert(look.slot, held);
        }
        Some(poisoned)
    }
}
