//! Steps of leases: given, given again, renewed, given back.

use gangway_jobs::job::LeasedJob;

use super::Step;
use crate::invariant::Broken;
use crate::slot::Slot;
use crate::state::State;
use crate::tally::Counted;
use crate::worker::{Hand, Phase, Unheard, name_of};

impl Step<'_> {
    pub(super) fn lease(&mut self, worker: usize, slot: Slot) -> Option<()> {
        let (serial, token) = self.state.mint(slot, self.without);
        self.begin_write();
        let name = name_of(worker, self.state.workers[worker].life);
        let job = self.state.store.lease(slot, token, name, serial, self.state.now)?;
        self.tally.count(Counted::Leased);
        if self.state.store.suspects_of(name) > 1 {
            self.state.break_rule(Broken::SuspectsTogether);
        }
        self.take_up(worker, slot, serial, job);
        Some(())
    }

    pub(super) fn lease_unheard(&mut self, worker: usize, slot: Slot) -> Option<()> {
        self.state.left.delays -= 1;
        let (serial, token) = self.state.mint(slot, self.without);
        self.begin_write();
        let name = name_of(worker, self.state.workers[worker].life);
        self.state.store.lease(slot, token, name, serial, self.state.now)?;
        self.tally.count(Counted::Leased);
        self.state.workers[worker].unheard = Some(Unheard { slot, token, serial });
        Some(())
    }

    pub(super) fn lease_again(&mut self, worker: usize) -> Option<()> {
        let Unheard { slot, token, serial } = self.state.workers[worker].unheard.take()?;
        if let Some(job) = self.state.store.lease_again(slot, token) {
            self.tally.count(Counted::LeasedAgain);
            self.take_up(worker, slot, serial, job);
        }
        Some(())
    }

    fn take_up(&mut self, worker: usize, slot: Slot, serial: u32, job: LeasedJob) {
        let store = &self.state.store;
        // Beside a job that waits, another worker may run: then the settle reads again.
        let is_alone = !store.onboardings[slot.place].another_waits(slot.kind);
        let view = is_alone.then(|| store.view(slot.place));
        let hand = Hand {
            slot,
            serial,
            valid_until: job.until,
            epoch: store.epoch,
            phase: Phase::Fetched,
            view,
            job,
        };
        self.state.workers[worker].hands.push(hand);
    }

    pub(super) fn extend(&mut self, worker: usize, hand: usize) {
        self.begin_write();
        let State { store, workers, now, .. } = &mut self.state;
        let hand = &mut workers[worker].hands[hand];
        if let Some(until) = store.extend(hand.slot, hand.job.token, *now) {
            self.tally.count(Counted::Renewed);
            hand.valid_until = until;
            hand.epoch = store.epoch;
        } else {
            self.tally.count(Counted::RenewalRefused);
            // The handler may go on; its worker no longer counts on the lease.
            hand.valid_until = *now;
        }
    }

    pub(super) fn release(&mut self, worker: usize, hand: usize) {
        self.state.left.releases -= 1;
        self.begin_write();
        let hand = self.state.workers[worker].hands.remove(hand);
        let started = hand.phase != Phase::Fetched;
        let (slot, token) = (hand.slot, hand.job.token);
        if self.state.store.release(slot, token, started, self.state.now, self.without) {
            self.tally.count(Counted::Released);
            self.forget_holder(slot);
            self.check_count(slot, hand.job.attempt);
        }
    }
}
