//! The end of a worker that is told to end.

use std::time::{Duration, Instant};

use gangway_jobs::job::{Hold, Job};
use gangway_jobs::onboarding::Stage;
use gangway_store::Store;
use gangway_worker::{Error, Until};
use tokio_util::sync::CancellationToken;

use crate::living_api::{LivingApi, Mood};
use crate::moody_store::Mode;
use crate::plant::{Plant, ended, until};
use crate::scripted_api::Call;

/// As if it had never been leased.
#[track_caller]
fn assert_untouched(job: &Job) {
    assert_eq!((job.attempt, job.losses, &job.hold), (0, 0, &Hold::Waiting), "{job:?}");
}

#[tokio::test]
async fn running_handlers_finish_and_nothing_else_begins() {
    let api = LivingApi::planned(|call, _| match call {
        Call::Create(_) => Mood::After(Duration::from_millis(200)),
        _ => Mood::Answers,
    });
    let mut plant = Plant::new(api);
    plant.config.concurrency = 2;
    plant.take_in(10).await;
    let running = plant.start(Until::Stopped);
    until("two running creates", || plant.api.running() == 2).await;
    plant.shutdown.cancel();
    let begun = Instant::now();
    ended(running).await.unwrap();
    assert!(begun.elapsed() < plant.config.grace, "nobody waits for the grace time to end");
    assert_eq!((plant.api.customers(), plant.stage(Stage::Created).await), (2, 2));
    let status = plant.store.status().await.unwrap();
    assert!(status.workers.is_empty(), "deregistered");
    for number in 1..=10 {
        let (record, jobs) = plant.look(number).await;
        if record.stage == Stage::Accepted {
            assert_untouched(&jobs[0]);
            assert_eq!(record.uncertain_since, None);
        }
    }
}

#[tokio::test]
async fn a_call_that_outlasts_the_grace_time_is_cut_off_and_stays_in_doubt() {
    let plant = Plant::new(LivingApi::planned(|_, _| Mood::Hangs));
    plant.take_in(3).await;
    let running = plant.start(Until::Stopped);
    until("three running creates", || plant.api.running() == 3).await;
    plant.shutdown.cancel();
    let begun = Instant::now();
    ended(running).await.unwrap();
    let took = begun.elapsed();
    assert!(took >= plant.config.grace && took < plant.config.grace + Duration::from_secs(1), "{took:?}");
    assert_eq!(plant.api.running(), 0, "the calls were dropped");
    for number in 1..=3 {
        let (record, jobs) = plant.look(number).await;
        assert_untouched(&jobs[0]);
        assert!(record.uncertain_since.is_some(), "the call may have had its effect");
    }
}

#[tokio::test]
async fn what_was_fetched_and_not_started_goes_back_as_if_it_had_not_been() {
    let plant = Plant::new(LivingApi::healthy());
    *plant.store.slow_leases.lock().unwrap() = Duration::from_millis(200);
    plant.take_in(5).await;
    let running = plant.start(Until::Stopped);
    until("the lease calls", || plant.store.count("lease") == 3).await;
    plant.shutdown.cancel();
    ended(running).await.unwrap();
    assert!(plant.api.calls().is_empty());
    for number in 1..=5 {
        let (record, jobs) = plant.look(number).await;
        assert_untouched(&jobs[0]);
        assert_eq!(record.uncertain_since, None, "nothing was sent");
    }
}

#[tokio::test]
async fn a_lease_whose_reply_was_lost_at_the_end_is_found_and_handed_back() {
    let plant = Plant::new(LivingApi::healthy());
    plant.store.lose_lease_replies(1);
    plant.take_in(5).await;
    let running = plant.start(Until::Stopped);
    until("the lease calls", || plant.store.count("lease") == 3).await;
    plant.shutdown.cancel();
    ended(running).await.unwrap();
    for number in 1..=5 {
        let (record, jobs) = plant.look(number).await;
        if record.stage == Stage::Accepted {
            assert_untouched(&jobs[0]);
        }
    }
}

#[tokio::test]
async fn a_store_that_is_away_at_the_end_does_not_keep_the_process() {
    for mode in [Mode::Busy, Mode::Hangs] {
        let api = LivingApi::planned(|_, _| Mood::After(Duration::from_millis(100)));
        let plant = Plant::new(api);
        plant.take_in(3).await;
        let running = plant.start(Until::Stopped);
        until("three running creates", || plant.api.running() == 3).await;
        plant.store.turn(mode);
        plant.shutdown.cancel();
        let begun = Instant::now();
        let error = ended(running).await.unwrap_err();
        assert!(matches!(error, Error::Unsettled(3)), "{mode:?}: {error:?}");
        assert!(begun.elapsed() < plant.config.grace + Duration::from_secs(1), "{mode:?}");
        // Nothing is lost: another worker takes the jobs up when the leases have run out.
        plant.store.turn(Mode::Works);
        let again = Plant { shutdown: CancellationToken::new(), ..plant };
        again.finish().await;
        assert_eq!((again.api.customers(), again.stage(Stage::Approved).await), (3, 3));
    }
}

#[tokio::test]
async fn a_worker_without_work_ends_at_once() {
    let plant = Plant::new(LivingApi::healthy());
    ended(plant.start(Until::Terminal)).await.unwrap();
    let running = plant.start(Until::Stopped);
    plant.shutdown.cancel();
    let begun = Instant::now();
    ended(running).await.unwrap();
    assert!(begun.elapsed() < plant.config.grace);
}
