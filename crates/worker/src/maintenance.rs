//! What every worker process does beside its jobs; each of these is safe to run in many processes at once.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use gangway_onemoney::Api;
use gangway_store::WorkerInfo;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::backend::Shared;
use crate::leases::{self, Renewal};
use crate::outage::Outage;

mod heart;
mod pruner;
mod rescuer;

/// Starts all of it, until `stop`.
pub(crate) fn start<A: Api>(shared: &Shared<A>, info: &WorkerInfo, stop: &CancellationToken) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let config = &shared.context.config;
    let common = || (Arc::clone(&shared.context.store), stop.clone());

    let ((store, stop), held, give_up) = (common(), Arc::clone(&shared.held), Arc::clone(&shared.give_up));
    let (lease, every) = (config.lease, config.renew_every());
    let renewal = Renewal { lease, every, longest: config.job_timeout + lease };
    tasks.spawn(async move { leases::renew(&*store, &held, renewal, &give_up, stop).await });

    let ((_, stop), held, give_up) = (common(), Arc::clone(&shared.held), Arc::clone(&shared.give_up));
    let (context, info) = (Arc::clone(&shared.context), info.clone());
    tasks.spawn(async move { heart::beat(&context, &info, &held, &give_up, stop).await });

    let ((store, stop), pause) = (common(), (config.lease / 4).min(Duration::from_secs(1)));
    tasks.spawn(async move { rescuer::rescue(&*store, pause, stop).await });

    let ((store, stop), records, outbox) = (common(), config.retention, config.outbox_retention);
    tasks.spawn(async move { pruner::prune(&*store, records, outbox, stop).await });
    tasks
}

/// Does `work` again and again with `every` between, until `stop`; tells of a failing store once.
async fn repeat<F: Future<Output = gangway_store::Result<()>>>(
    action: &'static str,
    every: Duration,
    stop: &CancellationToken,
    mut work: impl FnMut() -> F,
) {
    let mut outage = Outage::new(action);
    loop {
        match work().await {
            Ok(()) => outage.over(),
            Err(error) => outage.report(&error),
        }
        if stop.run_until_cancelled(tokio::time::sleep(every)).await.is_none() {
            return;
        }
    }
}
