//! Polls: waiting is no failure, and only a refusal ends an onboarding.

use std::time::Duration;

use gangway_jobs::event::EventType;
use gangway_jobs::failure::Code;
use gangway_jobs::kind::Kind;
use gangway_jobs::kyb::KybStatus;
use gangway_jobs::onboarding::{Kyb, Stage};
use gangway_jobs::outcome::{Outcome, Step};
use gangway_jobs::signal::{Blame, Signal};
use gangway_onemoney::{CallError, Class, Operation};
use gangway_worker::Ended;

use crate::fixtures::{Bench, LAST, NOW, buried, completed, given_back, retried};
use crate::scripted_api::{Call, customer_id, failed, limited, seen};

fn read_failed(class: Class) -> CallError {
    failed(Operation::ReadCustomer, class, "no")
}

fn known(status: &str) -> Bench {
    let mut bench = Bench::created();
    bench.record.kyb = Some(Kyb { status: KybStatus::new(status), updated_at: String::new() });
    bench.record.status_since = NOW.before(Duration::from_hours(5));
    bench
}

#[track_caller]
fn snoozed(ended: &Ended) -> (Duration, &Step) {
    let Outcome::Snooze { after, step } = &ended.outcome else { panic!("not snoozed: {ended:?}") };
    (*after, step)
}

#[tokio::test]
async fn a_status_that_has_not_changed_is_looked_at_again_later() {
    let bench = known("INIT");
    bench.api.reads.answer(Ok(Some(seen("init"))));
    let ended = bench.poll().await;
    assert_eq!(bench.api.calls(), [Call::Read(customer_id())]);
    let (after, step) = snoozed(&ended);
    let half_an_hour = Duration::from_mins(30);
    assert!((half_an_hour..=2 * half_an_hour).contains(&after), "{after:?}");
    assert!(step.events.is_empty() && step.patch.polled);
    assert_eq!(ended.signal, Signal::Healthy { fresh: true });
}

#[tokio::test]
async fn the_age_of_a_form_is_counted_by_the_stores_clock_and_not_by_the_workers() {
    use gangway_jobs::clock::ManualClock;
    let month = Duration::from_hours(24 * 31);
    let mut bench = known("INIT");
    bench.context.clock = std::sync::Arc::new(ManualClock::new(NOW.after(month)));
    bench.api.reads.answer(Ok(Some(seen("INIT"))));
    let ended = bench.poll().await;
    let (after, step) = snoozed(&ended);
    assert_eq!(step.patch.stage, Some(Stage::Created), "a worker whose clock is ahead expires nobody");
    assert!(after < Duration::from_hours(1), "nor does it look more rarely: {after:?}");

    let mut bench = known("INIT");
    bench.record.status_since = NOW.before(month);
    bench.context.clock = std::sync::Arc::new(ManualClock::new(NOW.before(month)));
    bench.api.reads.answer(Ok(Some(seen("INIT"))));
    let ended = bench.poll().await;
    assert_eq!(completed(&ended).patch.stage, Some(Stage::Expired), "nor does one that is behind wait on");
}

#[tokio::test]
async fn polls_of_a_crowd_are_spread_over_the_rate() {
    let mut bench = known("UNDER_REVIEW");
    // Three polls a second: nine hundred take five minutes.
    bench.waiting = 900;
    bench.api.reads.answer(Ok(Some(seen("UNDER_REVIEW"))));
    let ended = bench.poll().await;
    let five_minutes = Duration::from_mins(5);
    assert!((five_minutes..=2 * five_minutes).contains(&snoozed(&ended).0), "{ended:?}");
}

#[tokio::test]
async fn a_changed_status_is_published_and_one_that_needs_the_customer_makes_a_link() {
    let bench = known("INIT");
    bench.api.reads.answer(Ok(Some(seen("PENDING_RESPONSE"))));
    let ended = bench.poll().await;
    let (_, step) = snoozed(&ended);
    let kinds: Vec<EventType> = step.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventType::StatusChanged, EventType::ActionRequired]);
    assert_eq!(step.follow_ups[0].payload.kind(), Kind::CreateLink);
    assert_eq!(step.patch.stage, Some(Stage::ActionRequired));
}

#[tokio::test]
async fn approval_and_rejection_end_it() {
    for (status, stage) in [("approved", Stage::Approved), ("REJECTED", Stage::Rejected)] {
        let bench = known("UNDER_REVIEW");
        bench.api.reads.answer(Ok(Some(seen(status))));
        assert_eq!(completed(&bench.poll().await).patch.stage, Some(stage));
    }
}

#[tokio::test]
async fn a_customer_that_the_api_does_not_know_is_asked_for_again_and_then_refused() {
    for attempt in [1, LAST - 1] {
        let mut bench = known("INIT");
        bench.attempt = attempt;
        bench.api.reads.answer(Ok(None));
        let ended = bench.poll().await;
        assert_eq!(retried(&ended).1.code, Code::CustomerMissing);
    }
    let bench = known("INIT").last();
    bench.api.reads.answer(Ok(None));
    let ended = bench.poll().await;
    assert_eq!(buried(&ended).0.code, Code::CustomerMissing);
    assert!(matches!(&ended.signal, Signal::Refused(refusal) if refusal.blame == Blame::Unclear));
}

#[tokio::test]
async fn an_api_that_cannot_be_read_never_ends_an_onboarding() {
    let classes = [Class::Unreachable { uncertain: false }, Class::ServerError, Class::Contract];
    for class in classes {
        for attempt in [1, LAST, 1_000_000] {
            let mut bench = known("INIT");
            bench.attempt = attempt;
            bench.api.reads.answer(Err(read_failed(class)));
            let ended = bench.poll().await;
            assert!(retried(&ended).0 <= bench.context.config.retry.max);
            assert!(matches!(ended.signal, Signal::Down { .. }));
        }
    }
}

#[tokio::test]
async fn a_refusal_ends_it_at_the_last_attempt_and_a_feature_that_is_off_is_told_at_once() {
    for class in [Class::Refused, Class::Conflict] {
        let bench = known("INIT");
        bench.api.reads.answer(Err(read_failed(class)));
        retried(&bench.poll().await);

        let bench = known("INIT").last();
        bench.api.reads.answer(Err(read_failed(class)));
        let ended = bench.poll().await;
        assert_eq!(buried(&ended).0.code, Code::Refused);
        assert!(matches!(ended.signal, Signal::Refused(_)));
    }
    let bench = known("INIT");
    bench.api.reads.answer(Err(read_failed(Class::Forbidden)));
    let ended = bench.poll().await;
    buried(&ended);
    assert!(matches!(&ended.signal, Signal::Refused(refusal) if refusal.blame == Blame::Everybody));
}

#[tokio::test]
async fn a_poll_is_given_back_when_nobody_may_call() {
    let wait = Duration::from_secs(4);
    let bench = known("INIT").last();
    bench.api.reads.answer(Err(limited(Operation::ReadCustomer, wait)));
    assert_eq!(given_back(&bench.poll().await).0, wait);
    bench.api.reads.answer(Err(read_failed(Class::Unauthorized)));
    let ended = bench.poll().await;
    given_back(&ended);
    assert_eq!(ended.signal, Signal::Unauthorized);
}
