//! The file removed, replaced, or left behind by a process that stopped; and time over all that.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gangway_jobs::clock::{Clock, ManualClock, Timestamp};
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::Stage;
use gangway_jobs::outcome::Settled;
use gangway_store::sqlite::Mode;
use gangway_store::{Error, SharedStore};

use super::place::{LEASE, ask, complete, customers, end, holding, made_for, open, open_with, place};

#[cfg(unix)]
#[tokio::test]
async fn a_store_whose_file_was_removed_writes_no_more() {
    let (_folder, path, store) = holding(0..1).await;
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(store.enqueue(customers(1..2)).await, Err(Error::Replaced { .. })));
    assert!(matches!(store.status().await, Err(Error::Replaced { .. })));
}

#[cfg(unix)]
#[tokio::test]
async fn a_store_whose_file_was_replaced_writes_no_more_even_when_it_comes_back() {
    let (folder, path) = place();
    let store = open(&path);
    let aside = folder.path().join("aside.db");
    std::fs::rename(&path, &aside).unwrap();
    std::fs::copy(&aside, &path).unwrap();
    assert!(matches!(store.enqueue(customers(0..1)).await, Err(Error::Replaced { .. })));
    std::fs::rename(&aside, &path).unwrap();
    assert!(matches!(store.enqueue(customers(0..1)).await, Err(Error::Replaced { .. })));
}

#[cfg(unix)]
#[tokio::test]
async fn a_store_whose_file_is_gone_does_not_touch_the_log_of_the_next_one() {
    let (folder, path) = place();
    let gone = open(&path);
    gone.enqueue(customers(0..1)).await.unwrap();
    for name in ["gangway.db", "gangway.db-wal", "gangway.db-shm"] {
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    let next = open(&path);
    next.enqueue(customers(0..10)).await.unwrap();
    gone.close().await;
    drop(gone);
    next.enqueue(customers(10..20)).await.unwrap();
    assert_eq!(as_after_a_kill(&path).status().await.unwrap().total(), 20);
}

/// What a kill leaves behind: file and log as they are at this moment, with nobody to tidy up.
fn as_after_a_kill(path: &Path) -> SharedStore {
    let copy = path.with_file_name("copy.db");
    std::fs::copy(path, &copy).unwrap();
    std::fs::copy(path.with_file_name("gangway.db-wal"), path.with_file_name("copy.db-wal")).unwrap();
    open(&copy)
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_process_that_just_stops() {
    let (_folder, path, store) = holding(0..100).await;
    let leased = store.lease(ask(Kind::CreateCustomer, 10)).await.unwrap().jobs;
    store.settle(leased.iter().map(|job| end(job.id, job.token, complete())).collect()).await.unwrap();
    let again = as_after_a_kill(&path);
    let status = again.status().await.unwrap();
    assert_eq!(status, store.status().await.unwrap());
    assert_eq!(status.by_stage[&Stage::Created], 10);
    assert_eq!(status.total(), 100);
    let repeated = again.settle(vec![end(leased[0].id, leased[0].token, complete())]).await.unwrap();
    assert_eq!(repeated, [Settled::Already]);
}

#[tokio::test]
async fn a_closed_store_has_written_what_it_accepted_and_takes_nothing_more() {
    let (_folder, path) = place();
    let store = open(&path);
    let accepted = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.enqueue(customers(0..1_000)).await }
    });
    tokio::task::yield_now().await;
    store.close().await;
    let written = accepted.await.unwrap().map_or(0, |answers| answers.len() as u64);
    assert!(matches!(store.status().await, Err(Error::Closed)));
    assert!(matches!(store.enqueue(customers(0..1)).await, Err(Error::Closed)));
    assert_eq!(open(&path).status().await.unwrap().total(), written);
    store.close().await;
}

#[tokio::test]
async fn time_does_not_go_back_over_a_restart() {
    let (_folder, path) = place();
    let late = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
    let store = open_with(&path, Mode::Create(made_for()), Arc::clone(&late) as Arc<dyn Clock>).unwrap();
    late.advance(Duration::from_secs(100));
    store.enqueue(customers(0..1)).await.unwrap();
    store.close().await;
    let early = Arc::new(ManualClock::new(Timestamp::from_millis(500_000)));
    let store = open_with(&path, Mode::Existing(made_for()), early).unwrap();
    assert_eq!(store.now().await.unwrap(), Timestamp::from_millis(1_100_000));
}

/// A clock whose two sides a test moves apart.
#[derive(Debug, Default)]
struct TwoClocks {
    wall: AtomicU64,
    monotonic: AtomicU64,
}

impl TwoClocks {
    fn advance(&self, wall: Duration, monotonic: Duration) {
        self.wall.fetch_add(u64::try_from(wall.as_millis()).unwrap(), Ordering::SeqCst);
        self.monotonic.fetch_add(u64::try_from(monotonic.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TwoClocks {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(self.wall.load(Ordering::SeqCst)).unwrap())
    }

    fn monotonic(&self) -> Option<Duration> {
        Some(Duration::from_millis(self.monotonic.load(Ordering::SeqCst)))
    }
}

#[tokio::test]
async fn a_machine_that_slept_gives_every_lease_one_more_term() {
    let (_folder, path) = place();
    let clock = Arc::new(TwoClocks::default());
    let store = open_with(&path, Mode::Create(made_for()), Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    store.enqueue(customers(0..2)).await.unwrap();
    assert_eq!(store.lease(ask(Kind::CreateCustomer, 2)).await.unwrap().jobs.len(), 2);
    clock.advance(Duration::from_hours(8), Duration::from_secs(1));
    // Whoever looks first must not use the grace up.
    store.enqueue(customers(2..3)).await.unwrap();
    assert_eq!(store.take_back(10).await.unwrap().jobs, 0);
    clock.advance(LEASE / 2, LEASE / 2);
    assert_eq!(store.take_back(10).await.unwrap().jobs, 0);
    clock.advance(LEASE, LEASE);
    assert_eq!(store.take_back(10).await.unwrap().jobs, 2);
}
