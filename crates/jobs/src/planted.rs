//! Bugs that a simulation must find: each is the well-known wrong way to do one thing that this project promises.
//!
//! In no build but one with the feature `planted`, which only the simulation's own check turns on. One bug at a time, chosen
//! for the present thread; without a choice everything is as it should be.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;

use uuid::Uuid;

use crate::event::NewEvent;
use crate::id::{IdempotencyKey, LeaseToken, OnboardingId};
use crate::job::Lease;
use crate::onboarding::Record;
use crate::transition::Consequence;

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A settle is written whoever holds the lease.
    SettleWithoutLeaseCheck,
    /// The number of the attempt proves a lease, instead of a random token.
    AttemptAsFence,
    /// The events of a settle are written after it, on their own.
    EventOutsideSettle,
    /// Each attempt of a create has an idempotency key of its own.
    KeyPerAttempt,
    /// A settle writes the record whole, from the copy that the worker got with its lease.
    WholeRecord,
}

impl Bug {
    /// All bugs.
    pub const ALL: [Self; 5] = [
        Self::SettleWithoutLeaseCheck,
        Self::AttemptAsFence,
        Self::EventOutsideSettle,
        Self::KeyPerAttempt,
        Self::WholeRecord,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SettleWithoutLeaseCheck => "settle_without_lease_check",
            Self::AttemptAsFence => "attempt_as_fence",
            Self::EventOutsideSettle => "event_outside_settle",
            Self::KeyPerAttempt => "key_per_attempt",
            Self::WholeRecord => "whole_record",
        }
    }

    /// The bug of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bug| bug.as_str() == name)
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    static APART: RefCell<Vec<Apart>> = const { RefCell::new(Vec::new()) };
    static COPIES: RefCell<BTreeMap<LeaseToken, Record>> = const { RefCell::new(BTreeMap::new()) };
}

/// The events of one settle, apart from it.
pub type Apart = (OnboardingId, Vec<NewEvent>);

/// Plants a bug in this thread, or takes it out again.
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
    APART.take();
    COPIES.take();
}

/// Whether that bug is planted in this thread.
pub fn is_planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Under [`Bug::AttemptAsFence`], what proves a lease.
pub(crate) fn fence(token: LeaseToken, attempt: u32) -> LeaseToken {
    if is_planted(Bug::AttemptAsFence) {
        return LeaseToken::from_uuid(Uuid::from_u128(u128::from(attempt)));
    }
    token
}

/// Under [`Bug::KeyPerAttempt`], the key of an attempt's create.
pub fn key_of_attempt(key: IdempotencyKey, attempt: LeaseToken) -> IdempotencyKey {
    if is_planted(Bug::KeyPerAttempt) {
        return IdempotencyKey::from_uuid(Uuid::new_v5(key.as_uuid(), attempt.as_uuid().as_bytes()));
    }
    key
}

/// Under [`Bug::WholeRecord`], remembers what the worker got.
pub(crate) fn remember(token: LeaseToken, copy: &Record) {
    if is_planted(Bug::WholeRecord) {
        COPIES.with_borrow_mut(|copies| copies.insert(token, copy.clone()));
    }
}

/// Under [`Bug::WholeRecord`], puts that in the place of what is stored.
pub(crate) fn overwrite(record: &mut Record, lease: &Lease) {
    let copy = COPIES.with_borrow_mut(|copies| copies.remove(&lease.token));
    if let Some(copy) = copy.filter(|_| is_planted(Bug::WholeRecord)) {
        *record = copy;
    }
}

/// Under [`Bug::EventOutsideSettle`], puts the events of a settle aside.
pub(crate) fn put_apart(onboarding: OnboardingId, mut settled: Consequence) -> Consequence {
    if is_planted(Bug::EventOutsideSettle) && !settled.events.is_empty() {
        let events = std::mem::take(&mut settled.events);
        APART.with_borrow_mut(|apart| apart.push((onboarding, events)));
    }
    settled
}

/// Takes what was put aside.
pub fn take_apart() -> Vec<Apart> {
    APART.take()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_wrong_until_it_is_planted() {
        let token = LeaseToken::mint();
        assert_eq!(fence(token, 3), token);
        plant(Some(Bug::AttemptAsFence));
        assert_eq!(fence(token, 3), fence(LeaseToken::mint(), 3));
        plant(None);
        assert_eq!(fence(token, 3), token);
    }

    #[test]
    fn names_read_back() {
        for bug in Bug::ALL {
            assert_eq!(Bug::parse(bug.as_str()), Some(bug));
        }
        assert_eq!(Bug::parse("none"), None);
    }
}
