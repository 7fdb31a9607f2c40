//! Leases jobs of one kind: as many as there are free slots, as soon as some are due.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gangway_jobs::id::LeaseToken;
use gangway_jobs::kind::Kind;
use gangway_onemoney::Api;
use gangway_store::{Grant, LeaseRequest, MAX_BATCH, Release};
use tokio::sync::mpsc::Sender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::backend::{Fetched, Shared, Slot};
use crate::outage::Outage;
use crate::settler::End;

/// The longest sleep of an idle fetcher: a bound on what a lost wake-up costs.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// Leases and sends until the shutdown. A lease call under way is always awaited: its jobs are leased.
pub(crate) async fn run<A: Api>(
    shared: Arc<Shared<A>>,
    kind: Kind,
    slots: Arc<Semaphore>,
    to_worker: Sender<Fetched>,
) {
    let mut outage = Outage::new("lease");
    while let Some(free) = wait_for_slots(&shared, &slots).await {
        let credential = shared.context.api.credential();
        match lease(&shared, kind, free.len(), &credential).await {
            Ok(grant) => {
                outage.over();
                let wanted = free.len();
                let got = grant.jobs.len();
                send(&shared, grant.jobs, free, &credential, &to_worker).await;
                if got < wanted {
                    let at_most = grant.ask_again.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP);
                    shared.stop.run_until_cancelled(shared.context.store.changed(at_most)).await;
                }
            }
            Err(error) => {
                outage.report(&error);
                if !error.is_transient() {
                    shared.give_up.cancel();
                }
                shared.stop.run_until_cancelled(tokio::time::sleep(outage.pause())).await;
            }
        }
    }
}

/// All slots that are free, at least one; `None` at the shutdown.
async fn wait_for_slots<A>(shared: &Shared<A>, slots: &Arc<Semaphore>) -> Option<Vec<OwnedSemaphorePermit>> {
    let first = shared.stop.run_until_cancelled(Arc::clone(slots).acquire_owned()).await?.ok()?;
    let mut free = vec![first];
    while free.len() < MAX_BATCH
        && let Ok(next) = Arc::clone(slots).try_acquire_owned()
    {
        free.push(next);
    }
    Some(free)
}

async fn lease<A: Api>(
    shared: &Shared<A>,
    kind: Kind,
    max: usize,
    credential: &str,
) -> gangway_store::Result<Grant> {
    let ask = LeaseRequest {
        kind,
        max,
        token: LeaseToken::mint(),
        worker: shared.context.worker,
        credential: credential.to_owned(),
        length: shared.context.config.lease,
    };
    match shared.context.store.lease(ask.clone()).await {
        // The reply may be lost although the lease was written: the same token asks for the same jobs.
        Err(error) if error.is_transient() => shared.context.store.lease(ask).await,
        answer => answer,
    }
}

async fn send<A>(
    shared: &Shared<A>,
    jobs: Vec<gangway_jobs::job::LeasedJob>,
    free: Vec<OwnedSemaphorePermit>,
    credential: &str,
    to_worker: &Sender<Fetched>,
) {
    let at = Instant::now();
    for job in &jobs {
        shared.held.add(job.id, job.token);
    }
    for (job, slot) in jobs.into_iter().zip(free) {
        let fetched = Fetched { job, at, credential: credential.to_owned(), slot: Slot::new(slot) };
        if let Err(unsent) = to_worker.send(fetched).await {
            // The worker is closing: nothing of this job has begun.
            shared.settler.hand_in(End::Release(unstarted(&unsent.0)));
        }
    }
}

/// The release of a job whose handler never started.
pub(crate) fn unstarted(fetched: &Fetched) -> Release {
    Release { job: fetched.job.id, token: fetched.job.token, started: false }
}
