//! The leases that this process holds, and their renewal.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gangway_jobs::id::{JobId, LeaseToken};
use gangway_store::{MAX_BATCH, Release, Store};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::give_up::GiveUp;
use crate::outage::Outage;

/// The leases held: from the fetch until the settle or release is written.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<HashMap<JobId, Lease>>);

#[derive(Clone, Copy, Debug)]
struct Lease {
    token: LeaseToken,
    /// Since when its attempt runs; `None` once that has ended and only waits to be written.
    running_since: Option<Instant>,
}

impl Held {
    pub(crate) fn add(&self, job: JobId, token: LeaseToken) {
        self.lock().insert(job, Lease { token, running_since: Some(Instant::now()) });
    }

    /// The attempt has ended; the lease is held until that is written, however long it takes.
    pub(crate) fn ended(&self, job: JobId, token: LeaseToken) {
        if let Some(lease) = self.lock().get_mut(&job).filter(|lease| lease.token == token) {
            lease.running_since = None;
        }
    }

    /// Forgets a lease; a newer one of the same job stays.
    pub(crate) fn remove(&self, job: JobId, token: LeaseToken) {
        let mut held = self.lock();
        if held.get(&job).is_some_and(|lease| lease.token == token) {
            held.remove(&job);
        }
    }

    /// Forgets the leases of attempts that run for longer than that; tells which.
    fn let_go(&self, longest: Duration, now: Instant) -> Vec<JobId> {
        let is_stuck = |lease: &Lease| lease.running_since.is_some_and(|since| now - since > longest);
        self.lock().extract_if(|_, lease| is_stuck(lease)).map(|(job, _)| job).collect()
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
        self.lock().iter().map(|(job, lease)| (*job, lease.token)).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, Lease>> {
        // Every change is one call on the map: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How leases are renewed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Renewal {
    /// For so long at a time.
    pub(crate) lease: Duration,
    /// So often.
    pub(crate) every: Duration,
    /// While an attempt runs no longer than that.
    ///
    /// The time limit of an attempt ends each that waits for something. One that blocks its thread cannot be ended, and its
    /// process lives on: renewed for ever, its lease would keep the job from everybody.
    pub(crate) longest: Duration,
}

/// Renews all held leases, again and again, until `stop`.
pub(crate) async fn renew(
    store: &dyn Store,
    held: &Held,
    renewal: Renewal,
    give_up: &GiveUp,
    stop: CancellationToken,
) {
    let mut outage = Outage::new("renew leases");
    let Renewal { lease, every, longest } = renewal;
    let mut pause = every;
    while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        pause = every;
        for job in held.let_go(longest, Instant::now()) {
            tracing::error!(job.id = %job, "an attempt cannot be ended; its lease is renewed no more");
        }
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

    #[test]
    fn the_lease_of_an_attempt_that_runs_for_too_long_is_let_go_and_that_of_an_ended_one_is_not() {
        let job = |kind| JobId { onboarding: OnboardingId::from_uuid(Uuid::nil()), kind };
        let (stuck, ended) = (job(Kind::CreateCustomer), job(Kind::CreateLink));
        let (held, token, longest) = (Held::default(), LeaseToken::mint(), Duration::from_mins(5));
        held.add(stuck, token);
        held.add(ended, token);
        held.ended(stuck, LeaseToken::mint());
        held.ended(ended, token);
        assert_eq!(held.let_go(longest, Instant::now()), []);
        assert_eq!(held.let_go(longest, Instant::now() + longest), [stuck]);
        assert_eq!(held.snapshot(), [(ended, token)]);
    }
}
