//! Plans what users and compliance will do, and does it when it is due.

use std::cmp::Reverse;
use std::time::Duration;

use super::{Ledger, Now};
use crate::clock::SimTime;
use crate::lifecycle::{self, Step};
use crate::status::Status;
use crate::webhooks::Change;

impl Ledger {
    /// Does everything whose time has come, in the order of time; tells when the next thing is due.
    pub(crate) fn run_due(&mut self, now: &Now<'_>) -> Option<SimTime> {
        while let Some(Reverse((due, _, index, plan))) = self.due.peek().copied() {
            if due > now.sim {
                return Some(due);
            }
            self.due.pop();
            let step = self.customers.get(index).filter(|customer| customer.plan == plan);
            if let Some(step) = step.and_then(|customer| customer.next) {
                self.take_step(index, step, due, now);
            }
        }
        None
    }

    /// When the next thing is due.
    pub(crate) fn next_due(&self) -> Option<SimTime> {
        self.due.peek().map(|Reverse((due, ..))| *due)
    }

    /// Plans this customer's next step, in place of any other.
    pub(super) fn plan(&mut self, index: usize, step: Step, due: SimTime) {
        let Some(customer) = self.customers.get_mut(index) else { return };
        customer.next = Some(step);
        customer.plan += 1;
        self.planned += 1;
        self.due.push(Reverse((due, self.planned, index, customer.plan)));
    }

    /// Plans this step as far ahead as it would be after an opening.
    pub(super) fn step(&mut self, index: usize, step: Step, now: &Now<'_>) {
        let Some(customer) = self.customers.get(index) else { return };
        let mut course = customer.course;
        let turn = lifecycle::turn(Step::Open, &mut course, customer.dice, &now.knobs.lifecycle);
        let after = turn.then.map_or(Duration::ZERO, |(_, after)| after);
        self.plan(index, step, now.sim.saturating_add(after));
    }

    /// Takes a step at a moment that may lie in the past, and plans what follows from it.
    pub(super) fn take_step(&mut self, index: usize, step: Step, at: SimTime, now: &Now<'_>) {
        if step == Step::Open && !self.use_newest(index, at, now) {
            // Too late: the link is dead, and the user waits for another one.
            self.hold(index);
            return;
        }
        let Some(customer) = self.customers.get_mut(index) else { return };
        let turn = lifecycle::turn(step, &mut customer.course, customer.dice, &now.knobs.lifecycle);
        self.follow(index, turn, at, now);
    }

    fn follow(&mut self, index: usize, turn: lifecycle::Turn, at: SimTime, now: &Now<'_>) {
        if let Some(status) = turn.status {
            self.change_status(index, status, at, now);
        }
        match turn.then {
            Some((next, after)) => self.plan(index, next, at.saturating_add(after)),
            None => self.hold(index),
        }
    }

    /// Voids what was planned.
    fn hold(&mut self, index: usize) {
        if let Some(customer) = self.customers.get_mut(index) {
            customer.next = None;
            customer.plan += 1;
        }
    }

    fn change_status(&mut self, index: usize, status: Status, at: SimTime, now: &Now<'_>) {
        let Some(customer) = self.customers.get_mut(index) else { return };
        let previous = customer.status;
        if previous == status {
            return;
        }
        customer.move_to(status, now.clock.wall_of(at));
        let change = Change {
            customer_id: customer.id.clone(),
            key: customer.key,
            status,
            previous,
            at: customer.updated,
        };
        if self.changes.send(change).is_err() {
            // Only while the simulator is going down.
            tracing::debug!("webhook dropped at shutdown");
        }
    }

    /// Sets a status by hand. What was planned is void; `resume` lets compliance go on from here.
    pub(crate) fn set_status(
        &mut self,
        id: &str,
        status: Status,
        resume: bool,
        now: &Now<'_>,
    ) -> Option<Status> {
        self.run_due(now);
        let index = *self.by_id.get(id)?;
        let customer = self.customers.get(index)?;
        let mut turn = lifecycle::resume(status, customer.course, customer.dice, &now.knobs.lifecycle);
        turn.then = turn.then.filter(|_| resume);
        self.follow(index, turn, now.sim, now);
        Some(status)
    }

    /// Does at once what this customer would do next, if anything is planned; tells the status it then has.
    pub(crate) fn hasten(&mut self, id: &str, now: &Now<'_>) -> Option<Status> {
        self.run_due(now);
        let index = *self.by_id.get(id)?;
        if let Some(step) = self.customers.get(index)?.next {
            self.take_step(index, step, now.sim, now);
        }
        self.customers.get(index).map(|customer| customer.status)
    }
}
