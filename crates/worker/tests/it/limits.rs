//! Workers whose rate limit is changed while they run.

use std::time::{Duration, Instant};

use gangway_jobs::limits::RatePolicy;
use gangway_store::Store;
use gangway_worker::Until;

use crate::living_api::LivingApi;
use crate::plant::{Plant, ended, until};

/// One token of each class, and then none for a long time.
const SLOW: RatePolicy = RatePolicy { per_second: 0.001, shares: [0.3, 0.4, 0.3] };

async fn asleep_for_lack_of_tokens(plant: &Plant) {
    plant.store.set_limits(Some(SLOW)).await.unwrap();
    plant.take_in(5).await;
    until("the one customer", || plant.api.customers() == 1).await;
    // Nothing that this one brings about, its link and its poll, is left to wake anybody.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(plant.api.customers(), 1);
}

#[tokio::test]
async fn a_worker_that_waits_for_a_token_notices_a_raised_limit_at_once() {
    let plant = Plant::new(LivingApi::healthy());
    let running = plant.start(Until::Stopped);
    asleep_for_lack_of_tokens(&plant).await;
    let raised = Instant::now();
    plant.store.set_limits(None).await.unwrap();
    until("the others", || plant.api.customers() == 5).await;
    assert!(raised.elapsed() < Duration::from_secs(1), "it slept on: {:?}", raised.elapsed());
    plant.shutdown.cancel();
    ended(running).await.unwrap();
}

#[tokio::test]
async fn a_worker_notices_a_limit_that_another_process_has_raised() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gangway.db");
    let plant = Plant::embedded(&file, LivingApi::healthy()).await;
    let person = Plant::embedded(&file, LivingApi::healthy()).await;
    let running = plant.start(Until::Stopped);
    asleep_for_lack_of_tokens(&plant).await;
    let raised = Instant::now();
    person.store.set_limits(None).await.unwrap();
    until("the others", || plant.api.customers() == 5).await;
    assert!(raised.elapsed() < Duration::from_secs(1), "it slept on: {:?}", raised.elapsed());
    plant.shutdown.cancel();
    ended(running).await.unwrap();
}

#[tokio::test]
async fn a_heartbeat_learns_the_limit_that_is_set() {
    let plant = Plant::new(LivingApi::healthy());
    let running = plant.start(Until::Stopped);
    until("two heartbeats", || plant.store.count("limits") >= 2).await;
    plant.shutdown.cancel();
    ended(running).await.unwrap();
}
