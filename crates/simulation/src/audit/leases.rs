//! Who holds which lease, as the answers of the store say.

use std::collections::{BTreeMap, BTreeSet};

use gangway_jobs::id::{JobId, LeaseToken, OnboardingId, WorkerId};
use gangway_jobs::job::{Job, LeasedJob};
use gangway_jobs::outcome::Settled;

use crate::people::People;
use crate::violation::{Held, broken};

const ONE_LEASE: &str = "a job has one valid lease";
const PROVEN: &str = "a settle proves its lease";
const ONCE: &str = "an end is written once";

/// All leases that were ever given.
#[derive(Debug)]
pub(crate) struct Leases {
    last: u64,
    /// The valid one of each job.
    valid: BTreeMap<JobId, Lease>,
    settled: BTreeSet<u64>,
    /// Those whose end was refused: another end of the same batch must have ended the onboarding.
    refused: BTreeSet<u64>,
}

/// A valid lease.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    pub(crate) grant: u64,
    /// The token of the call that asked for it.
    asked: LeaseToken,
    /// The token that proves it.
    token: LeaseToken,
    pub(crate) worker: WorkerId,
}

impl Leases {
    pub(crate) const fn new(last: u64) -> Self {
        Self { last, valid: BTreeMap::new(), settled: BTreeSet::new(), refused: BTreeSet::new() }
    }

    /// The number of the newest lease.
    pub(crate) const fn last(&self) -> u64 {
        self.last
    }

    /// The store gave a lease; answers its number. The same call again gives the same lease.
    pub(crate) fn granted(
        &mut self,
        asked: LeaseToken,
        job: &LeasedJob,
        worker: WorkerId,
        people: &People,
    ) -> Held<u64> {
        if let Some(lease) = self.valid.get(&job.id) {
            if lease.asked == asked {
                return Ok(lease.grant);
            }
            let found = format!("{} was leased again while #{} held it", named(job.id, people), lease.grant);
            return broken(ONE_LEASE, found);
        }
        self.last += 1;
        self.valid.insert(job.id, Lease { grant: self.last, asked, token: job.token, worker });
        Ok(self.last)
    }

    /// The store answered a settle.
    pub(crate) fn settled(&mut self, grant: u64, job: JobId, answer: Settled, people: &People) -> Held {
        let name = named(job, people);
        let holder = self.valid.get(&job).map(|lease| lease.grant);
        match answer {
            Settled::Done if self.settled.contains(&grant) => {
                broken(ONCE, format!("the end of #{grant} ({name}) was written twice"))
            }
            Settled::Done if holder != Some(grant) => {
                let now =
                    holder.map_or("nobody holds it now".to_owned(), |other| format!("#{other} holds it now"));
                broken(
                    PROVEN,
                    format!("the end of #{grant} ({name}) was written after its lease was taken back; {now}"),
                )
            }
            Settled::Done => {
                self.valid.remove(&job);
                self.settled.insert(grant);
                Ok(())
            }
            Settled::Already if !self.settled.contains(&grant) => {
                broken(PROVEN, format!("the end of #{grant} ({name}) is said to be written, and was not"))
            }
            Settled::LeaseLost if holder == Some(grant) => {
                self.refused.insert(grant);
                Ok(())
            }
            Settled::Already | Settled::LeaseLost => Ok(()),
        }
    }

    /// Whether that lease is the valid one of its job.
    pub(crate) fn is_valid(&self, grant: u64, job: JobId) -> bool {
        self.valid.get(&job).is_some_and(|lease| lease.grant == grant)
    }

    /// The valid leases.
    pub(crate) fn valid(&self) -> impl Iterator<Item = (&JobId, &Lease)> {
        self.valid.iter()
    }

    /// Compares with the jobs of an onboarding as they are stored: what is no longer leased there is nobody's.
    pub(super) fn compare(&mut self, id: OnboardingId, jobs: &[Job], people: &People) -> Held {
        self.valid.retain(|job, lease| {
            job.onboarding != id
                || jobs.iter().any(|stored| {
                    stored.id == *job && stored.lease().is_some_and(|held| held.token == lease.token)
                })
        });
        let wronged = self.valid.iter().find(|(_, lease)| self.refused.contains(&lease.grant));
        if let Some((job, lease)) = wronged.filter(|(job, _)| job.onboarding == id) {
            let found = format!(
                "the end of #{} ({}) was refused, though it holds the lease",
                lease.grant,
                named(*job, people)
            );
            return broken(PROVEN, found);
        }
        let unknown = jobs.iter().find(|job| job.lease().is_some() && !self.valid.contains_key(&job.id));
        match unknown {
            Some(job) => {
                broken(ONE_LEASE, format!("{} has a lease that nobody was given", named(job.id, people)))
            }
            None => Ok(()),
        }
    }
}

/// A job in the words of the trace.
pub(crate) fn named(job: JobId, people: &People) -> String {
    format!("{} {}", people.name(job.onboarding), job.kind)
}
