//! Another handler in the place of the pipeline's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gangway_jobs::job::LeasedJob;
use gangway_jobs::onboarding::{Patch, Stage};
use gangway_jobs::outcome::{Outcome, Step};
use gangway_store::Store as _;
use gangway_worker::{Context, Ended, Handler, Until};
use tokio_util::sync::CancellationToken;

use crate::living_api::LivingApi;
use crate::plant::{Plant, ended, until};

/// Approves everybody without a call, but panics over the first attempt of each.
#[derive(Debug)]
struct Approves;

impl Handler<LivingApi> for Approves {
    async fn run(&self, job: &LeasedJob, _fetched: Instant, _context: &Context<LivingApi>) -> Ended {
        assert!(job.attempt > 1, "the first attempt fails");
        let patch = Patch { stage: Some(Stage::Approved), ..Patch::default() };
        Ended::silent(Outcome::Complete(Step { patch, ..Step::default() }))
    }
}

#[tokio::test]
async fn another_handlers_ends_are_written_and_its_panics_caught_like_the_pipelines() {
    let plant = Plant::new(LivingApi::healthy());
    plant.take_in(50).await;
    let running = plant.worker().run_with(Approves, Until::Terminal, plant.shutdown.clone());
    ended(tokio::spawn(running)).await.unwrap();
    assert_eq!(plant.stage(Stage::Approved).await, 50);
    assert!(plant.api.calls().is_empty());
    let counts = plant.counts();
    assert_eq!((counts.completed, counts.retried, counts.lost), (50, 50, 0));
    assert!(plant.store.status().await.unwrap().jobs.is_empty());
}

/// Blocks its thread in the first attempt of all, until it is let go, and approves everybody.
#[derive(Clone, Debug, Default)]
struct Blocks {
    begun: Arc<AtomicBool>,
    let_go: Arc<AtomicBool>,
}

impl Handler<LivingApi> for Blocks {
    async fn run(&self, _job: &LeasedJob, _fetched: Instant, _context: &Context<LivingApi>) -> Ended {
        if !self.begun.swap(true, Ordering::SeqCst) {
            while !self.let_go.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let patch = Patch { stage: Some(Stage::Approved), ..Patch::default() };
        Ended::silent(Outcome::Complete(Step { patch, ..Step::default() }))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_handler_holds_that_never_lets_go_of_its_thread_is_done_by_another_worker() {
    let blocks = Blocks::default();
    let mut plant = Plant::new(LivingApi::healthy());
    plant.config.job_timeout = Duration::from_millis(200);
    plant.take_in(1).await;
    // On threads of its own, as a process has.
    let (worker, handler, stop) = (plant.worker(), blocks.clone(), plant.shutdown.clone());
    let other = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.unwrap().block_on(worker.run_with(handler, Until::Stopped, stop))
    });
    until("the blocked attempt", || blocks.begun.load(Ordering::SeqCst)).await;
    let healthy = plant.worker().run_with(blocks.clone(), Until::Terminal, CancellationToken::new());
    ended(tokio::spawn(healthy)).await.unwrap();
    assert_eq!(plant.stage(Stage::Approved).await, 1);
    blocks.let_go.store(true, Ordering::SeqCst);
    plant.shutdown.cancel();
    other.join().unwrap().unwrap();
    assert_eq!(plant.stage(Stage::Approved).await, 1, "a late end changes nothing");
}
