//! Several processes on one file.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gangway_jobs::enqueue::Answer;
use gangway_jobs::kind::Kind;
use gangway_jobs::outcome::Settled;
use gangway_store::Error;

use super::place::{ask, complete, customers, end, open, place};

#[tokio::test]
async fn another_handles_work_is_seen_within_fifty_milliseconds() {
    let (_folder, path) = place();
    let (mine, other) = (open(&path), open(&path));
    mine.status().await.unwrap();
    for round in 0..5 {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let waits = tokio::spawn({
            let mine = Arc::clone(&mine);
            async move {
                mine.changed(Duration::from_secs(5)).await;
                Instant::now()
            }
        });
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert!(!waits.is_finished() || round == 0, "woken by nothing");
        other.enqueue(customers(round..round + 1)).await.unwrap();
        let written = Instant::now();
        let woken = waits.await.unwrap();
        // Generous: the promise is 50 ms, the machine may be busy.
        assert!(woken.saturating_duration_since(written) < Duration::from_millis(250), "round {round}");
        assert_eq!(mine.status().await.unwrap().total(), u64::from(round) + 1);
    }
}

#[tokio::test]
async fn the_own_commits_wake_at_once_and_nothing_wakes_before_its_time() {
    let (_folder, path) = place();
    let store = open(&path);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let begun = Instant::now();
    store.changed(Duration::from_millis(100)).await;
    assert!(begun.elapsed() >= Duration::from_millis(100));
    store.enqueue(customers(0..1)).await.unwrap();
    // The commit came between the question and the wait: it is not missed.
    let begun = Instant::now();
    store.changed(Duration::from_secs(5)).await;
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_handles_share_the_work_and_lease_no_job_twice() {
    let (_folder, path) = place();
    let stores = [open(&path), open(&path)];
    stores[0].enqueue(customers(0..500)).await.unwrap();
    let workers = stores.map(|store| {
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let jobs = store.lease(ask(Kind::CreateCustomer, 7)).await.unwrap().jobs;
                if jobs.is_empty() {
                    return mine;
                }
                let ends = jobs.iter().map(|job| end(job.id, job.token, complete())).collect();
                assert!(store.settle(ends).await.unwrap().iter().all(|it| *it == Settled::Done));
                mine.extend(jobs.into_iter().map(|job| job.id));
            }
        })
    });
    let mut all = Vec::new();
    for worker in workers {
        let mine = worker.await.unwrap();
        assert!(!mine.is_empty(), "one handle starved the other");
        all.extend(mine);
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 500);
}

#[tokio::test]
async fn a_lock_that_another_process_keeps_is_waited_for_and_then_told() {
    let (_folder, path) = place();
    let store = open(&path);
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.enqueue(customers(0..1)).await.unwrap_err();
    assert!(matches!(error, Error::Busy { .. }) && error.is_transient());
    assert_eq!(store.status().await.unwrap().total(), 0);
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(store.enqueue(customers(0..1)).await.unwrap(), [Answer::New]);
}
