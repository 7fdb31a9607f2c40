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
    // Its create and its link are written, and there is no token for its poll: nothing is left that would wake anybody.
    until("the one customer's link", || plant.store.settled_count() == 2).await;
    until("rest", || plant.store.is_at_rest()).await;
    assert_eq!((plant.api.customers(), plant.api.calls().len()), (1, 2));
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
