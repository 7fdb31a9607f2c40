//! Leases jobs of one kind: as many as there are free slots, as soon as some are due.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use gangway_faultpoint::{Point, pass_for};
use gangway_jobs::id::LeaseToken;
use gangway_jobs::job::LeasedJob;
use gangway_jobs::kind::Kind;
use gangway_onemoney::Api;
use gangway_store::{LeaseRequest, MAX_BATCH, Release};
use tokio::sync::mpsc::Sender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::backend::{Fetched, Shared, Slot};
use crate::outage::Outage;
use crate::settler::End;

/// The longest sleep of an idle fetcher: a bound on what a lost wake-up costs.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// Leases and sends until the shutdown. A lease call under way is awaited for as long as the grace time allows: its jobs
/// are leased.
pub(crate) async fn run<A: Api>(
    shared: Arc<Shared<A>>,
    kind: Kind,
    slots: Arc<Semaphore>,
    to_worker: Sender<Fetched>,
) {
    let store = Arc::clone(&shared.context.store);
    let mut outage = Outage::new("lease");
    let mut pace = Pace::default();
    // The reply may be lost although the lease was written, so the token stays until it is answered: the same one asks for
    // the same jobs.
    let mut token = LeaseToken::mint();
    let mut unanswered = false;
    while let Some(free) = wait_for_slots(&shared, &slots).await {
        let ask = request(&shared, kind, free.len(), token);
        let credential = ask.credential.clone();
        // Before the question: what changes between its answer and the wait must not be missed.
        let mut changed = store.changed(LONGEST_SLEEP);
        let has_changed = changed.as_mut().now_or_never().is_some();
        let Some(answer) = shared.cut.run_until_cancelled(store.lease(ask)).await else { return };
        match answer {
            Ok(grant) => {
                (token, unanswered) = (LeaseToken::mint(), false);
                outage.over();
                let (wanted, got) = (free.len(), grant.jobs.len());
                send(&shared, grant.jobs, free, &credential, &to_worker).await;
                if got < wanted {
                    let at_most = grant.ask_again.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP);
                    let pause = pace.after(got);
                    let waiting = async {
                        tokio::time::sleep(pause).await;
                        if !has_changed {
                            // Running out of time is one of the two ways to go on.
                            drop(tokio::time::timeout(at_most.saturating_sub(pause), changed).await);
                        }
                    };
                    shared.stop.run_until_cancelled(waiting).await;
                }
            }
            Err(error) if error.is_transient() => {
                unanswered = true;
                drop((free, changed));
                outage.report(&error);
                shared.stop.run_until_cancelled(tokio::time::sleep(outage.pause())).await;
            }
            Err(error) => return shared.give_up.raise("lease", error),
        }
    }
    if unanswered {
        hand_back_unanswered(&shared, kind, token).await;
    }
}

/// How soon an idle fetcher asks again after an answer without jobs, whatever the store says: a store in which every call
/// counts as a change, or which names no time to wait, must not be asked in a circle.
#[derive(Debug, Default)]
struct Pace {
    empty: u32,
}

impl Pace {
    /// 2 ms after an answer with jobs, 50 ms at most after many without.
    fn after(&mut self, got: usize) -> Duration {
        self.empty = if got > 0 { 0 } else { self.empty.saturating_add(1) };
        (Duration::from_millis(2) * 2_u32.pow(self.empty.min(5))).min(Duration::from_millis(50))
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

fn request<A: Api>(shared: &Shared<A>, kind: Kind, max: usize, token: LeaseToken) -> LeaseRequest {
    LeaseRequest {
        kind,
        max,
        token,
        worker: shared.context.worker,
        credential: shared.context.api.credential(),
        length: shared.context.config.lease,
    }
}

async fn send<A>(
    shared: &Shared<A>,
    jobs: Vec<LeasedJob>,
    free: Vec<OwnedSemaphorePermit>,
    credential: &str,
    to_worker: &Sender<Fetched>,
) {
    let at = Instant::now();
    for job in &jobs {
        shared.held.add(job.id, job.token);
    }
    if let Some(job) = jobs.first() {
        pass_for(Point::LeaseGranted, &job.id.kind);
    }
    let mut free = free.into_iter();
    for job in jobs {
        let release = Release { job: job.id, token: job.token, started: false };
        // More jobs than slots is a fault of the store; a job held and never run would be a worse one.
        let Some(slot) = free.next().filter(|_| !shared.stop.is_cancelled()) else {
            shared.settler.hand_in(End::Release(release), None);
            continue;
        };
        let fetched = Fetched { job, at, credential: credential.to_owned(), slot: Slot::new(slot) };
        if to_worker.send(fetched).await.is_err() {
            // The worker is closing: nothing of this job has begun.
            shared.settler.hand_in(End::Release(release), None);
        }
    }
}

/// The last lease call may have been written although it failed. No slot asks for no new job.
async fn hand_back_unanswered<A: Api>(shared: &Shared<A>, kind: Kind, token: LeaseToken) {
    let ask = shared.context.store.lease(request(shared, kind, 0, token));
    match shared.cut.run_until_cancelled(ask).await {
        Some(Ok(grant)) => {
            for job in grant.jobs {
                let release = Release { job: job.id, token: job.token, started: false };
                shared.settler.hand_in(End::Release(release), None);
            }
        }
        Some(Err(error)) => tracing::debug!(%error, "what was leased last is left to run out"),
        None => {}
    }
}

/// The release of a job whose handler never started.
pub(crate) fn unstarted(fetched: &Fetched) -> Release {
    Release { job: fetched.job.id, token: fetched.job.token, started: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fetcher_that_finds_nothing_asks_less_and_less_often_and_never_in_a_circle() {
        let mut pace = Pace::default();
        let pauses: Vec<u128> = (0..8).map(|_| pace.after(0).as_millis()).collect();
        assert_eq!(pauses, [4, 8, 16, 32, 50, 50, 50, 50]);
        assert_eq!(pace.after(1).as_millis(), 2);
    }
}
