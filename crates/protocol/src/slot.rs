//! The name of a job: which onboarding's, and what it does.

use gangway_jobs::kind::Kind;

/// One job of one onboarding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// The onboarding's place in the store.
    pub place: usize,
    /// What the job does.
    pub kind: Kind,
}
