//! How much of everything there is: what keeps the model finite.

use std::time::Duration;

/// The unit of time: nothing happens between two ticks.
pub(crate) const TICK: Duration = Duration::from_hours(1);

/// How long a lease lasts, in ticks.
pub(crate) const LEASE: u8 = 2;

/// A worker that is silent for more ticks is taken for dead. As in the real worker, as long as a lease.
pub(crate) const PATIENCE: u8 = LEASE;

/// A job that is lost so often is poison.
pub(crate) const MAX_LOSSES: u32 = 3;

/// A call that was not answered is tried so often.
pub(crate) const MAX_ATTEMPTS: u32 = 2;

/// So many of the last writes a failover may lose.
pub(crate) const LOST_WRITES: usize = 2;

/// What the store has at the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// So many onboardings, each with its create job.
    Creates(usize),
    /// One onboarding whose customer exists, with a link to make and a status to poll: two jobs at once.
    LinkAndPoll,
}

/// The size of a model.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// What there is to do.
    pub opening: Opening,
    /// Whether a create is followed by a link, and not at once by a poll.
    pub eager: bool,
    /// Worker processes.
    pub workers: usize,
    /// Jobs that a worker runs at once.
    pub hands: usize,
    /// Only the first onboarding's jobs kill workers: the others are bystanders.
    pub lethal: bool,
    /// How often something may go wrong or be asked for.
    pub budget: Budget,
}

/// What is left of each thing that may happen only so often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// A worker dies; another process takes its place later.
    pub crashes: u8,
    /// A worker stands still, for as long as it likes.
    pub freezes: u8,
    /// A reply is lost, or a request arrives much later than it was sent.
    pub delays: u8,
    /// The API does not answer, with or without an effect.
    pub silences: u8,
    /// The API has no time: the lease is given back.
    pub busy: u8,
    /// A worker shuts down and gives a lease back.
    pub releases: u8,
    /// A poll finds nothing new.
    pub snoozes: u8,
    /// Something says that the status has changed.
    pub hints: u8,
    /// A person calls an onboarding off.
    pub cancels: u8,
    /// The store is away for a while.
    pub gaps: u8,
    /// The store fails over and loses its last writes.
    pub failovers: u8,
}

impl Budget {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        crashes: 0,
        freezes: 0,
        delays: 0,
        silences: 0,
        busy: 0,
        releases: 0,
        snoozes: 0,
        hints: 0,
        cancels: 0,
        gaps: 0,
        failovers: 0,
    };

    pub(crate) const fn as_bytes(&self) -> [u8; 11] {
        [
            self.crashes,
            self.freezes,
            self.delays,
            self.silences,
            self.busy,
            self.releases,
            self.snoozes,
            self.hints,
            self.cancels,
            self.gaps,
            self.failovers,
        ]
    }
}
