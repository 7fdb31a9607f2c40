//! Workers on the embedded store, with its own wake-ups: one process, and two on one file.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gangway_jobs::onboarding::Stage;
use gangway_store::Store;
use gangway_worker::{Error, Until};

use crate::fixtures::onboarding;
use crate::living_api::{LivingApi, Mood};
use crate::plant::{Plant, ended, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_customers_come_through_the_embedded_store() {
    let folder = tempfile::tempdir().unwrap();
    let plant = Plant::embedded(&folder.path().join("gangway.db"), LivingApi::healthy()).await;
    plant.take_in(200).await;
    plant.finish().await;
    assert_eq!((plant.stage(Stage::Approved).await, plant.api.customers()), (200, 200));
    assert_eq!((plant.counts().lost, plant.counts().retried), (0, 0));
    assert!(plant.api.overlaps().is_empty());
    plant.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_one_file_and_no_job_runs_twice_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gangway.db");
    let api = LivingApi::planned(|_, _| Mood::After(Duration::from_millis(2)));
    let one = Plant::embedded(&file, Arc::clone(&api)).await;
    let mut other = Plant::embedded(&file, Arc::clone(&api)).await;
    other.config.name = "another".to_owned();
    one.take_in(60).await;
    let running = [one.start(Until::Terminal), other.start(Until::Terminal)];
    for worker in running {
        ended(worker).await.unwrap();
    }
    assert_eq!((one.stage(Stage::Approved).await, api.customers()), (60, 60));
    assert!(api.overlaps().is_empty());
    assert_eq!(one.counts().lost + other.counts().lost, 0);
    assert!(one.counts().attempts > 0 && other.counts().attempts > 0, "both worked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_worker_is_quiet_and_starts_what_this_or_another_process_takes_in() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gangway.db");
    let plant = Plant::embedded(&file, LivingApi::healthy()).await;
    let producer = Plant::embedded(&file, LivingApi::healthy()).await;
    let running = plant.start(Until::Stopped);
    until("the first questions", || plant.store.count("lease") >= 3).await;
    until("rest", || plant.store.is_at_rest()).await;
    let before = plant.store.count("lease");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let asked = plant.store.count("lease") - before;
    // Three kinds; each heartbeat is a write too, which wakes everybody.
    assert!(asked <= 60, "{asked} questions in a second without work");
    for (number, process) in [&plant, &producer].into_iter().enumerate() {
        let begun = Instant::now();
        process.store.enqueue(vec![onboarding(number + 1)]).await.unwrap();
        until("the new customer", || plant.api.customers() == number + 1).await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
    plant.shutdown.cancel();
    ended(running).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_file_that_was_removed_ends_the_worker() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gangway.db");
    let plant =
        Plant::embedded(&file, LivingApi::planned(|_, _| Mood::After(Duration::from_millis(5)))).await;
    plant.take_in(50).await;
    let running = plant.start(Until::Terminal);
    until("some customers", || plant.api.customers() > 5).await;
    std::fs::remove_file(&file).unwrap();
    let begun = Instant::now();
    assert!(matches!(ended(running).await, Err(Error::Store { .. })));
    assert!(begun.elapsed() < Duration::from_secs(5));
}
