//! The model as the checker wants it.

use std::collections::HashSet;
use std::sync::Mutex;

use stateright::{Model, Property};

use crate::action::{self, Action};
use crate::bounds::Bounds;
use crate::invariant;
use crate::rule::Rule;
use crate::state::State;
use crate::step::Step;
use crate::tally::Tally;

/// The protocol, so large, with all its rules or without one.
#[derive(Debug)]
pub struct Protocol {
    /// How much of everything there is.
    pub bounds: Bounds,
    /// The rule that is switched off.
    pub without: Option<Rule>,
    /// What happened on all paths together.
    pub tally: Tally,
    /// States from which diligence leads to the end, as far as is known.
    pub(crate) ending: Mutex<HashSet<u64>>,
}

impl Protocol {
    /// The protocol with all its rules.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, without: None, tally: Tally::default(), ending: Mutex::default() }
    }

    /// The same without one of them.
    pub fn without(bounds: Bounds, rule: Rule) -> Self {
        Self { without: Some(rule), ..Self::new(bounds) }
    }

    pub(crate) fn step(&self, state: &State, action: Action, tally: &Tally) -> Option<State> {
        let step = Step { state: state.clone(), bounds: &self.bounds, without: self.without, tally };
        step.take(action)
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(&self.bounds)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        action::possible(state, &self.bounds, self.without, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        self.step(state, action, &self.tally)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        invariant::properties()
    }
}
