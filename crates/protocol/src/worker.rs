//! A worker process: what it holds, and what it knows of it.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::{LeaseToken, WorkerId};
use gangway_jobs::job::LeasedJob;
use uuid::Uuid;

use crate::slot::Slot;
use crate::store::View;

/// Whether a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Up,
    /// Stands still, and knows nothing of it.
    Frozen,
    /// Died; another process will take its place.
    Down,
}

/// A place for a process.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Worker {
    pub(crate) condition: Condition,
    /// Which process it is: a restart has another name.
    pub(crate) life: u8,
    /// Ticks that it has been silent although the store was there.
    pub(crate) silent: u8,
    pub(crate) hands: Vec<Hand>,
    /// A lease call whose reply was lost.
    pub(crate) unheard: Option<Unheard>,
}

/// A lease call that was not answered: it is repeated under the same token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unheard {
    pub(crate) slot: Slot,
    pub(crate) token: LeaseToken,
    pub(crate) serial: u32,
}

/// A job in a worker's hands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hand {
    pub(crate) slot: Slot,
    /// Tells leases apart for the invariants, whatever the tokens are.
    pub(crate) serial: u32,
    pub(crate) job: LeasedJob,
    /// Until then the worker may take the lease for its own.
    pub(crate) valid_until: Timestamp,
    /// The life of the store that gave it.
    pub(crate) epoch: i64,
    pub(crate) phase: Phase,
    /// What the lease has read, for the settle.
    pub(crate) view: Option<View>,
}

/// How far an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The handler has not started.
    Fetched,
    /// It has called the API, and the call has arrived or not.
    Running { arrived: bool },
    /// It has ended; the settle is under way, again and again until it is answered.
    Ended(End),
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// What was to be done is done.
    Done,
    /// A poll saw nothing new.
    NotYet,
    /// The API did not answer.
    Silence,
    /// The API has no time.
    Busy,
}

/// A settle that is under way although its worker does not wait for it any more.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parcel {
    pub(crate) slot: Slot,
    pub(crate) serial: u32,
    pub(crate) job: LeasedJob,
    pub(crate) end: End,
}

impl Worker {
    pub(crate) const fn new() -> Self {
        Self { condition: Condition::Up, life: 0, silent: 0, hands: Vec::new(), unheard: None }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.condition == Condition::Up
    }
}

impl Hand {
    /// Whether the worker still counts on the lease.
    pub(crate) fn is_counted_on(&self, now: Timestamp) -> bool {
        !matches!(self.phase, Phase::Ended(_)) && now < self.valid_until
    }

    pub(crate) fn parcel(&self, end: End) -> Parcel {
        Parcel { slot: self.slot, serial: self.serial, job: self.job.clone(), end }
    }
}

/// The name of a process.
pub(crate) fn name_of(worker: usize, life: u8) -> WorkerId {
    WorkerId::from_uuid(Uuid::from_u128(1 + worker as u128 * 256 + u128::from(life)))
}
