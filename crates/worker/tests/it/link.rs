//! Links: one that is made, one that comes back too short, and every way of not getting one.

use std::time::Duration;

use gangway_jobs::event::EventType;
use gangway_jobs::failure::Code;
use gangway_jobs::kyb::KybStatus;
use gangway_jobs::onboarding::{Kyb, LinkState, Stage};
use gangway_jobs::payload::{CreateLink, Payload, PollStatus};
use gangway_jobs::signal::{Blame, Signal};
use gangway_onemoney::{CallError, Class, Operation};
use gangway_store::Permit;

use crate::fixtures::{Bench, LAST, NOW, buried, completed, given_back, retried};
use crate::scripted_api::{Call, customer_id, failed, limited, link, seen};

const HALF_AN_HOUR: Duration = Duration::from_mins(30);

fn link_failed(class: Class) -> CallError {
    failed(Operation::CreateLink, class, "no")
}

fn poll() -> Payload {
    Payload::PollStatus(PollStatus::default())
}

#[tokio::test]
async fn a_link_is_published_with_its_url_and_its_end_and_polling_begins() {
    let bench = Bench::created();
    bench.api.links.answer(Ok(link(NOW.after(HALF_AN_HOUR))));
    let ended = bench.link(1).await;
    let key = CreateLink::new(&bench.record, 1).key;
    assert_eq!(bench.api.calls(), [Call::Link(customer_id(), key)]);
    let step = completed(&ended);
    assert_eq!(step.patch.stage, Some(Stage::Linked));
    assert_eq!(step.patch.link, Some(LinkState { ordinal: 1, expires_at: NOW.after(HALF_AN_HOUR) }));
    let [event] = &step.events[..] else { panic!("{:?}", step.events) };
    assert_eq!((event.kind, event.fact.clone()), (EventType::LinkCreated, key.to_string()));
    assert_eq!(event.data["url"], "https://onboard.example/?token=t-1");
    assert_eq!(event.data["expires_at"], "2026-03-01T09:30:00.000Z");
    let [follow_up] = &step.follow_ups[..] else { panic!("{:?}", step.follow_ups) };
    assert_eq!(follow_up.payload, poll());
    assert!(follow_up.after >= bench.context.config.poll.min_interval, "nobody can have filled it in yet");
    assert!(!format!("{:?}", step.patch).contains("t-1"), "the record holds no link");
}

#[tokio::test]
async fn the_first_look_after_a_link_is_timed_by_the_stores_clock_and_not_by_the_workers() {
    use gangway_jobs::clock::ManualClock;
    let mut bench = Bench::created();
    bench.record.status_since = NOW;
    let ahead = NOW.after(Duration::from_hours(24));
    bench.context.clock = std::sync::Arc::new(ManualClock::new(ahead));
    bench.api.links.answer(Ok(link(ahead.after(HALF_AN_HOUR))));
    let after = completed(&bench.link(1).await).follow_ups[0].after;
    assert!(after <= 2 * bench.context.config.poll.min_interval, "{after:?}");
}

#[tokio::test]
async fn a_link_for_what_is_missing_does_not_take_the_stage_back() {
    let mut bench = Bench::created();
    bench.record.stage = Stage::ActionRequired;
    bench.record.kyb = Some(Kyb { status: KybStatus::new("PENDING_RESPONSE"), updated_at: String::new() });
    bench.api.links.answer(Ok(link(NOW.after(HALF_AN_HOUR))));
    assert_eq!(completed(&bench.link(2).await).patch.stage, None);
}

#[tokio::test]
async fn a_link_with_little_left_to_live_counts_as_none_three_times_in_a_row() {
    let short = NOW.after(Duration::from_secs(299));
    for (made_before, ordinal, next) in
        [(None, 1, Some(2)), (None, 2, Some(3)), (None, 3, None), (Some(4), 5, Some(6)), (Some(4), 7, None)]
    {
        let mut bench = Bench::created();
        bench.record.link = made_before.map(|ordinal| LinkState { ordinal, expires_at: NOW });
        bench.api.links.answer(Ok(link(short)));
        let ended = bench.link(ordinal).await;
        let step = completed(&ended);
        match next {
            Some(next) => {
                let wanted = Payload::CreateLink(CreateLink::new(&bench.record, next));
                assert_eq!((&step.follow_ups[0].payload, step.events.len()), (&wanted, 0), "{ordinal}");
                assert_eq!(step.patch.link, None);
            }
            // The API makes no longer ones: what it makes is taken.
            None => assert_eq!((step.events.len(), &step.follow_ups[0].payload), (1, &poll()), "{ordinal}"),
        }
    }
    let bench = Bench::created();
    bench.api.links.answer(Ok(link(NOW.after(Duration::from_mins(5)))));
    assert_eq!(completed(&bench.link(1).await).events.len(), 1, "five minutes are enough");
}

#[tokio::test]
async fn a_status_that_forbids_a_link_is_no_error_and_polling_goes_on_at_once() {
    for class in [Class::NotEditable, Class::Conflict] {
        for status in ["PENDING_REVIEW", "under_review", "APPROVED", "PROVISIONING"] {
            let bench = Bench::created();
            bench.api.links.answer(Err(link_failed(class)));
            bench.api.reads.answer(Ok(Some(seen(status))));
            let ended = bench.link(1).await;
            assert_eq!(bench.api.calls()[1], Call::Read(customer_id()));
            let step = completed(&ended);
            assert_eq!((&step.follow_ups[0].payload, step.follow_ups[0].after), (&poll(), Duration::ZERO));
        }
    }
}

#[tokio::test]
async fn a_link_refused_though_the_status_allows_it_is_buried_and_polling_goes_on() {
    let table = [
        (Class::NotEditable, Some(Ok(Some(seen("INIT")))), Blame::Unclear),
        (Class::NotEditable, Some(Ok(Some(seen("PENDING_RESPONSE")))), Blame::Unclear),
        (Class::Conflict, Some(Ok(Some(seen("REJECTED")))), Blame::Unclear),
        (Class::Conflict, Some(Ok(None)), Blame::Unclear),
        (Class::Refused, None, Blame::Unclear),
        (Class::Forbidden, None, Blame::Everybody),
    ];
    for (class, read, blame) in table {
        let bench = Bench::created();
        bench.api.links.answer(Err(link_failed(class)));
        if let Some(read) = read {
            bench.api.reads.answer(read);
        }
        let ended = bench.link(1).await;
        let (failure, step) = buried(&ended);
        assert_eq!((failure.code, &step.follow_ups[0].payload), (Code::Refused, &poll()), "{class:?}");
        assert!(matches!(&ended.signal, Signal::Refused(refusal) if refusal.blame == blame), "{class:?}");
    }
}

#[tokio::test]
async fn a_link_that_fails_is_retried_and_after_the_last_attempt_polling_goes_on_without_it() {
    let table = [
        (Class::NotFound, Code::CustomerMissing, Signal::None),
        (Class::ServerError, Code::Unreachable, Signal::Down { internal: true }),
        (Class::Contract, Code::Contract, Signal::Down { internal: true }),
        (Class::Unreachable { uncertain: true }, Code::Unreachable, Signal::Down { internal: false }),
    ];
    for (class, code, signal) in table {
        let bench = Bench::created();
        bench.api.links.answer(Err(link_failed(class)));
        let ended = bench.link(1).await;
        assert_eq!((retried(&ended).1.code, &ended.signal), (code, &signal), "{class:?}");

        let bench = Bench::created().last();
        bench.api.links.answer(Err(link_failed(class)));
        let ended = bench.link(1).await;
        let (failure, step) = buried(&ended);
        assert_eq!((failure.code, &step.follow_ups[0].payload), (code, &poll()), "{class:?}");
        assert_eq!(ended.signal, signal);
    }
}

#[tokio::test]
async fn a_link_is_given_back_when_nobody_may_call() {
    let wait = Duration::from_secs(4);
    for attempt in [1, LAST] {
        let mut bench = Bench::created();
        bench.attempt = attempt;
        bench.api.links.answer(Err(limited(Operation::CreateLink, wait)));
        assert_eq!(given_back(&bench.link(1).await).0, wait);

        bench.api.links.answer(Err(link_failed(Class::NotEditable)));
        bench.api.reads.answer(Err(failed(Operation::ReadCustomer, Class::Unauthorized, "no")));
        let ended = bench.link(1).await;
        given_back(&ended);
        assert_eq!(ended.signal, Signal::Unauthorized);

        bench.api.links.answer(Err(link_failed(Class::NotEditable)));
        bench.store.permits.lock().unwrap().push_back(Permit::Wait(wait));
        assert_eq!(given_back(&bench.link(1).await).0, wait);
    }
}

#[tokio::test]
async fn a_read_that_fails_after_a_refused_link_is_the_links_failure() {
    let bench = Bench::created();
    bench.api.links.answer(Err(link_failed(Class::NotEditable)));
    bench.api.reads.answer(Err(failed(Operation::ReadCustomer, Class::ServerError, "no")));
    let ended = bench.link(1).await;
    retried(&ended);
    assert_eq!(ended.signal, Signal::Down { internal: true });
}

#[tokio::test]
async fn a_link_without_a_customer_leaves_a_job_that_says_so() {
    let bench = Bench::new();
    let ended = bench.link(1).await;
    let (failure, step) = buried(&ended);
    assert_eq!((failure.code, &step.follow_ups[0].payload), (Code::CustomerMissing, &poll()));
    assert_eq!(buried(&bench.poll().await).0.code, Code::CustomerMissing);
    assert!(bench.api.calls().is_empty());
}
