//! The store: onboardings, indexes, heartbeats, and the proof of each lease.
//!
//! Built as the Redis store is: the end of a lease and its proof lie beside the onboarding, an index follows from the
//! difference between before and after, and a decision that was made on an earlier look is written only if its proof
//! still holds.

mod lease;
mod settle;
mod steer;
mod take_back;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::{LeaseToken, WorkerId};
use gangway_jobs::job::{Hold, Job};
use gangway_jobs::kind::Kind;

use crate::bounds::{PATIENCE, TICK};
use crate::onboarding::{Moment, Onboarding};
use crate::rule::Rule;
use crate::slot::Slot;

pub(crate) use settle::{Answer, Ask};
pub(crate) use take_back::Look;

/// A lease as it lies beside its onboarding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) token: LeaseToken,
    pub(crate) worker: WorkerId,
    pub(crate) until: Timestamp,
    pub(crate) hastened: bool,
    /// How often the onboarding was written meanwhile.
    pub(crate) writes: u16,
}

/// What was read of an onboarding, and the leases of its jobs that prove it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View {
    pub(crate) onboarding: Arc<Onboarding>,
    pub(crate) proofs: [Option<Held>; 3],
}

/// All that the server keeps, and loses when it fails over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Store {
    pub(crate) epoch: i64,
    /// The latest time at which anybody wrote.
    pub(crate) tick: Timestamp,
    /// Until then nothing is taken back.
    pub(crate) grace: Timestamp,
    pub(crate) onboardings: Vec<Arc<Onboarding>>,
    /// The queue of waiting jobs.
    pub(crate) due: BTreeMap<Slot, Timestamp>,
    /// The leases.
    pub(crate) held: BTreeMap<Slot, Held>,
    pub(crate) beats: BTreeMap<WorkerId, Timestamp>,
    /// For the invariants: the lease that each job is under, by its serial number.
    pub(crate) holders: BTreeMap<Slot, u32>,
    /// For the invariants: the leases whose settle was written.
    pub(crate) settled: BTreeSet<u32>,
    /// For the invariants: polls that were hinted at while they ran.
    pub(crate) hinted: BTreeSet<Slot>,
    /// For the invariants: onboardings whose cancel was accepted.
    pub(crate) called_off: BTreeSet<usize>,
}

impl Store {
    pub(crate) fn new(onboardings: Vec<Onboarding>, now: Timestamp) -> Self {
        let mut store = Self {
            epoch: 0,
            tick: now,
            grace: now,
            onboardings: onboardings.into_iter().map(Arc::new).collect(),
            due: BTreeMap::new(),
            held: BTreeMap::new(),
            beats: BTreeMap::new(),
            holders: BTreeMap::new(),
            settled: BTreeSet::new(),
            hinted: BTreeSet::new(),
            called_off: BTreeSet::new(),
        };
        for place in 0..store.onboardings.len() {
            store.index(place);
        }
        store
    }

    /// What every write begins with: time goes on, and a gap is noticed. Answers whether there was one.
    pub(crate) fn begin(&mut self, now: Timestamp, without: Option<Rule>) -> bool {
        if now <= self.tick {
            return false;
        }
        let grace = self.grace_after_a_gap(now).filter(|_| without != Some(Rule::GraceAfterAGap));
        self.tick = now;
        self.grace = grace.unwrap_or(self.grace);
        grace.is_some()
    }

    /// Workers renew at a third of a lease: while one lives, no silence lasts half as long as the longest lease does.
    fn grace_after_a_gap(&self, now: Timestamp) -> Option<Timestamp> {
        let last = self.held.values().map(|held| held.until).max()?;
        let left = last.since(self.tick);
        (now.since(self.tick) > left / 2 && !left.is_zero()).then(|| now.after(left))
    }

    pub(crate) fn moment(&self, now: Timestamp) -> Moment {
        Moment { now, epoch: self.epoch }
    }

    pub(crate) fn job(&self, slot: Slot) -> Option<&Job> {
        self.onboardings[slot.place].job(slot.kind)
    }

    pub(crate) fn is_alive(&self, worker: WorkerId, now: Timestamp) -> bool {
        self.beats.get(&worker).is_some_and(|beat| now.since(*beat) <= TICK * u32::from(PATIENCE))
    }

    /// What stands there now, with the leases that prove it.
    pub(crate) fn view(&self, place: usize) -> View {
        let proofs = Kind::ALL.map(|kind| self.held.get(&Slot { place, kind }).copied());
        View { onboarding: Arc::clone(&self.onboardings[place]), proofs }
    }

    /// Whether what was read for the sake of that job still stands. The end of a lease may have changed, and what waited
    /// may not run now.
    pub(crate) fn still_stands(&self, slot: Slot, view: &View, without: Option<Rule>) -> bool {
        let is_same = |kind: Kind| {
            let held = self.held.get(&Slot { kind, ..slot });
            match (held, &view.proofs[kind.index()]) {
                (Some(held), Some(proof)) => Held { until: proof.until, ..*held } == *proof,
                (None, None) => true,
                (Some(_), None) => without == Some(Rule::WhatWaitedIsFree),
                (None, Some(_)) => false,
            }
        };
        Kind::ALL.into_iter().all(is_same)
    }

    /// Writes an onboarding. The indexes follow; the leases that stay show that something was written.
    pub(crate) fn write(&mut self, place: usize, onboarding: Onboarding, without: Option<Rule>) {
        self.onboardings[place] = Arc::new(onboarding);
        self.index(place);
        if without == Some(Rule::WritesMarkTheLease) {
            return;
        }
        for kind in Kind::ALL {
            if let Some(held) = self.held.get_mut(&Slot { place, kind }) {
                held.writes += 1;
            }
        }
    }

    fn index(&mut self, place: usize) {
        let onboarding = Arc::clone(&self.onboardings[place]);
        for kind in Kind::ALL {
            let slot = Slot { place, kind };
            let hold = onboarding.job(kind).map(|job| (job.hold.clone(), job.due));
            match &hold {
                Some((Hold::Waiting, due)) => {
                    self.due.insert(slot, *due);
                }
                Some((Hold::Leased(_) | Hold::Dead(_), _)) | None => {
                    self.due.remove(&slot);
                }
            }
            match &hold {
                Some((Hold::Leased(lease), _)) => {
                    if let Some(held) = self.held.get_mut(&slot) {
                        held.hastened |= lease.hastened;
                    }
                }
                Some((Hold::Waiting | Hold::Dead(_), _)) | None => {
                    self.held.remove(&slot);
                }
            }
        }
    }
}
