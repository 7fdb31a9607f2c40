//! Each rule switched off leads to a counterexample: what shows that the checker would notice.

use std::collections::BTreeSet;

use gangway_protocol::{Bounds, Protocol, Rule};
use stateright::{Checker, HasDiscoveries, Model};

use crate::worlds;

/// A rule, a world in which it is needed, and the promise that does not hold there without it.
type Mutant = (Rule, fn() -> Bounds, &'static str);

const TABLE: [Mutant; 23] = [
    (Rule::TokenProves, worlds::death, "no late settle"),
    (Rule::TakenBackIsOver, worlds::death, "no late settle"),
    (Rule::RepeatIsKnown, worlds::delayed_siblings, "no settle twice"),
    (Rule::TokenIsRandom, worlds::death, "no late settle"),
    (Rule::TakeBackEndsTheLease, worlds::death, "indexes agree"),
    (Rule::TakeBackSeesRenewals, worlds::death, "one valid lease"),
    (Rule::GraceAfterAGap, worlds::gap, "the living are not blamed"),
    (Rule::TheLivingAreExcused, worlds::death, "the living are not blamed"),
    (Rule::SuspectsAreAlone, worlds::suspects, "suspects are alone"),
    (Rule::PoisonIsBuried, worlds::killer, "losses are bounded"),
    (Rule::GivingBackRestores, worlds::death, "giving back costs nothing"),
    (Rule::StartedStaysInDoubt, worlds::silence, "doubt is kept"),
    (Rule::EventWithItsChange, worlds::death, "events and changes agree"),
    (Rule::ChangeWithItsEvent, worlds::death, "events and changes agree"),
    (Rule::FollowUpWithTheEnd, worlds::death, "no job lost"),
    (Rule::WaitingIsQueued, worlds::silence, "everything ends"),
    (Rule::WritesMarkTheLease, worlds::steering, "a cancel is kept"),
    (Rule::WhatWaitedIsFree, worlds::siblings, "one valid lease"),
    (Rule::HasteReachesTheLeased, worlds::steering, "a hint is kept"),
    (Rule::CancelWaitsForTheSettle, worlds::steering, "events and changes agree"),
    (Rule::KeyIgnoresTheAttempt, worlds::silence, "one effect"),
    (Rule::EpochRises, worlds::failover, "an event keeps its place"),
    (Rule::SomebodyRescues, worlds::death, "everything ends"),
];

#[test]
fn the_table_has_each_rule_once() {
    for rule in Rule::ALL {
        assert_eq!(TABLE.iter().filter(|(it, ..)| *it == rule).count(), 1, "{rule:?}");
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the steps that lead to each broken promise")]
fn without_any_one_rule_a_promise_is_broken() {
    for (rule, world, promise) in TABLE {
        let names = BTreeSet::from([promise]);
        let checker = Protocol::without(world(), rule).checker().finish_when(HasDiscoveries::AnyOf(names));
        let checker = checker.spawn_bfs().join();
        let Some(path) = checker.discovery(promise) else {
            panic!("without {rule:?}, \"{promise}\" holds in {} states", checker.unique_state_count());
        };
        println!("without {rule:?}, not \"{promise}\" after {:?}", path.into_actions());
    }
}
