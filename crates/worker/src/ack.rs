//! The acknowledgement: the outermost layer around a handler, which turns whatever happened into one settle.
//!
//! A panic or a handler that never returns ends the attempt here, and not the worker.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use apalis_core::error::BoxDynError;
use apalis_core::task::Task;
use futures::FutureExt;
use futures::future::BoxFuture;
use gangway_jobs::id::{JobId, LeaseToken};
use gangway_jobs::outcome::Settlement;
use gangway_onemoney::Api;
use gangway_store::Release;
use tokio::sync::OwnedSemaphorePermit;
use tower::{Layer, Service};
use tracing::Instrument;

use crate::backend::{Fetched, Shared};
use crate::run::{self, Ended};
use crate::settler::End;

/// Makes [`Ack`] services.
#[derive(Debug)]
pub(crate) struct AckLayer<A>(Arc<Shared<A>>);

impl<A> AckLayer<A> {
    pub(crate) const fn new(shared: Arc<Shared<A>>) -> Self {
        Self(shared)
    }
}

impl<A, S> Layer<S> for AckLayer<A> {
    type Service = Ack<A, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Ack { shared: Arc::clone(&self.0), inner }
    }
}

/// Runs a handler and hands its end in.
#[derive(Debug)]
pub(crate) struct Ack<A, S> {
    shared: Arc<Shared<A>>,
    inner: S,
}

/// What the end of an attempt needs to know about it, kept while the handler has the job.
struct Attempt {
    job: JobId,
    number: u32,
    token: LeaseToken,
    credential: String,
    /// The slot that the handler takes, free again when the attempt's end is written.
    slot: Option<OwnedSemaphorePermit>,
}

impl<A: Api, S> Service<Task<Fetched>> for Ack<A, S>
where
    S: Service<Task<Fetched>, Response = Ended, Error = BoxDynError>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<(), BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, task: Task<Fetched>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let fetched = &task.args;
        let attempt = Attempt {
            job: fetched.job.id,
            number: fetched.job.attempt,
            token: fetched.job.token,
            credential: fetched.credential.clone(),
            slot: fetched.slot.take(),
        };
        let span = tracing::info_span!("job", job.id = %attempt.job.onboarding, job.kind = %attempt.job.kind, job.attempt = attempt.number);
        // Making the handler's future can panic too, and here nobody else would catch it.
        let handler = catch_unwind(AssertUnwindSafe(|| self.inner.call(task)));
        let attempt = async move {
            let started = std::time::Instant::now();
            let handler = async {
                match handler {
                    Ok(handler) => AssertUnwindSafe(handler).catch_unwind().await,
                    Err(panic) => Err(panic),
                }
            };
            let limit = tokio::time::timeout(shared.context.config.job_timeout, handler);
            let result = shared.cut.run_until_cancelled(limit).await;
            shared.held.ended(attempt.job, attempt.token);
            let Some(result) = result else {
                // The grace time is over. The call may have had its effect, so the create stays uncertain.
                let release = Release { job: attempt.job, token: attempt.token, started: true };
                shared.settler.hand_in(End::Release(release), attempt.slot);
                return Ok(());
            };
            let ended = match result {
                Ok(Ok(Ok(ended))) => ended,
                // What a panic says may be made of a customer's data: it is not repeated.
                Ok(Ok(Err(_)) | Err(_)) => run::panicked(attempt.job, attempt.number, &shared.context),
                Err(_elapsed) => run::timed_out(attempt.job, attempt.number, &shared.context),
            };
            tracing::debug!(
                job.outcome = ended.outcome.as_str(),
                duration_ms = started.elapsed().as_millis(),
                "attempt finished"
            );
            shared.stats.ended(&ended.outcome);
            shared.alarm.hear(&ended.signal);
            let settlement = Settlement {
                job: attempt.job,
                token: attempt.token,
                worker: shared.context.worker,
                credential: attempt.credential,
                outcome: ended.outcome,
                signal: ended.signal,
            };
            shared.settler.hand_in(End::Settle(Box::new(settlement)), attempt.slot);
            Ok(())
        };
        attempt.instrument(span).boxed()
    }
}
