//! Another handler in the place of the pipeline's.

use std::time::Instant;

use gangway_jobs::job::LeasedJob;
use gangway_jobs::onboarding::{Patch, Stage};
use gangway_jobs::outcome::{Outcome, Step};
use gangway_store::Store as _;
use gangway_worker::{Context, Ended, Handler, Until};

use crate::living_api::LivingApi;
use crate::plant::{Plant, ended};

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
