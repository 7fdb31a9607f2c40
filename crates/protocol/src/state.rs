//! Everything at one moment.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher};

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::{EventId, LeaseToken};
use uuid::Uuid;

use crate::api::Effects;
use crate::bounds::{Bounds, Budget, LEASE, LOST_WRITES, TICK};
use crate::face;
use crate::invariant::Broken;
use crate::opening::{self, BEGINNING};
use crate::rule::Rule;
use crate::slot::Slot;
use crate::store::{Look, Store};
use crate::worker::{Hand, Parcel, Worker, name_of};

/// The store, the workers, what is under way, the API, and what was seen of all that.
#[derive(Clone, Debug)]
pub struct State {
    pub(crate) now: Timestamp,
    pub(crate) store: Store,
    /// The store before its last writes: what a failover may fall back to, the latest first.
    pub(crate) earlier: VecDeque<Store>,
    /// The store cannot be reached.
    pub(crate) away: bool,
    pub(crate) workers: Vec<Worker>,
    pub(crate) look: Option<Look>,
    pub(crate) wire: Vec<Parcel>,
    /// By the place of the onboarding.
    pub(crate) api: Vec<Effects>,
    /// What a consumer has read: which event stood at each place of an onboarding's sequence.
    pub(crate) seen: BTreeMap<(usize, i64, u64), EventId>,
    /// How often things may still happen.
    pub(crate) left: Budget,
    /// Leases so far.
    pub(crate) serials: u32,
    /// What was broken on the way here.
    pub(crate) broken: Vec<Broken>,
}

impl State {
    pub(crate) fn new(bounds: &Bounds) -> Self {
        let mut store = Store::new(opening::onboardings(bounds.opening), BEGINNING);
        for worker in 0..bounds.workers {
            store.beats.insert(name_of(worker, 0), BEGINNING);
        }
        Self {
            now: BEGINNING,
            api: vec![Effects::default(); store.onboardings.len()],
            store,
            earlier: VecDeque::new(),
            away: false,
            workers: vec![Worker::new(); bounds.workers],
            look: None,
            wire: Vec::new(),
            seen: BTreeMap::new(),
            left: bounds.budget,
            serials: 0,
            broken: Vec::new(),
        }
    }

    /// A token nobody had before; with the rule off, the number of the attempt.
    pub(crate) fn mint(&mut self, slot: Slot, without: Option<Rule>) -> (u32, LeaseToken) {
        self.serials += 1;
        let attempt = self.store.job(slot).map_or(0, |job| job.attempt + 1);
        let token = if without == Some(Rule::TokenIsRandom) { attempt } else { 1_000 + self.serials };
        (self.serials, LeaseToken::from_uuid(Uuid::from_u128(u128::from(token))))
    }

    /// Whether a renewal would change anything.
    pub(crate) fn can_renew(&self, hand: &Hand) -> bool {
        let longest = self.now.after(TICK * u32::from(LEASE));
        let held = self.store.held.get(&hand.slot).filter(|held| held.token == hand.job.token);
        held.is_none_or(|held| held.until < longest)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.store.onboardings.iter().all(|onboarding| onboarding.record.stage.is_end())
    }

    pub(crate) fn break_rule(&mut self, what: Broken) {
        if !self.broken.contains(&what) {
            self.broken.push(what);
        }
    }

    /// Keeps the store as it is for a failover that loses what comes now.
    pub(crate) fn keep_for_a_failover(&mut self) {
        if self.left.failovers > 0 {
            self.earlier.push_front(self.store.clone());
            self.earlier.truncate(LOST_WRITES);
        }
    }

    /// Forgets what can play no part any more, so that equal situations are equal states.
    pub(crate) fn tidy(&mut self) {
        let hands = self.workers.iter().flat_map(|worker| &worker.hands).map(|hand| hand.serial);
        let alive: Vec<u32> = hands.chain(self.wire.iter().map(|parcel| parcel.serial)).collect();
        for store in std::iter::once(&mut self.store).chain(&mut self.earlier) {
            store.settled.retain(|serial| alive.contains(serial));
        }
        let epoch = self.store.epoch;
        self.seen.retain(|(_, of, _), _| *of == epoch);
    }
}

/// Two states are one if nobody could tell them apart: names of workers and tokens, and the time of day, do not matter.
impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&face::of(self));
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        face::of(self) == face::of(other)
    }
}
