//! How an attempt can end.
//!
//! A handler returns an [`Outcome`]; one settle writes all of it, or nothing if the lease is no longer held.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::NewEvent;
use crate::failure::Failure;
use crate::id::{JobId, LeaseToken, WorkerId};
use crate::onboarding::Patch;
use crate::payload::Payload;
use crate::signal::Signal;

/// The four ends of an attempt, and the fifth that makes it unhappened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// Done: the job is removed.
    Complete(Step),
    /// Look again later. No failure: the count of consecutive failures goes back to 0.
    Snooze {
        /// How long to wait.
        after: Duration,
        /// What changes with it.
        step: Step,
    },
    /// Failed, and worth another attempt.
    Retry {
        /// How long to wait.
        after: Duration,
        /// What went wrong.
        failure: Failure,
        /// What changes with it.
        step: Step,
    },
    /// Failed for good: the job becomes a dead letter.
    Bury {
        /// What went wrong.
        failure: Failure,
        /// What changes with it.
        step: Step,
    },
    /// Not this job's fault and not its attempt: the lease ends as if it had not been.
    GiveBack {
        /// How long to wait.
        after: Duration,
        /// What changes with it; no events and no follow-ups.
        step: Step,
    },
}

impl Outcome {
    /// The word for logs and metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Complete(_) => "complete",
            Self::Snooze { .. } => "snooze",
            Self::Retry { .. } => "retry",
            Self::Bury { .. } => "bury",
            Self::GiveBack { .. } => "give_back",
        }
    }

    /// What changes together with the end.
    pub const fn step(&self) -> &Step {
        match self {
            Self::Complete(step)
            | Self::Snooze { step, .. }
            | Self::Retry { step, .. }
            | Self::Bury { step, .. }
            | Self::GiveBack { step, .. } => step,
        }
    }
}

/// What changes together with an attempt's end, in the same write.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Fields of the record; never the whole record, which others may have changed meanwhile.
    pub patch: Patch,
    /// Jobs to queue.
    pub follow_ups: Vec<FollowUp>,
    /// Events to append to the outbox, in this order.
    pub events: Vec<NewEvent>,
}

/// A job queued by another's end. If the onboarding has one of that kind already, that one is hastened instead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FollowUp {
    /// What to do; names the kind.
    pub payload: Payload,
    /// How long to wait before it is due.
    pub after: Duration,
}

impl FollowUp {
    /// A follow-up that is due at once.
    pub const fn now(payload: Payload) -> Self {
        Self { payload, after: Duration::ZERO }
    }
}

/// One attempt's end on its way to the store, with the proof that it may be written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settlement {
    /// Whose end.
    pub job: JobId,
    /// Proves the lease.
    pub token: LeaseToken,
    /// Who ran it.
    pub worker: WorkerId,
    /// The fingerprint of the credential that its calls used.
    pub credential: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What it learnt about the API's health.
    pub signal: Signal,
}

/// What the store answers to one settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Settled {
    /// Written now.
    Done,
    /// Written before: the reply had been lost.
    Already,
    /// The lease is no longer held; nothing was written.
    LeaseLost,
}
