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
use gangway_store::{SharedStore, Status, WorkerInfo};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backend::{Fetched, Shared, StoreBackend};
use crate::config::Config;
use crate::context::Context;
use crate::error::Error;
use crate::leases::{self, Held};
use crate::maintenance::{heart, pruner, rescuer};
use crate::run::{self, Ended};
use crate::settler;
use crate::stats::Stats;

/// When a worker ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Never: only when it is told to.
    Stopped,
    /// When every onboarding has ended.
    Terminal,
    /// When every onboarding has a link or has ended.
    Linked,
}

impl Until {
    fn is_reached(self, status: &Status) -> bool {
        match self {
            Self::Stopped => false,
            Self::Terminal => status.in_progress() == 0,
            Self::Linked => status.by_stage.iter().all(|(stage, count)| *count == 0 || stage.is_linked()),
        }
    }
}

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
}

impl<A: Api + std::fmt::Debug> Worker<A> {
    /// Works until `until` is reached or `shutdown` is cancelled. Then it stops leasing, lets running handlers finish
    /// within the grace time, hands the rest back without an attempt spent, and writes all that is to be written.
    ///
    /// # Errors
    /// A setting is wrong, or the store failed for good. Leases still held then run out and are taken back.
    pub async fn run(self, until: Until, shutdown: CancellationToken) -> Result<(), Error> {
        self.config.validate().map_err(Error::Config)?;
        let info = WorkerInfo {
            id: WorkerId::mint(),
            name: self.config.name.clone(),
            slots: u32::try_from(self.config.concurrency * Kind::ALL.len()).unwrap_or(u32::MAX),
            patience: self.config.patience(),
        };
        let store = Arc::clone(&self.store);
        store.register(info.clone()).await.map_err(|source| Error::Store { action: "register", source })?;
        let held = Arc::new(Held::default());
        let give_up = CancellationToken::new();
        let (settler, settling) =
            settler::start(Arc::clone(&store), Arc::clone(&held), Arc::clone(&self.stats), give_up.clone());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let context = Context {
            store: Arc::clone(&store),
            api: self.api,
            identity: self.identity,
            config: self.config.clone(),
            clock,
            worker: info.id,
        };
        let shared = Arc::new(Shared {
            context: Arc::new(context),
            settler,
            held: Arc::clone(&held),
            stats: self.stats,
            stop: CancellationToken::new(),
            cut: CancellationToken::new(),
            give_up: give_up.clone(),
        });
        // Maintenance goes on until the last settle is written: leases must not run out during the grace time.
        let upkeep = CancellationToken::new();
        let tasks = maintain(&shared, &info, &self.config, &upkeep);
        let result = work(&shared, until, &shutdown).await;
        drop(shared);
        let settled = settling.await.unwrap_or_else(|error| Err(Error::Monitor(error.to_string())));
        upkeep.cancel();
        tasks.wait().await;
        if let Err(error) = store.deregister(info.id).await {
            tracing::debug!(%error, "left registered; counts as dead when its heartbeat is old");
        }
        settled.and(result)
    }
}

fn maintain<A: Api>(
    shared: &Arc<Shared<A>>,
    info: &WorkerInfo,
    config: &Config,
    upkeep: &CancellationToken,
) -> TaskTracker {
    let tasks = TaskTracker::new();
    let store = || Arc::clone(&shared.context.store);
    let (renewing, held, stop, lease, every) =
        (store(), Arc::clone(&shared.held), upkeep.clone(), config.lease, config.renew_every());
    tasks.spawn(async move { leases::renew(&*renewing, &held, lease, every, stop).await });
    let (beating, held, stop, info) = (store(), Arc::clone(&shared.held), upkeep.clone(), info.clone());
    tasks.spawn(async move { heart::beat(&*beating, &info, &held, stop).await });
    let (rescuing, stop, pause) = (store(), upkeep.clone(), (config.lease / 4).min(Duration::from_secs(1)));
    tasks.spawn(async move { rescuer::rescue(&*rescuing, pause, stop).await });
    let (pruning, stop, records, outbox) =
        (store(), upkeep.clone(), config.retention, config.outbox_retention);
    tasks.spawn(async move { pruner::prune(&*pruning, records, outbox, stop).await });
    tasks.close();
    tasks
}

/// Runs the apalis workers until the end, whoever asks for it.
async fn work<A: Api + std::fmt::Debug>(
    shared: &Arc<Shared<A>>,
    until: Until,
    shutdown: &CancellationToken,
) -> Result<(), Error> {
    let mut monitor = Monitor::new();
    for kind in Kind::ALL {
        let shared = Arc::clone(shared);
        let name = format!("{}-{}", shared.context.worker, kind);
        monitor = monitor.register(move |_restarts| {
            WorkerBuilder::new(name.as_str())
                .backend(StoreBackend::start(Arc::clone(&shared), kind))
                .data(Arc::clone(&shared.context))
                .build(handle::<A>)
        });
    }
    let controls = monitor.context();
    let running = monitor.run();
    let ending = async {
        tokio::select! {
            () = shutdown.cancelled() => tracing::info!("shutting down: leasing stops, running jobs finish"),
            () = shared.give_up.cancelled() => {}
            () = shared.stop.cancelled() => {}
            () = reached(shared, until) => {}
        }
        shared.stop.cancel();
        if let Err(error) = controls.shutdown() {
            tracing::debug!(%error, "the monitor had ended already");
        }
        tokio::time::sleep(shared.context.config.grace).await;
        shared.cut.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        result = running => result.map_err(|error| Error::Monitor(error.to_string())),
        () = ending => Ok(()),
    }
}

/// Returns when the goal is reached.
async fn reached<A: Api>(shared: &Shared<A>, until: Until) {
    const LOOK_EVERY: Duration = Duration::from_millis(100);
    if until == Until::Stopped {
        return std::future::pending().await;
    }
    loop {
        if let Ok(status) = shared.context.store.status().await
            && until.is_reached(&status)
        {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The apalis handler: fetch, call, decide.
async fn handle<A: Api>(fetched: Fetched, context: Data<Arc<Context<A>>>) -> Result<Ended, BoxDynError> {
    Ok(run::run(&fetched.job, fetched.at, &context).await)
}

#[cfg(test)]
mod tests {
    use gangway_jobs::onboarding::Stage;

    use super::*;

    #[test]
    fn a_goal_is_reached_when_no_stage_before_it_is_left() {
        let mut status = Status::default();
        assert!(Until::Terminal.is_reached(&status) && Until::Linked.is_reached(&status));
        status.by_stage.insert(Stage::Linked, 1);
        assert!(!Until::Terminal.is_reached(&status) && Until::Linked.is_reached(&status));
        status.by_stage.insert(Stage::Created, 1);
        assert!(!Until::Linked.is_reached(&status) && !Until::Stopped.is_reached(&status));
    }
}
