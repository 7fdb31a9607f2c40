//! Imports killed at any moment.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use gangway_producer::import::ImportSummary;
use tokio::runtime::Runtime;

use crate::world::{KINDS, Kind, World, assert_planted, onboardings, run, watched};

/// Runs a future until it has to wait and `now` says so, then drops it where it stands.
async fn killed_when<T>(mut now: impl FnMut() -> bool, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending if now() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Runs a future for so many steps.
async fn killed_after<T>(mut steps: u64, future: impl Future<Output = T>) -> Option<T> {
    let now = || {
        steps = steps.saturating_sub(1);
        steps == 0
    };
    killed_when(now, future).await
}

/// Imports, killed again and again, until one run comes through; answers how many were killed.
async fn import_through_kills(world: &World, kind: Kind, seed: u64) -> (u64, ImportSummary, u64) {
    let producer = world.producer(kind, &format!("{seed}.db"));
    let mut random = seed;
    for kills in 0.. {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let steps = (random >> 33) % 45;
        if let Some(summary) = killed_after(steps, run(&world.options(), &producer)).await {
            return (kills, summary.unwrap(), onboardings(&producer).await);
        }
    }
    unreachable!()
}

#[tokio::test]
async fn however_often_it_is_killed_every_row_counts_once_and_is_reported_once() {
    for kind in KINDS {
        let world = World::planted(200, 11);
        run(&world.options(), &world.producer(kind, "whole.db")).await.unwrap();
        let whole = world.report();
        let (mut kills, mut resumed, mut done_before, mut seed) = (0, 0, 0, 0);
        while kills < 60 {
            seed += 1;
            std::fs::remove_file(world.path("customers.refused.csv")).unwrap();
            let (killed, summary, onboardings) = import_through_kills(&world, kind, seed).await;
            if summary.enqueued == 0 {
                // Killed between the very last write and its answer: it was all done, and this is the same file again.
                assert_eq!(summary.duplicates, world.planted.customers + world.planted.duplicates);
                done_before += 1;
            } else {
                assert_planted(&summary, &world.planted);
            }
            assert_eq!(onboardings, 200, "{kind:?} {seed}");
            assert_eq!(world.report(), whole, "{kind:?} {seed}");
            assert_eq!(world.left_over(), [""; 0], "{kind:?} {seed}");
            kills += killed;
            resumed += u64::from(summary.resumed_at.is_some());
        }
        assert!(resumed > 0, "no run went on from a checkpoint");
        assert!(done_before * 3 < seed, "{kind:?}: {done_before} of {seed}");
    }
}

#[test]
fn a_kill_makes_no_more_than_two_batches_be_read_again() {
    for kind in KINDS {
        let world = World::planted(300, 12);
        let process = Runtime::new().unwrap();
        let reached = AtomicU64::new(0);
        let watch = |progress: &gangway_producer::import::Progress| {
            reached.fetch_max(progress.tally.rows, Ordering::Relaxed);
        };
        let at_100 = || reached.load(Ordering::Relaxed) >= 100;
        let producer = process.block_on(async { world.producer(kind, "store.db") });
        let killed = process.block_on(killed_when(at_100, watched(&world.options(), &producer, watch)));
        assert!(killed.is_none(), "it must be killed on its way");
        let reached = reached.load(Ordering::Relaxed);
        // Waits for the thread that may still be making the report of the killed run safe.
        drop(process);
        let summary = Runtime::new().unwrap().block_on(run(&world.options(), &producer)).unwrap();
        let again = reached - summary.resumed_at.unwrap_or(0);
        assert!(again <= 20, "{kind:?}: {again} of {reached} rows read again");
    }
}

#[tokio::test]
async fn a_store_that_was_lost_is_filled_again() {
    for kind in KINDS {
        let world = World::planted(200, 13);
        let first = world.producer(kind, "lost.db");
        assert!(killed_after(20, run(&world.options(), &first)).await.is_none());
        let summary = run(&world.options(), &world.producer(kind, "new.db")).await.unwrap();
        assert_planted(&summary, &world.planted);
    }
}
