//! A create whose effect may still arrive: refusals are not believed, and nothing is called refused that is unknown.

use std::time::Duration;

use gangway_jobs::failure::Code;
use gangway_jobs::onboarding::Certainty;
use gangway_jobs::signal::Signal;
use gangway_onemoney::{CallError, Class, Operation};

use crate::fixtures::{Bench, LAST, buried, completed, retried};
use crate::scripted_api::{Call, failed, made};

const MINUTE: Duration = Duration::from_mins(1);

fn create_failed(class: Class) -> CallError {
    failed(Operation::CreateCustomer, class, "no")
}

#[tokio::test]
async fn a_refusal_within_the_window_of_a_doubt_is_retried_even_when_attempts_are_used_up() {
    for attempt in [1, LAST, LAST + 40] {
        let mut bench = Bench::new().in_doubt_for(9 * MINUTE);
        bench.attempt = attempt;
        bench.api.creates.answer(Err(create_failed(Class::Refused)));
        bench.api.look_ups.answer(Ok(None));
        let ended = bench.create().await;
        let (after, failure, step) = retried(&ended);
        assert!(after <= MINUTE, "the window is over in a minute, not in {after:?}");
        assert_eq!((failure.code, step.patch.certainty), (Code::Unresolved, Certainty::NoEffect));
        assert_eq!(ended.signal, Signal::None, "a refusal that nobody acts on is not told");
    }
}

#[tokio::test]
async fn a_refusal_after_the_window_is_believed() {
    for attempt in [1, LAST] {
        let mut bench = Bench::new().in_doubt_for(11 * MINUTE);
        bench.attempt = attempt;
        bench.api.creates.answer(Err(create_failed(Class::Refused)));
        bench.api.look_ups.answer(Ok(None));
        let ended = bench.create().await;
        let (failure, step) = buried(&ended);
        assert_eq!((failure.code, step.patch.certainty), (Code::Invalid, Certainty::Settled));
    }
}

#[tokio::test]
async fn the_age_of_a_doubt_is_counted_by_the_stores_clock_and_not_by_the_workers() {
    use gangway_jobs::clock::ManualClock;
    let mut bench = Bench::new().in_doubt_for(MINUTE);
    // This machine is a day ahead of the one that wrote the record.
    bench.context.clock = std::sync::Arc::new(ManualClock::new(crate::fixtures::NOW.after(24 * 60 * MINUTE)));
    bench.api.creates.answer(Err(create_failed(Class::Refused)));
    bench.api.look_ups.answer(Ok(None));
    retried(&bench.create().await);
    assert_eq!(bench.api.calls()[0], Call::Create(bench.record.key), "and it is not looked up first either");
}

#[tokio::test]
async fn a_key_in_use_is_never_a_refusal() {
    // First met: a doubt begins, and the window with it, even at the last attempt.
    for attempt in [1, LAST] {
        let mut bench = Bench::new();
        bench.attempt = attempt;
        bench.api.creates.answer(Err(create_failed(Class::Conflict)));
        bench.api.look_ups.answer(Ok(None));
        let ended = bench.create().await;
        let (_, failure, step) = retried(&ended);
        assert_eq!((failure.code, step.patch.certainty), (Code::Unresolved, Certainty::Unknown));
    }
    // After the window, and at the last attempt: unresolved, and the doubt stays.
    let bench = Bench::new().last().in_doubt_for(11 * MINUTE);
    bench.api.creates.answer(Err(create_failed(Class::Conflict)));
    bench.api.look_ups.answer(Ok(None));
    let ended = bench.create().await;
    let (failure, step) = buried(&ended);
    assert_eq!(failure.code, Code::Unresolved);
    assert_ne!(step.patch.certainty, Certainty::Settled);
    // And what it made is found.
    let bench = Bench::new();
    bench.api.creates.answer(Err(create_failed(Class::Conflict)));
    bench.api.look_ups.answer(Ok(Some(made("ops@acme.example"))));
    completed(&bench.create().await);
}

#[tokio::test]
async fn silence_is_retried_without_a_look_up_and_leaves_a_doubt_only_if_something_was_sent() {
    let table = [
        (Class::Unreachable { uncertain: true }, Certainty::Unknown, false),
        (Class::Unreachable { uncertain: false }, Certainty::NoEffect, false),
        (Class::ServerError, Certainty::Unknown, true),
        (Class::Contract, Certainty::Unknown, true),
    ];
    for (class, certainty, internal) in table {
        let bench = Bench::new();
        bench.api.creates.answer(Err(create_failed(class)));
        let ended = bench.create().await;
        assert_eq!(bench.api.calls().len(), 1);
        assert_eq!(retried(&ended).2.patch.certainty, certainty, "{class:?}");
        assert_eq!(ended.signal, Signal::Down { internal }, "{class:?}");
    }
}

#[tokio::test]
async fn silence_on_the_last_attempt_is_looked_up_and_buried_as_what_is_known() {
    let table = [
        (Class::Unreachable { uncertain: true }, false, Code::Unresolved),
        (Class::Unreachable { uncertain: false }, false, Code::Unreachable),
        (Class::Unreachable { uncertain: false }, true, Code::Unresolved),
        (Class::ServerError, false, Code::Unresolved),
        (Class::Contract, false, Code::Unresolved),
    ];
    for (class, in_doubt, code) in table {
        let bench = || {
            let bench = Bench::new().last();
            let bench = if in_doubt { bench.in_doubt_for(MINUTE) } else { bench };
            bench.api.creates.answer(Err(create_failed(class)));
            bench
        };
        let found = bench();
        found.api.look_ups.answer(Ok(Some(made("ops@acme.example"))));
        completed(&found.create().await);

        let unknown = bench();
        unknown.api.look_ups.answer(Ok(None));
        let ended = unknown.create().await;
        assert_eq!(buried(&ended).0.code, code, "{class:?} {in_doubt}");
        assert!(!buried(&ended).0.code.is_definite_refusal());
        assert_ne!(buried(&ended).1.patch.certainty, Certainty::Settled);

        let silent = bench();
        silent.api.look_ups.answer(Err(failed(Operation::CustomerByKey, Class::ServerError, "no")));
        assert_eq!(buried(&silent.create().await).0.code, code, "{class:?} {in_doubt}");
    }
}

#[tokio::test]
async fn an_old_doubt_is_looked_up_first_because_the_api_may_have_forgotten_the_key() {
    let bench = Bench::new().in_doubt_for(21 * 60 * MINUTE);
    bench.api.look_ups.answer(Ok(Some(made("ops@acme.example"))));
    completed(&bench.create().await);
    assert_eq!(bench.api.calls(), [Call::LookUp(bench.record.key)]);

    let bench = Bench::new().in_doubt_for(21 * 60 * MINUTE);
    bench.api.look_ups.answer(Ok(None));
    bench.api.creates.answer(Ok(made("ops@acme.example")));
    let ended = bench.create().await;
    assert_eq!(bench.api.calls(), [Call::LookUp(bench.record.key), Call::Create(bench.record.key)]);
    assert_eq!(completed(&ended).patch.next_generation, None, "the key was not refused: it stays");
}
