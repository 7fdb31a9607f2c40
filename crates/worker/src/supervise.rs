//! A worker process from its start to its end.

use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::{Data, Monitor, WorkerBuilder};
use apalis_core::error::BoxDynError;
use gangway_jobs::clock::{Clock, SystemClock};
use gangway_jobs::id::WorkerId;
use gangway_jobs::identity::Identity;
use gangway_jobs::kind::Kind;
use gangway_onemoney::Api;
use gangway_store::{MAX_BATCH, SharedStore, WorkerInfo};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::alarm::Alarm;
use crate::backend::{Fetched, Shared, StoreBackend};
use crate::chance::Chance;
use crate::config::Config;
use crate::context::Context;
use crate::error::Error;
use crate::give_up::GiveUp;
use crate::goal::Until;
use crate::handler::{Handler, Pipeline};
use crate::headcount::Headcount;
use crate::leases::Held;
use crate::limit::Limit;
use crate::maintenance;
use crate::outage::Outage;
use crate::run::Ended;
use crate::settler;
use crate::stats::Stats;

/// How long the last ends have to be written when the grace time is over.
const LAST_WRITE: Duration = Duration::from_millis(800);

/// One worker process: three apalis workers, one for each kind, and what goes with them.
#[derive(Debug)]
pub struct Worker<A> {
    /// Where the work is.
    pub store: SharedStore,
    /// Where the calls go.
    pub api: Arc<A>,
    /// The same as the producers'.
    pub identity: Identity,
    /// The rules.
    pub config: Config,
    /// Counts what it does.
    pub stats: Arc<Stats>,
    /// How many onboardings somebody has seen in the store already; 0 if nobody has looked. If the worker sees fewer, the
    /// store has lost some.
    pub known: u64,
}

impl<A: Api + std::fmt::Debug> Worker<A> {
    /// Works until `until` is reached or `shutdown` is cancelled. Then it stops leasing, lets running handlers finish
    /// within the grace time, hands the rest back without an attempt spent, and writes all that is to be written. It is
    /// back at most a second after the grace time.
    ///
    /// # Errors
    /// A setting is wrong, the store failed for good, it lost onboardings before `until` was reached, or it did not answer
    /// until the end. Leases still held then run out and are taken back.
    pub async fn run(self, until: Until, shutdown: CancellationToken) -> Result<(), Error> {
        self.run_with(Pipeline, until, shutdown).await
    }

    /// The same with another handler in the place of those that call the API.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_with<H: Handler<A>>(
        self,
        handler: H,
        until: Until,
        shutdown: CancellationToken,
    ) -> Result<(), Error> {
        self.config.validate().map_err(Error::Config)?;
        let info = WorkerInfo {
            id: WorkerId::mint(),
            name: self.config.name.clone(),
            slots: u32::try_from(self.config.concurrency * Kind::ALL.len()).unwrap_or(u32::MAX),
            patience: self.config.patience(),
        };
        let store = Arc::clone(&self.store);
        match shutdown.run_until_cancelled(register(&store, &info)).await {
            None => return Ok(()),
            Some(registered) => registered?,
        }
        let known = self.known;
        let (shared, mut settling) = self.share(info.id);
        let (held, give_up) = (Arc::clone(&shared.held), Arc::clone(&shared.give_up));
        // Maintenance goes on until the last settle is written: leases must not run out during the grace time.
        let upkeep = CancellationToken::new();
        let tasks = maintenance::start(&shared, &info, &upkeep);
        let late = CancellationToken::new();
        let timer = tokio::spawn(keep_time(
            [shared.stop.clone(), shared.cut.clone(), late.clone()],
            Arc::clone(&give_up),
            shared.context.config.grace,
        ));
        let worked = work(&shared, Arc::new(handler), (until, known), &shutdown).await;
        drop(shared);
        let settled = late.run_until_cancelled(wind_up(&mut settling, &*store, &held)).await;
        settling.abort();
        upkeep.cancel();
        late.run_until_cancelled(leave(tasks, &*store, info.id)).await;
        timer.abort();
        let failed = give_up.take().map_or(Ok(()), Err);
        worked.and(failed).and(settled.unwrap_or_else(|| Err(Error::Unsettled(held.count()))))
    }

    /// What the three apalis workers share, and the task that writes for them.
    fn share(self, worker: WorkerId) -> (Arc<Shared<A>>, JoinHandle<()>) {
        let held = Arc::new(Held::default());
        let give_up = Arc::new(GiveUp::default());
        let (settler, settling) = settler::start(
            Arc::clone(&self.store),
            Arc::clone(&held),
            Arc::clone(&self.stats),
            Arc::clone(&give_up),
        );
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let context = Context {
            store: self.store,
            api: self.api,
            identity: self.identity,
            config: self.config,
            clock,
            worker,
            limit: Limit::default(),
            chance: Chance::default(),
        };
        let shared = Shared {
            context: Arc::new(context),
            settler,
            held,
            stats: self.stats,
            alarm: Alarm::default(),
            stop: CancellationToken::new(),
            cut: CancellationToken::new(),
            give_up,
        };
        (Arc::new(shared), settling)
    }
}

/// Registers as soon as the store answers.
async fn register(store: &SharedStore, info: &WorkerInfo) -> Result<(), Error> {
    let mut outage = Outage::new("register");
    loop {
        match store.register(info.clone()).await {
            Err(error) if error.is_transient() => {
                outage.report(&error);
                tokio::time::sleep(outage.pause()).await;
            }
            answer => return answer.map_err(|source| Error::Store { action: "register", source }),
        }
    }
}

/// After `stop`, cuts when the grace time is over, or at once if nothing can be written any more; then it is `late`.
async fn keep_time([stop, cut, late]: [CancellationToken; 3], give_up: Arc<GiveUp>, grace: Duration) {
    stop.cancelled().await;
    tokio::select! {
        () = tokio::time::sleep(grace) => {}
        () = give_up.raised() => {}
    }
    cut.cancel();
    tokio::time::sleep(LAST_WRITE).await;
    late.cancel();
}

/// Runs the apalis workers until the end, whoever asks for it.
async fn work<A: Api + std::fmt::Debug, H: Handler<A>>(
    shared: &Arc<Shared<A>>,
    handler: Arc<H>,
    (until, known): (Until, u64),
    shutdown: &CancellationToken,
) -> Result<(), Error> {
    let mut monitor = Monitor::new();
    for kind in Kind::ALL {
        let (shared, handler) = (Arc::clone(shared), Arc::clone(&handler));
        let name = format!("{}-{}", shared.context.worker, kind);
        monitor = monitor.register(move |_restarts| {
            WorkerBuilder::new(name.as_str())
                .backend(StoreBackend::start(Arc::clone(&shared), kind))
                .data(Arc::clone(&shared.context))
                .data(Arc::clone(&handler))
                .build(handle::<A, H>)
        });
    }
    let controls = monitor.context();
    let running = monitor.run();
    let mut verdict = Ok(());
    let ending = async {
        tokio::select! {
            () = shutdown.cancelled() => tracing::info!("shutting down: leasing stops, running jobs finish"),
            () = shared.give_up.raised() => {}
            () = shared.stop.cancelled() => {}
            reached = reached(shared, until, known) => verdict = reached,
        }
        shared.stop.cancel();
        if let Err(error) = controls.shutdown() {
            tracing::debug!(%error, "the monitor had ended already");
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        result = running => result.map_err(|error| Error::Monitor(error.to_string()))?,
        () = ending => {}
    }
    verdict
}

/// Returns when the goal is reached. The store's sums count only what is written, events included.
///
/// # Errors
/// Nothing is left to do, but only because the store has lost some of it.
async fn reached<A: Api>(shared: &Shared<A>, until: Until, known: u64) -> Result<(), Error> {
    let mut headcount = Headcount::from(known);
    loop {
        if let Ok(status) = shared.context.store.status().await {
            headcount.see(status.total());
            if until.is_reached(&status) {
                return headcount.verdict();
            }
        }
        tokio::time::sleep(until.look_every()).await;
    }
}

/// Waits until all ends are written. What is held even then belongs to attempts that apalis has dropped with their worker.
async fn wind_up(
    settling: &mut JoinHandle<()>,
    store: &dyn gangway_store::Store,
    held: &Held,
) -> Result<(), Error> {
    settling.await.map_err(|error| Error::Monitor(error.to_string()))?;
    for chunk in held.leftovers().chunks(MAX_BATCH) {
        if let Err(error) = store.release(chunk.to_vec()).await {
            tracing::warn!(%error, leases = chunk.len(), "leases left to run out");
        }
    }
    Ok(())
}

/// Ends the maintenance and deregisters.
async fn leave(mut tasks: JoinSet<()>, store: &dyn gangway_store::Store, worker: WorkerId) {
    while tasks.join_next().await.is_some() {}
    if let Err(error) = store.deregister(worker).await {
        tracing::debug!(%error, "left registered; counts as dead when its heartbeat is old");
    }
}

/// The apalis handler: fetch, call, decide.
async fn handle<A: Api, H: Handler<A>>(
    fetched: Fetched,
    context: Data<Arc<Context<A>>>,
    handler: Data<Arc<H>>,
) -> Result<Ended, BoxDynError> {
    Ok(handler.run(&fetched.job, fetched.at, &context).await)
}
