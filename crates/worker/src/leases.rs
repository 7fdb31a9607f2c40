//! The leases that this process holds, and their renewal.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gangway_jobs::id::{JobId, LeaseToken};
use gangway_store::{MAX_BATCH, Release, Store};
use tokio_util::sync::CancellationToken;

use crate::give_up::GiveUp;
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

    /// Releases of all that is still held when nobody is left to end it.
    pub(crate) fn leftovers(&self) -> Vec<Release> {
        let release = |(job, token)| Release { job, token, started: true };
        self.snapshot().into_iter().map(release).collect()
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
    give_up: &GiveUp,
    stop: CancellationToken,
) {
    let mut outage = Outage::new("renew leases");
    let mut pause = every;
    while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        pause = every;
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
                Err(error) if error.is_transient() => {
                    outage.report(&error);
                    // Sooner than usual: a third of the lease is gone already.
                    pause = outage.pause().min(every);
                }
                Err(error) => return give_up.raise("renew leases", error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use gangway_jobs::id::OnboardingId;
    use gangway_jobs::kind::Kind;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_newer_lease_of_the_same_job_outlives_the_end_of_the_older() {
        let job = JobId { onboarding: OnboardingId::from_uuid(Uuid::nil()), kind: Kind::CreateCustomer };
        let (older, newer) = (LeaseToken::mint(), LeaseToken::mint());
        let held = Held::default();
        held.add(job, older);
        held.add(job, newer);
        held.remove(job, older);
        assert_eq!(held.count(), 1);
        held.remove(job, newer);
        assert_eq!(held.count(), 0);
    }
}
