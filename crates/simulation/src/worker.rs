//! A worker: real handlers on leased jobs, each polled when the simulation says so.

use std::fmt;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use futures::future::BoxFuture;
use gangway_jobs::id::{JobId, LeaseToken, WorkerId};
use gangway_jobs::job::LeasedJob;
use gangway_jobs::kind::Kind;
use gangway_jobs::outcome::Settlement;
use gangway_onemoney::Api as _;
use gangway_store::{LeaseRequest, WorkerInfo};
use gangway_worker::{Context, Ended, timed_out};

use crate::network::{Posted, WorkerApi};

/// A worker process.
#[derive(Debug)]
pub(crate) struct Worker {
    /// Its number in the trace.
    pub(crate) number: u32,
    pub(crate) info: WorkerInfo,
    pub(crate) context: Arc<Context<WorkerApi>>,
    /// Stopped as by SIGSTOP: it does nothing at all, and does not know.
    pub(crate) frozen: bool,
    pub(crate) flights: Vec<Flight>,
    /// Tokens of lease calls whose replies were lost, by kind: asked with again before any other.
    pub(crate) unanswered: [Option<LeaseToken>; 3],
}

/// One leased job in a worker's hands.
pub(crate) struct Flight {
    /// The number of the lease in the trace.
    pub(crate) grant: u64,
    pub(crate) job: JobId,
    pub(crate) token: LeaseToken,
    /// `None` before the start and after the end.
    handler: Option<BoxFuture<'static, Ended>>,
    waiting: Option<LeasedJob>,
    fetched: std::time::Instant,
    /// The call that it waits for, and since when.
    pub(crate) call: Option<(Posted, Duration)>,
    /// Its end, until the worker knows that it is written.
    pub(crate) end: Option<Settlement>,
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight").field("grant", &self.grant).field("job", &self.job).finish_non_exhaustive()
    }
}

impl Worker {
    pub(crate) fn id(&self) -> WorkerId {
        self.info.id
    }

    /// What it asks of the store to lease.
    pub(crate) fn request(&self, kind: Kind, max: usize, token: LeaseToken) -> LeaseRequest {
        LeaseRequest {
            kind,
            max,
            token,
            worker: self.id(),
            credential: self.context.api.credential(),
            length: self.context.config.lease,
        }
    }

    /// Takes a leased job in.
    pub(crate) fn take(&mut self, grant: u64, job: LeasedJob) {
        self.flights.push(Flight {
            grant,
            job: job.id,
            token: job.token,
            handler: None,
            waiting: Some(job),
            fetched: tokio::time::Instant::now().into_std(),
            call: None,
            end: None,
        });
    }

    /// Polls the handler of a flight, which starts it if it has not begun.
    pub(crate) fn go_on(&mut self, place: usize, now: Duration) {
        let context = Arc::clone(&self.context);
        let Some(flight) = self.flights.get_mut(place) else { return };
        flight.start(&context);
        let Some(handler) = &mut flight.handler else { return };
        let mut task = TaskContext::from_waker(Waker::noop());
        match Pin::new(handler).poll(&mut task) {
            Poll::Pending => {
                if let Some(posted) = context.api.take_posted() {
                    flight.call = Some((posted, now));
                }
            }
            Poll::Ready(ended) => {
                flight.handler = None;
                flight.end = Some(Settlement {
                    job: flight.job,
                    token: flight.token,
                    worker: context.worker,
                    credential: context.api.credential(),
                    outcome: ended.outcome,
                    signal: ended.signal,
                });
            }
        }
    }

    /// The ends that are not known to be written.
    pub(crate) fn ends(&self) -> Vec<Settlement> {
        self.flights.iter().filter_map(|flight| flight.end.clone()).collect()
    }

    /// The leases that it thinks it holds.
    pub(crate) fn held(&self) -> Vec<(JobId, LeaseToken)> {
        self.flights.iter().map(|flight| (flight.job, flight.token)).collect()
    }
}

impl Flight {
    /// Whether a poll would get it on.
    pub(crate) const fn can_go_on(&self) -> bool {
        self.end.is_none() && self.call.is_none()
    }

    /// Whether its handler has begun.
    pub(crate) const fn has_started(&self) -> bool {
        self.waiting.is_none()
    }

    fn start(&mut self, context: &Arc<Context<WorkerApi>>) {
        let Some(job) = self.waiting.take() else { return };
        let (context, fetched) = (Arc::clone(context), self.fetched);
        self.handler = Some(Box::pin(async move {
            let attempt = gangway_worker::run(&job, fetched, &context);
            let limited = tokio::time::timeout(context.config.job_timeout, attempt).await;
            limited.unwrap_or_else(|_elapsed| timed_out(job.id, job.attempt, &context))
        }));
    }
}
