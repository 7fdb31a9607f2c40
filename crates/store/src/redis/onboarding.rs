//! One onboarding as it is kept under its one key: record, jobs, and what tells a repeated settle from a late one.

use gangway_jobs::id::LeaseToken;
use gangway_jobs::job::Job;
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::Record;

/// A number that differs after every write of an onboarding: what a script compares before it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Revision(pub(super) [u8; 8]);

/// The first eight bytes of the last token that settled a job: enough to know a repeat again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fence(pub(super) [u8; 8]);

impl Fence {
    /// The mark that a token leaves.
    pub(super) fn of(token: LeaseToken) -> Self {
        let mut first = [0; 8];
        first.copy_from_slice(&token.as_uuid().as_bytes()[..8]);
        Self(first)
    }
}

/// All of one onboarding.
///
/// What a lease changes is not written here but beside, in the hash of leases, so that leasing needs to write no
/// onboarding: [`Job::hold`] of a leased job is laid over what was read. Encoding takes it off again: the attempt that
/// the lease counts, and the uncertainty that a leased create means.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Onboarding {
    /// The order in which it was taken in; decides between jobs that are due at the same time.
    pub(super) place: u64,
    /// Which epoch of the store, counted from 0, the record's sequence belongs to.
    pub(super) epoch_number: u64,
    /// The record.
    pub(super) record: Record,
    /// At most one of each kind, in the order of [`Kind::ALL`].
    pub(super) jobs: [Option<Job>; 3],
    /// The last settled token of each kind.
    pub(super) fences: [Option<Fence>; 3],
}

impl Onboarding {
    /// The job of that kind.
    pub(super) const fn job(&self, kind: Kind) -> Option<&Job> {
        self.jobs[kind.index()].as_ref()
    }
}
