//! What one step changes.

mod attempt;
mod lease;

use gangway_jobs::kind::Kind;
use gangway_jobs::transition::Loss;

use crate::action::Action;
use crate::bounds::{Bounds, PATIENCE, TICK};
use crate::invariant::Broken;
use crate::rule::Rule;
use crate::slot::Slot;
use crate::state::State;
use crate::tally::{Counted, Tally};
use crate::worker::{Condition, Worker, name_of};

/// One step in the making.
pub(crate) struct Step<'a> {
    pub(crate) state: State,
    pub(crate) bounds: &'a Bounds,
    pub(crate) without: Option<Rule>,
    pub(crate) tally: &'a Tally,
}

impl Step<'_> {
    /// Takes the step; nothing if it is not possible after all.
    pub(crate) fn take(mut self, action: Action) -> Option<State> {
        self.apply(action)?;
        self.watch_the_outbox();
        self.state.tidy();
        Some(self.state)
    }

    fn apply(&mut self, action: Action) -> Option<()> {
        match action {
            Action::Tick => self.tick(),
            Action::Lease(worker, slot) => self.lease(worker, slot)?,
            Action::LeaseUnheard(worker, slot) => self.lease_unheard(worker, slot)?,
            Action::LeaseAgain(worker) => self.lease_again(worker)?,
            Action::Start(worker, hand, arrived) => self.start(worker, hand, arrived),
            Action::Finish(worker, hand, end) => self.finish(worker, hand, end),
            Action::Extend(worker, hand) => self.extend(worker, hand),
            Action::Settle(worker, hand) => self.settle(worker, hand)?,
            Action::Delay(worker, hand) => self.delay(worker, hand)?,
            Action::Deliver(parcel) => self.deliver(parcel),
            Action::Release(worker, hand) => self.release(worker, hand),
            Action::Crash(worker) => self.crash(worker),
            Action::Freeze(worker) => {
                self.state.left.freezes -= 1;
                self.state.workers[worker].condition = Condition::Frozen;
            }
            Action::Thaw(worker) => self.state.workers[worker].condition = Condition::Up,
            Action::Restart(worker) => self.restart(worker),
            Action::Look(slot) => self.look(slot),
            Action::TakeBack => self.take_back()?,
            Action::Hint(place) => self.hint(place),
            Action::Cancel(place) => {
                self.begin_write();
                self.state.left.cancels -= 1;
                self.state.store.cancel(place, self.state.now, self.without);
            }
            Action::Away => {
                self.state.left.gaps -= 1;
                self.state.away = true;
            }
            Action::Back => {
                self.state.away = false;
                self.begin();
            }
            Action::FailOver(lost) => self.fail_over(lost),
        }
        Some(())
    }

    // ---- time ----

    /// A script runs: time goes on in the store.
    fn begin(&mut self) {
        if self.state.store.begin(self.state.now, self.without) {
            self.tally.count(Counted::Grace);
        }
    }

    fn begin_write(&mut self) {
        self.state.keep_for_a_failover();
        self.begin();
    }

    /// Heartbeats come by themselves from who runs and reaches the store.
    fn tick(&mut self) {
        let state = &mut self.state;
        state.now = state.now.after(TICK);
        if state.away {
            return;
        }
        if state.workers.iter().any(Worker::is_up) {
            self.begin();
        }
        let state = &mut self.state;
        if state.workers.iter().any(Worker::is_up) {
            // A failover loses a moment, and a tick is longer: what lies before these heartbeats is safe.
            state.earlier.clear();
        }
        for (place, worker) in state.workers.iter_mut().enumerate() {
            if worker.is_up() {
                worker.silent = 0;
                state.store.beats.insert(name_of(place, worker.life), state.now);
            } else {
                worker.silent = (worker.silent + 1).min(PATIENCE + 1);
            }
        }
    }

    // ---- faults ----

    fn crash(&mut self, worker: usize) {
        self.state.left.crashes -= 1;
        let worker = &mut self.state.workers[worker];
        worker.condition = Condition::Down;
        worker.hands.clear();
        worker.unheard = None;
    }

    fn restart(&mut self, place: usize) {
        let worker = &mut self.state.workers[place];
        *worker = Worker { life: worker.life + 1, ..Worker::new() };
        let name = name_of(place, worker.life);
        self.begin();
        self.state.store.beats.insert(name, self.state.now);
    }

    fn fail_over(&mut self, lost: usize) {
        let state = &mut self.state;
        state.left.failovers -= 1;
        let epoch = state.store.epoch + i64::from(self.without != Some(Rule::EpochRises));
        if lost > 0
            && let Some(earlier) = state.earlier.get(lost - 1)
        {
            state.store = earlier.clone();
            self.tally.count(Counted::RolledBack);
        }
        state.store.epoch = epoch;
        state.earlier.clear();
    }

    // ---- the rescuer ----

    fn look(&mut self, slot: Slot) {
        self.begin();
        // A gap may have been noticed just now.
        if !self.state.store.overdue(self.state.now).contains(&slot) {
            return;
        }
        self.state.look = self.state.store.look(slot, self.state.now, self.without);
        let blamed = self.state.look.as_ref().filter(|look| look.loss == Loss::Worker);
        let blamed = blamed.map(|look| look.held.worker);
        let lives = |(place, worker): (usize, &Worker)| {
            blamed == Some(name_of(place, worker.life)) && worker.is_up() && worker.silent == 0
        };
        if self.state.workers.iter().enumerate().any(lives) {
            self.state.break_rule(Broken::LivingBlamed);
        }
    }

    fn take_back(&mut self) -> Option<()> {
        let look = self.state.look.take()?;
        self.begin_write();
        let Some(poisoned) = self.state.store.take_back(&look, self.state.now, self.without) else {
            self.tally.count(Counted::TookNothing);
            return Some(());
        };
        let is_excused = look.loss == Loss::Excused;
        self.tally.count(if is_excused { Counted::Excused } else { Counted::Lost });
        if poisoned {
            self.tally.count(Counted::Poisoned);
        }
        self.forget_holder(look.slot);
        let attempt = look.view.onboarding.job(look.slot.kind).map(|job| job.attempt);
        if let Some(attempt) = attempt.filter(|_| is_excused) {
            self.check_count(look.slot, attempt);
        }
        Some(())
    }

    // ---- others ----

    fn hint(&mut self, place: usize) {
        self.state.left.hints -= 1;
        self.begin_write();
        let slot = Slot { place, kind: Kind::PollStatus };
        if self.state.store.held.contains_key(&slot) {
            self.state.store.hinted.insert(slot);
        }
        self.state.store.hint(place, self.state.now, self.without);
    }

    /// A consumer reads every event at once, and must never see another one in its place.
    fn watch_the_outbox(&mut self) {
        if self.bounds.budget.failovers == 0 {
            return;
        }
        let State { store, seen, .. } = &mut self.state;
        let mut differs = false;
        for (place, onboarding) in store.onboardings.iter().enumerate() {
            for told in &onboarding.events {
                let first = *seen.entry((place, told.epoch, told.sequence)).or_insert(told.id);
                differs |= first != told.id;
            }
        }
        if differs {
            self.state.break_rule(Broken::EventReplaced);
        }
    }
}
