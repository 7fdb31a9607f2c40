//! What was read of one onboarding: its stored value with the leases laid over, or its ledger row.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::{LeaseToken, OnboardingId, WorkerId};
use gangway_jobs::job::{Hold, Lease};
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::LedgerRow;
use redis::Value;
use uuid::Uuid;

use super::codec::{self, Unreadable};
use super::life::Life;
use super::onboarding::{Fence, Onboarding, Revision};
use super::reply::{bytes, int, list, other_form};
use crate::Result;

/// A lease as the hash of leases has it: token, worker, beginning, mark of haste, and how often its onboarding was written
/// meanwhile. So an unchanged lease proves an unchanged onboarding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held([u8; 43]);

impl Held {
    pub(super) fn new(token: LeaseToken, worker: WorkerId, since: Timestamp) -> Self {
        let mut held = [0; 43];
        held[..16].copy_from_slice(token.as_uuid().as_bytes());
        held[16..32].copy_from_slice(worker.as_uuid().as_bytes());
        held[32..40].copy_from_slice(&since.as_millis().to_be_bytes());
        Self(held)
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(super) fn token(&self) -> LeaseToken {
        LeaseToken::from_uuid(Uuid::from_bytes(self.sixteen(0)))
    }

    pub(super) fn worker(&self) -> WorkerId {
        WorkerId::from_uuid(Uuid::from_bytes(self.sixteen(16)))
    }

    pub(super) fn since(&self) -> Timestamp {
        let mut millis = [0; 8];
        millis.copy_from_slice(&self.0[32..40]);
        Timestamp::from_millis(i64::from_be_bytes(millis))
    }

    fn sixteen(&self, from: usize) -> [u8; 16] {
        let mut sixteen = [0; 16];
        sixteen.copy_from_slice(&self.0[from..from + 16]);
        sixteen
    }

    const fn is_hastened(&self) -> bool {
        self.0[40] != 0
    }

    /// The same lease, marked.
    pub(super) const fn hastened(mut self) -> Self {
        self.0[40] = 1;
        self
    }

    /// The same lease, after another write of its onboarding.
    pub(super) const fn written(mut self) -> Self {
        let count = u16::from_be_bytes([self.0[41], self.0[42]]).wrapping_add(1).to_be_bytes();
        self.0[41] = count[0];
        self.0[42] = count[1];
        self
    }

    pub(super) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The mark of a job that nobody could read when its lease ran out, and since when: it is a dead letter, whatever its stored
/// form says. Stands in the place of its lease; goes as soon as its onboarding, readable again, is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Aside([u8; 13]);

impl Aside {
    const WORD: &[u8; 5] = b"aside";

    pub(super) fn new(since: Timestamp) -> Self {
        let mut mark = [0; 13];
        mark[..5].copy_from_slice(Self::WORD);
        mark[5..].copy_from_slice(&since.as_millis().to_be_bytes());
        Self(mark)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self).filter(|mark| mark.0.starts_with(Self::WORD))
    }

    fn since(&self) -> Timestamp {
        let mut millis = [0; 8];
        millis.copy_from_slice(&self.0[5..]);
        Timestamp::from_millis(i64::from_be_bytes(millis))
    }

    pub(super) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A ledger row as it was read.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) stored: Vec<u8>,
    /// Which epoch of the store, counted from 0, its sequence belongs to.
    pub(super) number: u64,
    pub(super) read: LedgerRow,
    pub(super) fences: [Option<Fence>; 3],
}

/// What is kept under an id.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    /// Nothing: it is unknown.
    Nothing,
    /// It is kept whole.
    Whole(Box<Onboarding>, Revision),
    /// Its ledger row.
    Row(Box<Row>),
    /// Something that cannot be read; how it begins, if it is there at all.
    Damaged(Option<Vec<u8>>),
}

/// What was read of one onboarding.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) id: OnboardingId,
    pub(super) kept: Kept,
    pub(super) held: [Option<Held>; 3],
    /// When those leases end.
    pub(super) until: [Timestamp; 3],
    pub(super) aside: [Option<Aside>; 3],
}

impl Found {
    fn new(id: OnboardingId, kept: Kept) -> Self {
        Self { id, kept, held: [None; 3], until: [Timestamp::default(); 3], aside: [None; 3] }
    }

    /// Reads a stored value and lays a lease over it.
    pub(super) fn leased(id: OnboardingId, stored: &[u8], kind: Kind, held: Held, until: Timestamp) -> Self {
        let mut found = Self::new(id, Kept::value(id, stored));
        found.lay(kind, held, until);
        found
    }

    /// Reads what the script `load` answers of one onboarding.
    pub(super) fn read(action: &'static str, id: OnboardingId, value: Value) -> Result<Self> {
        let other = || other_form(action);
        let mut parts = list(value).ok_or_else(other)?.into_iter();
        let entry = parts.next().and_then(bytes).ok_or_else(other)?;
        match entry.as_slice() {
            b"-" => return Ok(Self::new(id, Kept::Nothing)),
            b"" => {}
            row => return Ok(Self::new(id, Kept::row(id, row))),
        }
        let value = parts.next().ok_or_else(other)?;
        let mut found =
            Self::new(id, bytes(value).map_or_else(|| Kept::gone(id), |stored| Kept::value(id, &stored)));
        for kind in Kind::ALL {
            let held = parts.next().and_then(bytes).ok_or_else(other)?;
            let until = parts.next().ok_or_else(other)?;
            if let Some(held) = Held::read(&held) {
                found.lay(kind, held, int(&until).map_or(held.since(), Timestamp::from_millis));
            } else if let Some(aside) = Aside::read(&held) {
                found.lay_aside(kind, aside);
            }
        }
        Ok(found)
    }

    /// What the lease changes, laid over what is stored: the attempt that it counts, and the doubt that a create means.
    fn lay(&mut self, kind: Kind, held: Held, until: Timestamp) {
        self.held[kind.index()] = Some(held);
        self.until[kind.index()] = until;
        let Kept::Whole(onboarding, _) = &mut self.kept else { return };
        let Some(job) = &mut onboarding.jobs[kind.index()] else { return };
        job.attempt += 1;
        job.hold = Hold::Leased(Lease {
            token: held.token(),
            worker: held.worker(),
            since: held.since(),
            until,
            uncertain_before: onboarding.record.uncertain_since,
            hastened: held.is_hastened(),
        });
        if kind == Kind::CreateCustomer {
            onboarding.record.uncertain_since = Some(held.since());
        }
    }

    fn lay_aside(&mut self, kind: Kind, aside: Aside) {
        self.aside[kind.index()] = Some(aside);
        let Kept::Whole(onboarding, _) = &mut self.kept else { return };
        if let Some(job) = &mut onboarding.jobs[kind.index()] {
            job.hold = Hold::Dead(aside.since());
        }
    }

    /// Sequences count the events of one life of the store.
    pub(super) fn goes_on_in(&mut self, life: Life) {
        match &mut self.kept {
            Kept::Whole(onboarding, _) if onboarding.epoch_number != life.number => {
                onboarding.epoch_number = life.number;
                onboarding.record.sequence = 0;
            }
            Kept::Row(row) if row.number != life.number => {
                row.number = life.number;
                row.read.sequence = 0;
            }
            Kept::Whole(..) | Kept::Row(_) | Kept::Nothing | Kept::Damaged(_) => {}
        }
    }

    /// The onboarding, if it is kept whole and can be read.
    pub(super) fn whole(&self) -> Option<&Onboarding> {
        match &self.kept {
            Kept::Whole(onboarding, _) => Some(onboarding),
            Kept::Nothing | Kept::Row(_) | Kept::Damaged(_) => None,
        }
    }
}

impl Kept {
    fn value(id: OnboardingId, stored: &[u8]) -> Self {
        match codec::decode(stored, id) {
            Ok((revision, onboarding)) => Self::Whole(Box::new(onboarding), revision),
            Err(unreadable) => {
                tell(id, &unreadable);
                Self::Damaged(Some(stored[..stored.len().min(8)].to_vec()))
            }
        }
    }

    fn row(id: OnboardingId, stored: &[u8]) -> Self {
        match codec::decode_row(stored, id) {
            Ok((row, number, fences)) => {
                Self::Row(Box::new(Row { stored: stored.to_vec(), number, read: row, fences }))
            }
            Err(unreadable) => {
                tell(id, &unreadable);
                Self::Damaged(None)
            }
        }
    }

    /// The ledger says that it is kept whole, but it is not.
    fn gone(id: OnboardingId) -> Self {
        tracing::error!(onboarding.id = %id, "an onboarding is gone from the store");
        Self::Damaged(None)
    }
}

fn tell(id: OnboardingId, unreadable: &Unreadable) {
    tracing::error!(onboarding.id = %id, error = %unreadable, "an onboarding in the store cannot be read");
}
