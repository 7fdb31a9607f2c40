//! Our apalis backend: a bounded channel that a fetcher fills, and the acknowledgement as its middleware.
//!
//! Its error type is `Infallible`, since an error returned from here would end the worker and drop its handlers.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll};
use std::time::Instant;

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::TaskId;
use apalis_core::worker::context::WorkerContext;
use futures::FutureExt;
use gangway_jobs::job::LeasedJob;
use gangway_jobs::kind::Kind;
use gangway_onemoney::Api;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::ack::AckLayer;
use crate::alarm::Alarm;
use crate::context::Context;
use crate::fetcher;
use crate::give_up::GiveUp;
use crate::leases::Held;
use crate::settler::{End, Settler};
use crate::stats::Stats;

/// What the backends of one process share.
#[derive(Debug)]
pub(crate) struct Shared<A> {
    pub(crate) context: Arc<Context<A>>,
    pub(crate) settler: Settler,
    pub(crate) held: Arc<Held>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) alarm: Alarm,
    /// Lease no more.
    pub(crate) stop: CancellationToken,
    /// The grace time is over: cut running handlers short.
    pub(crate) cut: CancellationToken,
    /// The store failed for good.
    pub(crate) give_up: Arc<GiveUp>,
}

/// A leased job on its way to its handler.
pub(crate) struct Fetched {
    pub(crate) job: LeasedJob,
    /// When the store answered.
    pub(crate) at: Instant,
    /// The fingerprint of the credential that the lease was asked for with.
    pub(crate) credential: String,
    pub(crate) slot: Slot,
}

/// Without the payload, which is personal.
impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched").field("job", &self.job.id).finish_non_exhaustive()
    }
}

/// The slot that a job takes; handed from the fetcher to the attempt.
pub(crate) struct Slot(Mutex<Option<OwnedSemaphorePermit>>);

impl Slot {
    pub(crate) const fn new(permit: OwnedSemaphorePermit) -> Self {
        Self(Mutex::new(Some(permit)))
    }

    pub(crate) fn take(&self) -> Option<OwnedSemaphorePermit> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}

/// The backend of one kind of job.
#[derive(Debug)]
pub(crate) struct StoreBackend<A> {
    shared: Arc<Shared<A>>,
    fetched: Receiver<Fetched>,
    /// Ends by itself after the shutdown, once a lease call under way was answered.
    fetcher: Option<JoinHandle<()>>,
}

impl<A: Api> StoreBackend<A> {
    /// Starts to lease jobs of `kind`.
    pub(crate) fn start(shared: Arc<Shared<A>>, kind: Kind) -> Self {
        let concurrency = shared.context.config.concurrency;
        // One place for each slot: sending never waits, so a job that is leased is on its way.
        let (to_worker, fetched) = channel(concurrency);
        let slots = Arc::new(Semaphore::new(concurrency));
        let fetching = tokio::spawn(fetcher::run(Arc::clone(&shared), kind, slots, to_worker));
        Self { shared, fetched, fetcher: Some(fetching) }
    }

    /// What was fetched and not started goes back as if it had never been leased.
    fn hand_back(&mut self, cx: &mut TaskContext<'_>) {
        while let Poll::Ready(Some(fetched)) = self.fetched.poll_recv(cx) {
            self.shared.settler.hand_in(End::Release(fetcher::unstarted(&fetched)), fetched.slot.take());
        }
    }
}

impl<A: Api> Backend for StoreBackend<A> {
    type Task = Task<Fetched>;
    type Error = Infallible;

    fn poll_ready(
        &mut self,
        _cx: &mut TaskContext<'_>,
        _worker: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut TaskContext<'_>,
        _worker: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Infallible>>> {
        self.fetched.poll_recv(cx).map(|fetched| {
            fetched.map(|fetched| {
                let id = TaskId::String(fetched.job.id.to_string());
                // apalis counts the attempt when the handler is first polled.
                let before = fetched.job.attempt.saturating_sub(1) as usize;
                Ok(TaskBuilder::new(fetched).task_id(id).attempt(before).build())
            })
        })
    }

    fn poll_close(
        &mut self,
        cx: &mut TaskContext<'_>,
        _worker: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        self.shared.stop.cancel();
        self.hand_back(cx);
        if let Some(fetcher) = &mut self.fetcher {
            futures::ready!(fetcher.poll_unpin(cx))
                .unwrap_or_else(|error| tracing::error!(%error, "a fetcher panicked"));
            self.fetcher = None;
        }
        // The fetcher may have sent more before it saw the shutdown.
        self.hand_back(cx);
        Poll::Ready(Ok(()))
    }
}

impl<A: Api> BackendConfig for StoreBackend<A> {
    type Args = Fetched;
    type Id = String;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = AckLayer<A>;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _worker: &mut WorkerContext) -> AckLayer<A> {
        AckLayer::new(Arc::clone(&self.shared))
    }
}

impl<A> Drop for StoreBackend<A> {
    fn drop(&mut self) {
        // Without `poll_close` only when apalis drops a worker: then nothing may lease on its behalf. A lease call under way
        // is not cut off, since its jobs are leased: the fetcher finds its channel closed and hands them back.
        if self.fetcher.is_some() {
            self.shared.stop.cancel();
        }
    }
}
