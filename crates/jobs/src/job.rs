//! A job as the store keeps it, and as a worker gets it.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::failure::Failure;
use crate::id::{JobId, LeaseToken, WorkerId};
use crate::onboarding::Record;

/// A stored job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Whose, and what.
    pub id: JobId,
    /// The stored input; see [`crate::payload::Payload::decode`].
    pub payload: String,
    /// Not before this time.
    pub due: Timestamp,
    /// Consecutive attempts counted so far.
    pub attempt: u32,
    /// Consecutive attempts whose worker died.
    pub losses: u32,
    /// Met a refusal that may be everybody's: stands behind the others of its kind.
    pub parked: bool,
    /// Why the last attempt failed.
    pub failure: Option<Failure>,
    /// Waiting, leased or dead.
    pub hold: Hold,
}

/// What a job is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hold {
    /// Waits until it is due.
    Waiting,
    /// A worker runs it.
    Leased(Lease),
    /// A dead letter, since that time.
    Dead(Timestamp),
}

/// A worker's timed claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// What proves it.
    pub token: LeaseToken,
    /// Who has it.
    pub worker: WorkerId,
    /// When it began.
    pub since: Timestamp,
    /// When it may be taken back.
    pub until: Timestamp,
    /// The record's uncertainty as the lease found it, for giving back.
    pub uncertain_before: Option<Timestamp>,
    /// Something asked for haste while it ran.
    pub hastened: bool,
}

/// The state of a job, in the words people see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Due, and waits for a worker.
    Available,
    /// Waits for its time.
    Scheduled,
    /// Leased.
    Running,
    /// Waits for its backoff to end.
    Retryable,
    /// A dead letter.
    Dead,
}

impl Job {
    /// A fresh job.
    pub const fn new(id: JobId, payload: String, due: Timestamp) -> Self {
        Self { id, payload, due, attempt: 0, losses: 0, parked: false, failure: None, hold: Hold::Waiting }
    }

    /// The state at `now`.
    pub fn state(&self, now: Timestamp) -> State {
        match self.hold {
            Hold::Leased(_) => State::Running,
            Hold::Dead(_) => State::Dead,
            Hold::Waiting if self.due <= now => State::Available,
            Hold::Waiting if self.attempt > 0 => State::Retryable,
            Hold::Waiting => State::Scheduled,
        }
    }

    /// The lease, if one is held.
    pub const fn lease(&self) -> Option<&Lease> {
        match &self.hold {
            Hold::Leased(lease) => Some(lease),
            Hold::Waiting | Hold::Dead(_) => None,
        }
    }
}

/// A job as a worker gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeasedJob {
    /// Whose, and what.
    pub id: JobId,
    /// The stored input.
    pub payload: String,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// The record as it was when the lease began; `uncertain_since` tells of *earlier* attempts.
    pub record: Record,
    /// Proves the lease.
    pub token: LeaseToken,
    /// Length of the lease from the moment the store answered.
    pub until: Timestamp,
    /// The store's time when the lease was given.
    pub now: Timestamp,
    /// Onboardings that wait for their next poll; spaces polls under the rate limit.
    pub waiting: u64,
}
