//! How often things happened in all the steps that the checker took: what shows that the model is not empty.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// A lease was given.
    Leased,
    /// A lease call was repeated and got the same job.
    LeasedAgain,
    /// A lease was renewed.
    Renewed,
    /// A renewal was refused.
    RenewalRefused,
    /// A settle was written.
    Settled,
    /// A repeated settle was recognised.
    Repeated,
    /// A settle was refused.
    Refused,
    /// A settle was decided on what the lease had read.
    SettledUnread,
    /// A lease was given back.
    Released,
    /// A lease was taken back and the job charged with a loss.
    Lost,
    /// A lease was taken back and the job excused.
    Excused,
    /// A taking back found that something had changed.
    TookNothing,
    /// A job was buried as poison.
    Poisoned,
    /// A gap in the store's life was noticed.
    Grace,
    /// A failover lost writes.
    RolledBack,
}

/// One counter for each.
#[derive(Debug, Default)]
pub struct Tally([AtomicU64; 15]);

impl Tally {
    pub(crate) fn count(&self, what: Counted) {
        self.0[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How often it happened.
    pub fn of(&self, what: Counted) -> u64 {
        self.0[what as usize].load(Ordering::Relaxed)
    }
}
