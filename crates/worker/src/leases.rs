//! The leases that this process holds, and their renewal.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gangway_jobs::id::{JobId, LeaseToken};
use gangway_store::{MAX_BATCH, Store};
use tokio_util::sync::CancellationToken;

use crate::outage::Outage;

/// The leases held: from the fetch until the settle or release is written.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<HashMap<JobId, LeaseToken>>);

impl Held {
    pub(crate) fn add(&self, job: JobId, token: LeaseToken) {
        self.lock().insert(job, token);
    }

    /// Forgets a lease; a newer one of the same job stays.
    pub(crate) fn remove(&self, job: JobId, token: LeaseToken) {
        let mut held = self.lock();
        if held.get(&job) == Some(&token) {
            held.remove(&job);
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    fn snapshot(&self) -> Vec<(JobId, LeaseToken)> {
        self.lock().iter().map(|(job, token)| (*job, *token)).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, LeaseToken>> {
        // Every change is one call on the map: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Renews all held leases, again and again, until `stop`.
pub(crate) async fn renew(
    store: &dyn Store,
    held: &Held,
    lease: Duration,
    every: Duration,
    stop: CancellationToken,
) {
    let mut outage = Outage::new("renew leases");
    while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
        for chunk in held.snapshot().chunks(MAX_BATCH) {
            match store.extend(chunk.to_vec(), lease).await {
                Ok(still_held) => {
                    outage.over();
                    for ((job, token), _) in chunk.iter().zip(still_held).filter(|(_, still)| !still) {
                        // Settled meanwhile, or taken back: the handler may go on, its settle will be refused.
                        tracing::debug!(job.id = %job, "lease no longer held");
                        held.remove(*job, *token);
                    }
                }
                Err(error) => outage.report(&error),
            }
        }
    }
}
