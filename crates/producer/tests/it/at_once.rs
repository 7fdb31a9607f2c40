//! Two imports of the same file at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gangway_producer::Error;
use gangway_producer::import::{ImportOptions, Phase, Progress};

use crate::world::{KINDS, World, assert_planted, onboardings, run, sum, watched};

/// Slow enough that two imports meet.
fn slowly(progress: &Progress) {
    if progress.phase == Phase::Importing {
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_at_once_take_each_customer_in_once() {
    for kind in KINDS {
        let world = World::planted(400, 21);
        let producer = world.producer(kind, "store.db");
        let options = ImportOptions { patience: Duration::from_millis(300), ..world.options() };
        let other = {
            let (options, producer) = (options.clone(), producer.clone());
            tokio::spawn(async move { watched(&options, &producer, slowly).await })
        };
        let one = watched(&options, &producer, slowly).await.unwrap();
        let other = other.await.unwrap().unwrap();
        let planted = &world.planted;
        assert_eq!(one.enqueued + other.enqueued, planted.customers, "{one:?} {other:?}");
        assert_eq!(one.duplicates + other.duplicates, planted.customers + 2 * planted.duplicates);
        assert_eq!(onboardings(&producer).await, planted.customers);
        for summary in [&one, &other] {
            assert_eq!((summary.rows, sum(summary)), (planted.rows, planted.rows));
            assert_eq!((summary.conflicts, summary.refused), (planted.conflicts, planted.refused));
        }
        let together = world.report();
        run(&options, &producer).await.unwrap();
        assert_eq!(world.report(), together);
        assert_eq!(world.left_over(), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_was_silent_for_too_long_stops_and_the_other_goes_on() {
    for kind in KINDS {
        let world = World::planted(100, 22);
        let producer = world.producer(kind, "store.db");
        let options = ImportOptions { patience: Duration::from_millis(100), ..world.options() };
        let slept = Arc::new(AtomicBool::new(false));
        let sleepy = |progress: &Progress| {
            if progress.tally.rows >= 50 && !slept.swap(true, Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1_500));
            }
        };
        let heir = {
            let (options, producer, slept) = (options.clone(), producer.clone(), Arc::clone(&slept));
            tokio::spawn(async move {
                while !slept.load(Ordering::Relaxed) {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                run(&options, &producer).await
            })
        };
        let silent = watched(&options, &producer, sleepy).await;
        assert!(matches!(silent, Err(Error::TakenOver)), "{silent:?}");
        assert_planted(&heir.await.unwrap().unwrap(), &world.planted);
    }
}
