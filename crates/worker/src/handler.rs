//! What runs a leased job.

use std::fmt::Debug;
use std::future::Future;
use std::time::Instant;

use gangway_jobs::job::LeasedJob;
use gangway_onemoney::Api;

use crate::context::Context;
use crate::run::{self, Ended};

/// Runs one attempt of a leased job.
///
/// [`Pipeline`] is the one that [`Worker::run`](crate::Worker::run) takes. [`Worker::run_with`](crate::Worker::run_with)
/// takes another, for measuring or trying the machinery by itself: leases, slots, time limits, panics and the settle are
/// the same for every handler.
pub trait Handler<A: Api>: Debug + Send + Sync + 'static {
    /// Runs the attempt of a job that was fetched at `fetched`. Writes to no store: what it answers is what is written.
    fn run(
        &self,
        job: &LeasedJob,
        fetched: Instant,
        context: &Context<A>,
    ) -> impl Future<Output = Ended> + Send;
}

/// The handlers of the three kinds, which call the API.
#[derive(Clone, Copy, Debug)]
pub struct Pipeline;

impl<A: Api> Handler<A> for Pipeline {
    async fn run(&self, job: &LeasedJob, fetched: Instant, context: &Context<A>) -> Ended {
        run::run(job, fetched, context).await
    }
}
