//! What may happen next.

use crate::bounds::Bounds;
use crate::rule::Rule;
use crate::slot::Slot;
use crate::state::State;
use crate::worker::{Condition, End, Hand, Phase, Worker, name_of};
use gangway_jobs::kind::Kind;

/// One step. Workers and what they hold are named by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Time passes. Who runs and reaches the store has shown that it lives.
    Tick,
    /// A worker leases a job.
    Lease(usize, Slot),
    /// The same, but the reply is lost.
    LeaseUnheard(usize, Slot),
    /// The same call once more.
    LeaseAgain(usize),
    /// A handler starts and calls the API; the call arrives, or not.
    Start(usize, usize, bool),
    /// A handler ends.
    Finish(usize, usize, End),
    /// A worker renews a lease.
    Extend(usize, usize),
    /// A worker settles, and gets the answer.
    Settle(usize, usize),
    /// A settle is under way, or its answer is lost; the worker will send it again.
    Delay(usize, usize),
    /// A settle that was under way arrives.
    Deliver(usize),
    /// A worker gives a lease back.
    Release(usize, usize),
    /// A worker dies, with all that it knows.
    Crash(usize),
    /// A worker stands still.
    Freeze(usize),
    /// It goes on.
    Thaw(usize),
    /// Another process takes the place of one that died.
    Restart(usize),
    /// The rescuer reads a lease that has run out.
    Look(Slot),
    /// The rescuer takes back what it has read, if it is still so.
    TakeBack,
    /// Something says that the status has changed.
    Hint(usize),
    /// A person calls an onboarding off.
    Cancel(usize),
    /// The store goes away.
    Away,
    /// The store is back.
    Back,
    /// The store fails over without so many of its last writes.
    FailOver(usize),
}

/// All that may happen next.
pub(crate) fn possible(state: &State, bounds: &Bounds, without: Option<Rule>, actions: &mut Vec<Action>) {
    actions.push(Action::Tick);
    for (place, worker) in state.workers.iter().enumerate() {
        of_worker(state, bounds, place, worker, actions);
        if worker.is_up() && !state.away {
            calls(state, bounds, without, place, worker, actions);
        }
    }
    if state.away {
        actions.push(Action::Back);
        return;
    }
    actions.extend((0..state.wire.len()).map(Action::Deliver));
    of_the_rescuer(state, without, actions);
    of_others(state, actions);
}

/// What a worker does by itself, or suffers.
fn of_worker(state: &State, bounds: &Bounds, place: usize, worker: &Worker, actions: &mut Vec<Action>) {
    let left = &state.left;
    match worker.condition {
        Condition::Down if state.away => return,
        Condition::Down => return actions.push(Action::Restart(place)),
        Condition::Frozen => actions.push(Action::Thaw(place)),
        Condition::Up => {
            if left.freezes > 0 && (!worker.hands.is_empty() || worker.unheard.is_some()) {
                actions.push(Action::Freeze(place));
            }
            for (hand, held) in worker.hands.iter().enumerate() {
                attempt(state, place, hand, held, actions);
            }
        }
    }
    let kills =
        |hand: &Hand| !bounds.lethal || hand.slot.place == 0 && matches!(hand.phase, Phase::Running { .. });
    if left.crashes > 0 && worker.hands.iter().any(kills) {
        actions.push(Action::Crash(place));
    }
}

/// How an attempt goes on.
fn attempt(state: &State, place: usize, hand: usize, held: &Hand, actions: &mut Vec<Action>) {
    let left = &state.left;
    let is_poll = held.slot.kind == Kind::PollStatus;
    match held.phase {
        Phase::Fetched => {
            actions.push(Action::Start(place, hand, true));
            if left.silences > 0 && !is_poll {
                actions.push(Action::Start(place, hand, false));
            }
        }
        Phase::Running { arrived: true } => {
            actions.push(Action::Finish(place, hand, End::Done));
            if left.silences > 0 {
                actions.push(Action::Finish(place, hand, End::Silence));
            }
            if left.snoozes > 0 && is_poll {
                actions.push(Action::Finish(place, hand, End::NotYet));
            }
        }
        Phase::Running { arrived: false } => {
            actions.push(Action::Finish(place, hand, End::Silence));
            if left.busy > 0 {
                actions.push(Action::Finish(place, hand, End::Busy));
            }
        }
        Phase::Ended(_) => {}
    }
}

/// What a worker asks of the store.
fn calls(
    state: &State,
    bounds: &Bounds,
    without: Option<Rule>,
    place: usize,
    worker: &Worker,
    actions: &mut Vec<Action>,
) {
    let left = &state.left;
    if worker.unheard.is_some() {
        actions.push(Action::LeaseAgain(place));
    } else if worker.hands.len() < bounds.hands {
        let ready = state.store.ready(name_of(place, worker.life), state.now, without);
        actions.extend(ready.iter().map(|slot| Action::Lease(place, *slot)));
        if left.delays > 0 {
            actions.extend(ready.iter().map(|slot| Action::LeaseUnheard(place, *slot)));
        }
    }
    for (hand, held) in worker.hands.iter().enumerate() {
        if matches!(held.phase, Phase::Ended(_)) {
            actions.push(Action::Settle(place, hand));
            if left.delays > 0 {
                actions.push(Action::Delay(place, hand));
            }
        } else {
            if state.can_renew(held) {
                actions.push(Action::Extend(place, hand));
            }
            if left.releases > 0 {
                actions.push(Action::Release(place, hand));
            }
        }
    }
}

fn of_the_rescuer(state: &State, without: Option<Rule>, actions: &mut Vec<Action>) {
    if without == Some(Rule::SomebodyRescues) {
        return;
    }
    if state.look.is_some() {
        actions.push(Action::TakeBack);
    } else {
        actions.extend(state.store.overdue(state.now).into_iter().map(Action::Look));
    }
}

fn of_others(state: &State, actions: &mut Vec<Action>) {
    let left = &state.left;
    for place in 0..state.store.onboardings.len() {
        if left.hints > 0 && state.store.takes_hints(place) {
            actions.push(Action::Hint(place));
        }
        if left.cancels > 0 && !state.store.onboardings[place].record.stage.is_end() {
            actions.push(Action::Cancel(place));
        }
    }
    if left.gaps > 0 {
        actions.push(Action::Away);
    }
    if left.failovers > 0 {
        actions.extend((0..=state.earlier.len()).map(Action::FailOver));
    }
}
