//! Steps of attempts: a handler starts and ends, its end is sent and written, and the store's answer is judged.

use gangway_jobs::job::Hold;
use gangway_jobs::outcome::Settled;

use super::Step;
use crate::invariant::Broken;
use crate::outcome;
use crate::slot::Slot;
use crate::state::State;
use crate::store::{Answer, Ask, View};
use crate::tally::Counted;
use crate::worker::{End, Parcel, Phase};

impl Step<'_> {
    pub(super) fn start(&mut self, worker: usize, hand: usize, arrived: bool) {
        let State { workers, api, left, .. } = &mut self.state;
        let hand = &mut workers[worker].hands[hand];
        hand.phase = Phase::Running { arrived };
        if arrived {
            api[hand.slot.place].take(&hand.job, self.without);
        } else {
            left.silences -= 1;
        }
    }

    pub(super) fn finish(&mut self, worker: usize, hand: usize, end: End) {
        let State { workers, left, .. } = &mut self.state;
        let hand = &mut workers[worker].hands[hand];
        match end {
            End::Silence if hand.phase == (Phase::Running { arrived: true }) => left.silences -= 1,
            End::Busy => left.busy -= 1,
            End::NotYet => left.snoozes -= 1,
            End::Done | End::Silence => {}
        }
        hand.phase = Phase::Ended(end);
    }

    pub(super) fn settle(&mut self, worker: usize, hand: usize) -> Option<()> {
        let hand = self.state.workers[worker].hands.remove(hand);
        let Phase::Ended(end) = hand.phase else { return None };
        self.write_end(&hand.parcel(end), hand.view.as_ref());
        Some(())
    }

    pub(super) fn delay(&mut self, worker: usize, hand: usize) -> Option<()> {
        self.state.left.delays -= 1;
        let hand = &mut self.state.workers[worker].hands[hand];
        let Phase::Ended(end) = hand.phase else { return None };
        hand.view = None;
        let parcel = hand.parcel(end);
        self.state.wire.push(parcel);
        Some(())
    }

    pub(super) fn deliver(&mut self, parcel: usize) {
        let parcel = self.state.wire.remove(parcel);
        self.write_end(&parcel, None);
    }

    fn write_end(&mut self, parcel: &Parcel, view: Option<&View>) {
        self.begin_write();
        let Parcel { slot, job, end, .. } = parcel;
        let was_hinted = self.state.store.hinted.contains(slot);
        let outcome = outcome::of(*end, job, self.bounds.eager);
        let ask = Ask { slot: *slot, token: job.token, outcome, view };
        let answer = self.state.store.settle(ask, self.state.now, self.without);
        self.judge(parcel, answer);
        if answer.settled == Settled::Done {
            self.forget_holder(*slot);
            match end {
                End::Busy => self.check_count(*slot, job.attempt),
                End::NotYet if was_hinted => self.check_haste(*slot),
                End::Done | End::NotYet | End::Silence => {}
            }
        }
    }

    /// Whether the store may answer that.
    fn judge(&mut self, parcel: &Parcel, answer: Answer) {
        let store = &mut self.state.store;
        let was_settled = store.settled.contains(&parcel.serial);
        match answer.settled {
            Settled::Done => {
                self.tally.count(if answer.unread { Counted::SettledUnread } else { Counted::Settled });
                let is_holder = store.holders.get(&parcel.slot) == Some(&parcel.serial);
                store.settled.insert(parcel.serial);
                if was_settled {
                    self.state.break_rule(Broken::SettledTwice);
                } else if !is_holder {
                    self.state.break_rule(Broken::SettledTooLate);
                }
            }
            Settled::Already => {
                self.tally.count(Counted::Repeated);
                if !was_settled {
                    self.state.break_rule(Broken::SettledInVain);
                }
            }
            Settled::LeaseLost => {
                self.tally.count(Counted::Refused);
                if store.holders.get(&parcel.slot) == Some(&parcel.serial) {
                    self.state.break_rule(Broken::HolderRefused);
                }
            }
        }
    }

    pub(super) fn forget_holder(&mut self, slot: Slot) {
        self.state.store.holders.remove(&slot);
        self.state.store.hinted.remove(&slot);
    }

    /// A lease that was given back must have cost nothing.
    pub(super) fn check_count(&mut self, slot: Slot, attempt: u32) {
        let waiting = self.state.store.job(slot).filter(|job| matches!(job.hold, Hold::Waiting));
        if waiting.is_some_and(|job| job.attempt + 1 != attempt) {
            self.state.break_rule(Broken::CountChanged);
        }
    }

    /// A poll that was hinted at while it ran must be due at once.
    fn check_haste(&mut self, slot: Slot) {
        let waiting = self.state.store.job(slot).filter(|job| matches!(job.hold, Hold::Waiting));
        if waiting.is_some_and(|job| job.due > self.state.now) {
            self.state.break_rule(Broken::HintForgotten);
        }
    }
}
