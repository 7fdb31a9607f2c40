//! Whether attempts and losses count as promised: at the lease, back to nothing after a success, not at all for what was
//! nobody's fault.

use std::collections::BTreeMap;

use gangway_jobs::failure::Code;
use gangway_jobs::id::{JobId, OnboardingId};
use gangway_jobs::job::{Hold, Job, LeasedJob};
use gangway_jobs::outcome::{Outcome, Settlement};
use gangway_jobs::signal::Signal;

use super::leases::named;
use crate::people::People;
use crate::violation::{Held, broken};

/// So many losses in a row make a job poison.
pub(crate) const MAX_LOSSES: u32 = 3;

const COUNTED: &str = "attempts and losses count as promised";

/// What is expected of the jobs that a step touched, and how they stood before.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    stood: BTreeMap<JobId, Counts>,
    expected: BTreeMap<JobId, Expected>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    attempt: u32,
    losses: u32,
}

/// The attempts between both, and so many losses.
#[derive(Clone, Copy, Debug)]
struct Expected {
    least: u32,
    most: u32,
    losses: u32,
}

/// How a lease was taken back, as the books see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Its worker had died.
    Died,
    /// Its worker lived.
    Lived,
}

impl Attempts {
    /// A lease began. Others' failures may have been excused since the job was last looked at.
    pub(crate) fn leased(&mut self, job: &LeasedJob, people: &People) -> Held {
        let most = self.stood.get(&job.id).map_or(1, |stood| stood.attempt + 1);
        if !(1..=most).contains(&job.attempt) {
            let found =
                format!("{} began attempt {}, at most {most} was due", named(job.id, people), job.attempt);
            return broken(COUNTED, found);
        }
        let losses = self.stood.get(&job.id).map_or(0, |stood| stood.losses);
        self.stood.insert(job.id, Counts { attempt: job.attempt, losses });
        Ok(())
    }

    /// An end was written. Another of the same batch, if it was not `alone`, may have excused what came before it.
    pub(crate) fn settled(&mut self, settlement: &Settlement, alone: bool) {
        let Some(Counts { attempt, losses }) = self.stood.get(&settlement.job).copied() else { return };
        let back = attempt.saturating_sub(1);
        let (least, most, losses) = match &settlement.outcome {
            Outcome::Snooze { .. } => (0, 0, 0),
            Outcome::GiveBack { .. } => (back, back, losses),
            // Only what was learnt of the API can excuse it.
            Outcome::Retry { .. } if settlement.signal == Signal::None => (attempt, attempt, 0),
            Outcome::Complete(_) | Outcome::Retry { .. } | Outcome::Bury { .. } => {
                return self.any(settlement.job);
            }
        };
        let least = if alone { least } else { 0 };
        self.expected.insert(settlement.job, Expected { least, most, losses });
    }

    fn any(&mut self, job: JobId) {
        self.expected.remove(&job);
        self.stood.remove(&job);
    }

    /// A lease was given back by its worker.
    pub(crate) fn released(&mut self, job: JobId) {
        if let Some(Counts { attempt, losses }) = self.stood.get(&job).copied() {
            let back = attempt.saturating_sub(1);
            self.expected.insert(job, Expected { least: back, most: back, losses });
        }
    }

    /// A lease was taken back.
    pub(crate) fn taken_back(&mut self, job: JobId, loss: Loss) {
        if let Some(Counts { attempt, losses }) = self.stood.get(&job).copied() {
            let (attempt, losses) = match loss {
                Loss::Died => (attempt, losses + 1),
                Loss::Lived => (attempt.saturating_sub(1), losses),
            };
            self.expected.insert(job, Expected { least: attempt, most: attempt, losses });
        }
    }

    /// Compares with the jobs of an onboarding as they are stored.
    pub(super) fn compare(&mut self, id: OnboardingId, jobs: &[Job], people: &People) -> Held {
        for job in jobs {
            let is_poison = job.failure.as_ref().is_some_and(|failure| failure.code == Code::Poison);
            let is_dead = matches!(job.hold, Hold::Dead(_));
            if is_dead && is_poison && job.losses < MAX_LOSSES {
                return broken(
                    COUNTED,
                    format!("{} is poison after {} losses", named(job.id, people), job.losses),
                );
            }
            let Some(Expected { least, most, losses }) = self.expected.remove(&job.id) else { continue };
            let is_waiting = job.hold == Hold::Waiting;
            if is_waiting && (!(least..=most).contains(&job.attempt) || job.losses != losses) {
                let found = format!(
                    "{} stands at {} attempts and {} losses instead of {least} to {most} and {losses}",
                    named(job.id, people),
                    job.attempt,
                    job.losses
                );
                return broken(COUNTED, found);
            }
        }
        self.forget(id);
        let counts = |job: &Job| (job.id, Counts { attempt: job.attempt, losses: job.losses });
        self.stood.extend(jobs.iter().filter(|job| !matches!(job.hold, Hold::Dead(_))).map(counts));
        Ok(())
    }

    pub(super) fn forget(&mut self, id: OnboardingId) {
        self.stood.retain(|job, _| job.onboarding != id);
        self.expected.retain(|job, _| job.onboarding != id);
    }
}
