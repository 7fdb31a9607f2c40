//! Whole workers: from the enqueue to the last event.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use gangway_jobs::clock::Timestamp;
use gangway_jobs::failure::Code;
use gangway_jobs::job::Hold;
use gangway_jobs::onboarding::Stage;
use gangway_onemoney::{CallError, Class, Operation};
use gangway_store::{DeadFilter, Position, Store};
use gangway_worker::Until;

use crate::fixtures::onboarding;
use crate::living_api::{LivingApi, Mood};
use crate::moody_store::Mode;
use crate::plant::{Plant, ended, until};
use crate::scripted_api::{Call, failed};

/// Each onboarding has one terminal event, and events without a gap.
async fn assert_published(plant: &Plant, count: usize) {
    let mut sequences: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    let mut ends = 0;
    let mut after = Position::default();
    loop {
        let page = plant.store.events(after, 500).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (_, event) in page {
            ends += usize::from(event.kind.is_terminal());
            sequences.entry(event.onboarding).or_default().push(event.sequence);
        }
    }
    assert_eq!((sequences.len(), ends), (count, count));
    for sequence in sequences.values() {
        assert!(sequence.iter().copied().eq(1..=sequence.len() as u64), "{sequence:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_customers_come_through() {
    let plant = Plant::new(LivingApi::healthy());
    plant.take_in(200).await;
    plant.finish().await;
    // Nothing is in flight any more: what the store says now it said when the worker ended.
    assert_eq!((plant.stage(Stage::Approved).await, plant.api.customers()), (200, 200));
    assert_published(&plant, 200).await;
    assert_eq!(plant.api.calls().iter().filter(|call| matches!(call, Call::Create(_))).count(), 200);
    assert!(plant.api.overlaps().is_empty());
    let counts = plant.counts();
    assert_eq!((counts.attempts, counts.lost, counts.retried), (plant.store.settled_count(), 0, 0));
    let status = plant.store.status().await.unwrap();
    assert!(status.jobs.is_empty() && status.workers.is_empty(), "{status:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_share_the_work_and_no_job_runs_twice_at_once() {
    let plant = Plant::new(LivingApi::planned(|_, _| Mood::After(Duration::from_millis(2))));
    plant.take_in(100).await;
    let (one, other) = (plant.start(Until::Terminal), plant.start(Until::Terminal));
    until("two workers", || plant.store.count("register") == 2).await;
    ended(one).await.unwrap();
    ended(other).await.unwrap();
    assert_eq!((plant.stage(Stage::Approved).await, plant.counts().lost), (100, 0));
    assert!(plant.api.overlaps().is_empty(), "{:?}", plant.api.overlaps());
    assert_published(&plant, 100).await;
}

#[tokio::test]
async fn a_panic_is_one_failed_attempt_and_its_words_are_kept_nowhere() {
    let api = LivingApi::planned(|call, before| match call {
        Call::Create(_) if before < 2 => Mood::Panics,
        _ => Mood::Answers,
    });
    let plant = Plant::new(api);
    plant.take_in(3).await;
    plant.finish().await;
    assert_eq!((plant.stage(Stage::Approved).await, plant.counts().retried), (3, 2));

    let mut plant = Plant::new(LivingApi::planned(|_, _| Mood::Panics));
    plant.config.retry.max_attempts = 2;
    plant.take_in(1).await;
    plant.finish().await;
    let dead = plant.store.dead(DeadFilter::default(), None, 10).await.unwrap();
    let failure = dead[0].failure.clone().unwrap();
    assert_eq!((failure.code, failure.message.as_str()), (Code::Panic, "the handler panicked"));
    assert!(plant.look(1).await.0.uncertain_since.is_some(), "it may have been sent");
}

#[tokio::test]
async fn a_handler_that_hangs_is_timed_out_and_its_slot_is_free_again() {
    let api = LivingApi::planned(|call, before| match call {
        Call::Create(_) if before == 0 => Mood::Hangs,
        _ => Mood::Answers,
    });
    let mut plant = Plant::new(api);
    (plant.config.concurrency, plant.config.job_timeout) = (1, Duration::from_millis(150));
    plant.take_in(5).await;
    plant.finish().await;
    assert_eq!((plant.stage(Stage::Approved).await, plant.counts().retried), (5, 1));
    assert_eq!(plant.api.customers(), 5);
}

#[tokio::test]
async fn polls_that_time_out_never_end_an_onboarding() {
    let api = LivingApi::planned(|call, before| match call {
        Call::Read(_) if before < 6 => Mood::Hangs,
        _ => Mood::Answers,
    });
    let mut plant = Plant::new(api);
    (plant.config.retry.max_attempts, plant.config.job_timeout) = (2, Duration::from_millis(20));
    plant.take_in(1).await;
    plant.finish().await;
    assert_eq!(plant.stage(Stage::Approved).await, 1);
}

#[tokio::test]
async fn a_lease_is_renewed_for_as_long_as_its_handler_runs() {
    let api = LivingApi::planned(|call, _| match call {
        Call::Create(_) => Mood::After(Duration::from_millis(900)),
        _ => Mood::Answers,
    });
    let mut plant = Plant::new(api);
    plant.config.lease = Duration::from_millis(200);
    plant.take_in(3).await;
    plant.finish().await;
    assert_eq!((plant.counts().lost, plant.counts().retried), (0, 0));
    assert!(plant.api.overlaps().is_empty());
}

#[tokio::test]
async fn a_late_end_is_refused_once_the_lease_was_taken_back() {
    let api = LivingApi::planned(|call, before| match call {
        Call::Create(_) if before == 0 => Mood::After(Duration::from_secs(1)),
        _ => Mood::Answers,
    });
    let mut plant = Plant::new(api);
    (plant.config.lease, plant.config.grace) = (Duration::from_millis(150), Duration::from_secs(5));
    plant.store.turn(Mode::NoRenewals);
    plant.take_in(1).await;
    plant.finish().await;
    assert_eq!((plant.counts().lost, plant.api.customers()), (1, 1));
    assert_published(&plant, 1).await;
}

#[tokio::test]
async fn an_idle_worker_starts_a_new_job_at_once_even_if_it_came_while_nobody_waited() {
    let plant = Plant::new(LivingApi::healthy());
    *plant.store.late_arrival.lock().unwrap() = Some(onboarding(1));
    let running = plant.start(Until::Stopped);
    // Long enough for a poll of the store to be due, short of any fallback.
    let begun = Instant::now();
    until("the late arrival", || plant.api.customers() == 1).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "a wake-up was lost");
    // Created, linked, and read three times.
    until("its end", || plant.store.settled_count() == 5).await;
    until("rest", || plant.store.is_at_rest()).await;
    let begun = Instant::now();
    plant.store.enqueue(vec![onboarding(2)]).await.unwrap();
    until("another one", || plant.api.customers() == 2).await;
    assert!(begun.elapsed() < Duration::from_secs(2));
    plant.shutdown.cancel();
    ended(running).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_idle_worker_asks_the_store_for_little() {
    let plant = Plant::new(LivingApi::healthy());
    let running = plant.start(Until::Stopped);
    until("the first questions", || plant.store.count("lease") >= 3).await;
    let (before, begun) = (plant.store.count("lease"), tokio::time::Instant::now());
    let beats = plant.store.count("beat");
    until("ten heartbeats", || plant.store.count("beat") >= beats + 10).await;
    let asked = plant.store.count("lease") - before;
    let half_seconds = usize::try_from(begun.elapsed().as_millis() / 500).unwrap() + 1;
    assert!(asked <= 6 * half_seconds, "{asked} questions in {:?}", begun.elapsed());
    plant.shutdown.cancel();
    ended(running).await.unwrap();
}

/// Refuses creates, and maybe look-ups, until so many came.
fn refusing(class: Class, text: &'static str, look_ups: bool, until: usize) -> std::sync::Arc<LivingApi> {
    let fail = move |operation| -> CallError { failed(operation, class, text) };
    LivingApi::planned(move |call, before| match call {
        Call::Create(_) if before < until => Mood::Fails(fail(Operation::CreateCustomer)),
        Call::LookUp(_) if look_ups && before < until => Mood::Fails(fail(Operation::CustomerByKey)),
        _ => Mood::Answers,
    })
}

#[tokio::test]
async fn a_refusal_of_everybody_buries_nobody_and_heals_by_itself() {
    for (class, text, look_ups) in [
        (Class::Refused, "customer quota exceeded", false),
        (Class::Refused, "field country_code is missing", false),
        (Class::Forbidden, "hosted onboarding is off", false),
        (Class::Forbidden, "hosted onboarding is off", true),
    ] {
        let plant = Plant::new(refusing(class, text, look_ups, 15));
        plant.take_in(12).await;
        plant.finish().await;
        assert_eq!((plant.stage(Stage::Approved).await, plant.stage(Stage::Dead).await), (12, 0), "{text}");
        assert_eq!(plant.api.customers(), 12);
    }
}

#[tokio::test]
async fn an_api_that_is_down_costs_no_job_its_attempts() {
    let api = LivingApi::planned(|call, before| match call {
        Call::Create(_) if before < 60 => {
            Mood::Fails(failed(Operation::CreateCustomer, Class::Unreachable { uncertain: true }, "reset"))
        }
        _ => Mood::Answers,
    });
    let mut plant = Plant::new(api);
    plant.config.retry.max_attempts = 3;
    plant.take_in(12).await;
    plant.finish().await;
    assert_eq!((plant.stage(Stage::Approved).await, plant.api.customers()), (12, 12));
}

#[tokio::test]
async fn until_linked_ends_when_no_link_is_left_to_be_made() {
    let api = LivingApi::planned(|call, before| match call {
        Call::Link(..) if before == 0 => {
            Mood::Fails(failed(Operation::CreateLink, Class::Refused, "this one is in use"))
        }
        Call::Read(_) => Mood::Hangs,
        _ => Mood::Answers,
    });
    let mut plant = Plant::new(api);
    plant.config.grace = Duration::from_millis(50);
    plant.take_in(3).await;
    ended(plant.start(Until::Linked)).await.unwrap();
    assert_eq!((plant.stage(Stage::Linked).await, plant.stage(Stage::Created).await), (2, 1));
    let dead = plant.store.dead(DeadFilter::default(), None, 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    let jobs = plant.look(1).await.1;
    assert!(jobs.iter().all(|job| !matches!(job.hold, Hold::Leased(_))));
    assert!(plant.look(2).await.0.link.is_none_or(|link| link.expires_at > Timestamp::from_millis(0)));
}
