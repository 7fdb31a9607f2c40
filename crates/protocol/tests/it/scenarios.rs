//! With all its rules the protocol keeps its promises, in each of these small worlds.

use gangway_protocol::Counted::{
    Excused, Grace, Leased, LeasedAgain, Lost, Poisoned, Refused, Released, RenewalRefused, Renewed,
    Repeated, RolledBack, Settled, SettledUnread, TookNothing,
};
use gangway_protocol::{Bounds, Budget, Counted, Opening, Protocol};
use stateright::{Checker, HasDiscoveries, Model};

use crate::worlds;

/// Walks through all of it. `least` keeps a model that has lost its steps from passing.
#[expect(clippy::print_stdout, reason = "`docs/protocol.md` quotes it")]
fn holds(name: &str, bounds: Bounds, least: usize, happens: &[Counted]) {
    let begun = std::time::Instant::now();
    let checker = Protocol::new(bounds).checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let (states, steps) = (checker.unique_state_count(), checker.state_count());
    println!("{name}: {states} states, {steps} steps, {} deep, {:?}", checker.max_depth(), begun.elapsed());
    let broken: Vec<_> =
        checker.discoveries().into_iter().map(|(promise, path)| (promise, path.into_actions())).collect();
    assert!(broken.is_empty(), "{name}: {broken:?}");
    assert!(states >= least, "{name}: {states} states are too few to mean anything");
    for what in happens {
        assert!(checker.model().tally.of(*what) > 0, "{name}: {what:?} never happened");
    }
}

#[test]
fn workers_that_die_and_freeze() {
    let happens = [Leased, Renewed, RenewalRefused, SettledUnread, Refused, Excused, Lost, TookNothing];
    holds("death", worlds::death(), 50_000, &happens);
}

#[test]
fn replies_that_are_lost_and_requests_that_come_late() {
    holds("delay", worlds::delay(), 10_000, &[LeasedAgain, Repeated, Refused, Excused]);
}

#[test]
fn calls_without_an_answer_and_leases_given_back() {
    holds("silence", worlds::silence(), 10_000, &[Released, SettledUnread, Excused]);
}

#[test]
fn hints_and_cancels_while_jobs_run() {
    holds("steering", worlds::steering(), 10_000, &[Leased, Settled, SettledUnread]);
}

#[test]
fn two_jobs_of_one_onboarding() {
    holds("siblings", worlds::siblings(), 10_000, &[Leased, Settled, Refused]);
}

#[test]
fn three_workers() {
    holds("three workers", worlds::three(), 10_000, &[Refused, Excused, Lost]);
}

#[test]
fn a_job_that_kills_its_worker_again_and_again() {
    holds("killer", worlds::killer(), 2_000, &[Lost, Excused, Poisoned]);
}

#[test]
fn a_job_that_kills_its_worker_beside_one_that_does_not() {
    holds("suspects", worlds::suspects(), 5_000, &[Lost, Excused]);
}

#[test]
fn a_store_that_is_away_for_a_while() {
    holds("gap", worlds::gap(), 10_000, &[Grace, Excused, Lost]);
}

#[test]
fn a_failover_that_loses_the_last_writes() {
    holds("failover", worlds::failover(), 10_000, &[RolledBack, Refused, Settled]);
}

#[test]
fn one_worker_and_no_fault_needs_few_states_and_comes_to_the_end() {
    let bounds = Bounds { workers: 1, budget: Budget::NONE, opening: Opening::Creates(1), ..worlds::death() };
    holds("calm", bounds, 50, &[Leased, SettledUnread]);
}
