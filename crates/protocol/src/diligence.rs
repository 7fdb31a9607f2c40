//! What happens if from now on nothing goes wrong and everybody does its part: the fair run.
//!
//! One schedule, made of steps of the model: the store comes back, processes run, what is under way arrives, attempts go
//! on and settle, the rescuer works, time passes when nothing else is to be done. From each state that the checker reaches
//! it must lead to the end.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use stateright::Model;

use crate::action::Action;
use crate::protocol::Protocol;
use crate::state::State;
use crate::tally::Tally;
use crate::worker::{End, Phase};

/// More steps than any fair run of these sizes needs.
const PATIENCE: usize = 200;

/// Whether everything ends from here on.
pub(crate) fn ends(protocol: &Protocol, from: &State) -> bool {
    let uncounted = Tally::default();
    let mut passed = Vec::new();
    let mut state = from.clone();
    for _ in 0..PATIENCE {
        let name = name_of(&state);
        let is_known = protocol.ending.lock().is_ok_and(|known| known.contains(&name));
        if is_known || state.has_ended() {
            if let Ok(mut known) = protocol.ending.lock() {
                known.extend(passed);
            }
            return true;
        }
        passed.push(name);
        let Some(next) = next(protocol, &state).and_then(|action| protocol.step(&state, action, &uncounted))
        else {
            return false;
        };
        state = next;
    }
    false
}

fn name_of(state: &State) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

/// The most useful thing to do.
fn next(protocol: &Protocol, state: &State) -> Option<Action> {
    let mut possible = Vec::new();
    protocol.actions(state, &mut possible);
    possible
        .into_iter()
        .filter_map(|action| Some((rank(state, action)?, action)))
        .min_by_key(|it| it.0)
        .map(|it| it.1)
}

/// How urgent a step is; nothing for what goes wrong, and for what is not needed.
fn rank(state: &State, action: Action) -> Option<u8> {
    Some(match action {
        Action::Back => 0,
        Action::Thaw(_) | Action::Restart(_) => 1,
        Action::TakeBack | Action::Deliver(_) => 2,
        Action::LeaseAgain(_) => 3,
        Action::Settle(..) => 4,
        Action::Finish(worker, hand, end) => {
            let phase = state.workers[worker].hands[hand].phase;
            let best = if phase == (Phase::Running { arrived: true }) { End::Done } else { End::Silence };
            return (end == best).then_some(5);
        }
        Action::Start(_, _, arrived) => return arrived.then_some(6),
        Action::Look(_) => 7,
        Action::Lease(..) => 8,
        Action::Tick => 9,
        Action::LeaseUnheard(..)
        | Action::Extend(..)
        | Action::Delay(..)
        | Action::Release(..)
        | Action::Crash(_)
        | Action::Freeze(_)
        | Action::Hint(_)
        | Action::Cancel(_)
        | Action::Away
        | Action::FailOver(_) => return None,
    })
}
