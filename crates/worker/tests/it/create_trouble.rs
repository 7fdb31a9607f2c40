//! What is nobody's failure costs no attempt: too many requests, a refused credential, no permit.

use std::time::Duration;

use gangway_jobs::failure::Code;
use gangway_jobs::onboarding::Certainty;
use gangway_jobs::signal::{Blame, Signal};
use gangway_onemoney::{CallError, Class, Operation};
use gangway_store::Permit;

use crate::fixtures::{Bench, LAST, buried, given_back, retried};
use crate::scripted_api::{failed, limited};

const WAIT: Duration = Duration::from_secs(30);

fn create_failed(class: Class) -> CallError {
    failed(Operation::CreateCustomer, class, "no")
}

#[tokio::test]
async fn too_many_requests_and_a_refused_credential_are_given_back_and_had_no_effect() {
    let table = [
        (limited(Operation::CreateCustomer, WAIT), WAIT, Signal::RateLimited { wait: Some(WAIT) }),
        (
            create_failed(Class::RateLimited { wait: None }),
            Duration::ZERO,
            Signal::RateLimited { wait: None },
        ),
        (create_failed(Class::Unauthorized), Duration::ZERO, Signal::Unauthorized),
    ];
    for attempt in [1, LAST] {
        for (error, wait, signal) in table.clone() {
            let mut bench = Bench::new().in_doubt_for(WAIT);
            bench.attempt = attempt;
            bench.api.creates.answer(Err(error));
            let ended = bench.create().await;
            let (after, step) = given_back(&ended);
            assert_eq!((after, step.patch.certainty), (wait, Certainty::NoEffect));
            assert_eq!(ended.signal, signal);
            assert_eq!(bench.api.calls().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_look_up_that_is_limited_or_unauthorized_costs_no_attempt_and_is_told_to_all() {
    let table = [
        (limited(Operation::CustomerByKey, WAIT), WAIT, Signal::RateLimited { wait: Some(WAIT) }),
        (failed(Operation::CustomerByKey, Class::Unauthorized, "no"), Duration::ZERO, Signal::Unauthorized),
    ];
    for (trouble, wait, signal) in table {
        // After a create, which may or may not have had an effect …
        for (class, certainty) in [
            (Class::Refused, Certainty::NoEffect),
            (Class::Conflict, Certainty::Unknown),
            (Class::ServerError, Certainty::Unknown),
        ] {
            let bench = Bench::new().last();
            bench.api.creates.answer(Err(create_failed(class)));
            bench.api.look_ups.answer(Err(trouble.clone()));
            let ended = bench.create().await;
            let (after, step) = given_back(&ended);
            assert_eq!((after, step.patch.certainty, &ended.signal), (wait, certainty, &signal), "{class:?}");
        }
        // … and before one, which was not sent.
        let mut bench = Bench::new().last();
        bench.record.key_refused = true;
        bench.api.look_ups.answer(Err(trouble));
        let ended = bench.create().await;
        let (after, step) = given_back(&ended);
        assert_eq!((after, step.patch.certainty, &ended.signal), (wait, Certainty::NoEffect, &signal));
        assert_eq!(step.patch.next_generation, None);
    }
}

#[tokio::test]
async fn a_look_up_that_may_not_be_made_now_costs_no_attempt() {
    for (class, certainty) in [
        (Class::Refused, Certainty::NoEffect),
        (Class::Conflict, Certainty::Unknown),
        (Class::Unreachable { uncertain: true }, Certainty::Unknown),
    ] {
        let bench = Bench::new().last();
        bench.store.permits.lock().unwrap().push_back(Permit::Wait(WAIT));
        bench.api.creates.answer(Err(create_failed(class)));
        let ended = bench.create().await;
        let (after, step) = given_back(&ended);
        assert_eq!((after, step.patch.certainty), (WAIT, certainty), "{class:?}");
    }
    let mut bench = Bench::new().last();
    bench.record.key_refused = true;
    bench.store.permits.lock().unwrap().push_back(Permit::Wait(WAIT));
    let ended = bench.create().await;
    assert_eq!(given_back(&ended).1.patch.certainty, Certainty::NoEffect);
    assert!(bench.api.calls().is_empty());
}

#[tokio::test]
async fn a_short_wait_for_a_permit_is_waited_for_and_a_long_one_is_not() {
    let bench = Bench::new();
    let short = Duration::from_millis(400);
    bench.store.permits.lock().unwrap().extend([Permit::Wait(short), Permit::Wait(Duration::ZERO)]);
    bench.api.creates.answer(Err(create_failed(Class::Refused)));
    bench.api.look_ups.answer(Ok(None));
    buried(&bench.create().await);
    // Again and again too little makes a long one.
    let bench = Bench::new();
    bench.store.permits.lock().unwrap().extend(vec![Permit::Wait(short); 100]);
    bench.api.creates.answer(Err(create_failed(Class::Refused)));
    let begun = std::time::Instant::now();
    assert_eq!(given_back(&bench.create().await).0, short);
    assert!(begun.elapsed() < Duration::from_secs(4), "two seconds, and what a busy machine adds");
}

#[tokio::test]
async fn under_a_low_limit_the_look_up_waits_for_its_token_as_it_would_never_find_two() {
    let mut bench = Bench::new();
    bench.context.config.rate.per_second = 1.0;
    // A create has 0.4 calls a second: the token that the lease took is there again after 2.5 s.
    bench.store.permits.lock().unwrap().push_back(Permit::Wait(Duration::from_millis(2_100)));
    bench.api.creates.answer(Err(create_failed(Class::Refused)));
    bench.api.look_ups.answer(Ok(None));
    buried(&bench.create().await);
    assert_eq!(bench.api.calls().len(), 2);
}

#[tokio::test]
async fn a_look_up_that_fails_leaves_a_refusal_undecided_and_tells_of_the_failure() {
    for (attempt, class) in [(1, Class::Refused), (1, Class::Forbidden), (LAST, Class::Refused)] {
        let mut bench = Bench::new();
        bench.attempt = attempt;
        bench.api.creates.answer(Err(create_failed(class)));
        bench.api.look_ups.answer(Err(failed(
            Operation::CustomerByKey,
            Class::Unreachable { uncertain: false },
            "timed out",
        )));
        let ended = bench.create().await;
        assert_eq!(ended.signal, Signal::Down { internal: false });
        let (failure, step) = if attempt == LAST {
            buried(&ended)
        } else {
            let (_, failure, step) = retried(&ended);
            (failure, step)
        };
        assert_eq!((failure.code, step.patch.certainty), (Code::Unresolved, Certainty::NoEffect));
    }
}

#[tokio::test]
async fn a_look_up_before_the_create_that_fails_sends_no_create() {
    for attempt in [1, LAST] {
        for class in [Class::ServerError, Class::Contract, Class::Unreachable { uncertain: false }] {
            let mut bench = Bench::new();
            bench.attempt = attempt;
            bench.record.key_refused = true;
            bench.api.look_ups.answer(Err(failed(Operation::CustomerByKey, class, "no")));
            let ended = bench.create().await;
            assert_eq!(bench.api.calls().len(), 1);
            assert!(matches!(ended.signal, Signal::Down { .. }));
            let step = ended.outcome.step();
            assert_eq!((step.patch.certainty, step.patch.next_generation), (Certainty::NoEffect, None));
            if attempt == LAST {
                assert_eq!(buried(&ended).0.code, Code::Unresolved);
            } else {
                retried(&ended);
            }
        }
    }
    // Off for everybody: the circuit must hear it from the first call that meets it.
    let mut bench = Bench::new();
    bench.record.key_refused = true;
    bench.api.look_ups.answer(Err(failed(Operation::CustomerByKey, Class::Forbidden, "off")));
    let ended = bench.create().await;
    assert_eq!(buried(&ended).0.code, Code::Unresolved);
    assert!(matches!(&ended.signal, Signal::Refused(refusal) if refusal.blame == Blame::Everybody));
}

#[tokio::test]
async fn the_wait_that_a_failing_api_asks_for_is_a_floor() {
    let bench = Bench::new();
    let error = CallError { retry_after: Some(WAIT), ..create_failed(Class::ServerError) };
    bench.api.creates.answer(Err(error));
    assert!(retried(&bench.create().await).0 >= WAIT);
}
