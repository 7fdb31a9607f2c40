//! The face of a state: what decides how things go on, and nothing else.
//!
//! Workers are interchangeable, tokens and serial numbers are only ever compared, and of a time only its distance from
//! now matters, as far as a rule asks for it. So a state is written down with tokens named in the order in which they are
//! met and times in ticks from now, once for each order of the workers; the least of these is its face. Two states with
//! one face are one state to the checker, which makes the number of states finite and small.

use std::collections::BTreeMap;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::WorkerId;
use gangway_jobs::job::{Hold, Job};
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::Record;

use crate::bounds::{LEASE, PATIENCE, TICK};
use crate::onboarding::Onboarding;
use crate::rule::Rule;
use crate::slot::Slot;
use crate::state::State;
use crate::store::{Held, Look, Store, View};
use crate::worker::{Hand, Parcel, Phase, Worker, name_of};

/// The face of a state.
pub(crate) fn of(state: &State) -> Vec<u8> {
    let mut least: Option<Vec<u8>> = None;
    each_order(state.workers.len(), &mut |order| {
        let face = Writer::new(state, order).write();
        if least.as_ref().is_none_or(|least| face < *least) {
            least = Some(face);
        }
    });
    least.unwrap_or_default()
}

/// Calls `see` with each order of `count` things.
fn each_order(count: usize, see: &mut impl FnMut(&[usize])) {
    fn go_on(order: &mut Vec<usize>, from: usize, see: &mut impl FnMut(&[usize])) {
        if from == order.len() {
            return see(order);
        }
        for next in from..order.len() {
            order.swap(from, next);
            go_on(order, from + 1, see);
            order.swap(from, next);
        }
    }
    go_on(&mut (0..count).collect(), 0, see);
}

/// Stands for "somebody else's" or "none".
const OTHER: u8 = u8::MAX;

/// Writes one face.
struct Writer<'a> {
    state: &'a State,
    /// The workers in the order in which they are written.
    order: &'a [usize],
    face: Vec<u8>,
    tokens: BTreeMap<u128, u8>,
}

impl<'a> Writer<'a> {
    fn new(state: &'a State, order: &'a [usize]) -> Self {
        Self { state, order, face: Vec::with_capacity(512), tokens: BTreeMap::new() }
    }

    fn write(mut self) -> Vec<u8> {
        let state = self.state;
        self.bytes(&state.left.as_bytes());
        self.byte(state.away);
        self.bytes(&state.broken.iter().map(|broken| *broken as u8).collect::<Vec<_>>());
        // Leases come first: they name the tokens.
        for held in state.store.held.iter().chain(state.earlier.iter().flat_map(|store| &store.held)) {
            self.held(*held.0, held.1);
        }
        for place in self.order {
            self.worker(&state.workers[*place]);
        }
        self.byte(state.wire.len());
        for parcel in &state.wire {
            self.parcel(parcel);
        }
        self.look(state.look.as_ref());
        self.store(&state.store);
        for store in &state.earlier {
            self.store(store);
        }
        self.outside();
        self.face
    }

    fn outside(&mut self) {
        let state = self.state;
        for effects in &state.api {
            self.byte(effects.customers.len());
            self.byte(effects.links.len());
        }
        for ((place, _, sequence), id) in &state.seen {
            self.bytes(&[short(*place), short(*sequence)]);
            self.bytes(&id.as_uuid().as_bytes()[..4]);
        }
    }

    // ---- small things ----

    fn byte(&mut self, value: impl TryInto<u8>) {
        self.face.push(value.try_into().unwrap_or(OTHER));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.face.extend_from_slice(bytes);
        self.face.push(OTHER);
    }

    /// Ticks until then, begun ones counted; nothing for what is past.
    fn ahead(&mut self, then: Timestamp) {
        let ticks = then.since(self.state.now).as_millis().div_ceil(TICK.as_millis());
        self.byte(ticks);
    }

    fn ago(&mut self, then: Timestamp, most: u8) {
        let ticks = self.state.now.since(then).as_millis() / TICK.as_millis();
        self.byte(ticks.min(u128::from(most)));
    }

    fn token(&mut self, token: u128) {
        let next = short(self.tokens.len());
        let name = *self.tokens.entry(token).or_insert(next);
        self.byte(name);
    }

    fn slot(&mut self, slot: Slot) {
        self.byte(slot.place * 4 + slot.kind.index());
    }

    /// Where a process runs, if it still does, and how long it has been silent.
    fn process(&mut self, name: WorkerId, store: &Store) {
        let state = self.state;
        let is_it = |place: &usize| name_of(*place, state.workers[*place].life) == name;
        self.byte(self.order.iter().position(is_it).unwrap_or(usize::from(OTHER)));
        match store.beats.get(&name) {
            Some(beat) => self.ago(*beat, PATIENCE + 1),
            None => self.byte(OTHER),
        }
    }

    // ---- what stands in the store ----

    fn held(&mut self, slot: Slot, held: &Held) {
        self.slot(slot);
        self.token(held.token.as_uuid().as_u128());
        self.process(held.worker, &self.state.store);
        self.ahead(held.until);
        self.byte(held.hastened);
    }

    fn store(&mut self, store: &Store) {
        self.ago(store.tick, LEASE + 1);
        self.ahead(store.grace);
        for onboarding in &store.onboardings {
            self.onboarding(onboarding, store.epoch);
        }
        for (slot, due) in &store.due {
            self.slot(*slot);
            self.ahead(*due);
        }
        self.byte(OTHER);
        for (slot, held) in &store.held {
            self.slot(*slot);
            self.token(held.token.as_uuid().as_u128());
            self.ahead(held.until);
        }
        self.byte(OTHER);
        for place in self.order {
            self.process(name_of(*place, self.state.workers[*place].life), store);
        }
        for slot in &store.hinted {
            self.slot(*slot);
        }
        self.byte(OTHER);
        self.bytes(&store.called_off.iter().map(|place| short(*place)).collect::<Vec<_>>());
        self.ghosts(store);
    }

    /// What the invariants remember of the leases that somebody still knows of.
    fn ghosts(&mut self, store: &Store) {
        let state = self.state;
        let hands = self.order.iter().flat_map(|place| &state.workers[*place].hands);
        let known: Vec<_> = hands.map(|hand| (hand.slot, hand.serial)).collect();
        for (slot, serial) in known.into_iter().chain(state.wire.iter().map(|it| (it.slot, it.serial))) {
            let is_holder = store.holders.get(&slot) == Some(&serial);
            self.byte(u8::from(is_holder) + 2 * u8::from(store.settled.contains(&serial)));
        }
    }

    fn onboarding(&mut self, onboarding: &Onboarding, epoch: i64) {
        self.record(&onboarding.record);
        for kind in Kind::ALL {
            match onboarding.job(kind) {
                Some(job) => self.job(job),
                None => self.byte(OTHER),
            }
            let fence = onboarding.fences[kind.index()].map(|token| token.as_uuid().as_u128());
            let known = fence.and_then(|fence| self.tokens.get(&fence).copied());
            self.byte(known.unwrap_or(OTHER));
        }
        self.byte(onboarding.epoch == epoch);
        for told in &onboarding.events {
            self.bytes(&told.id.as_uuid().as_bytes()[..4]);
            self.bytes(&[u8::from(told.epoch == epoch), short(told.sequence)]);
        }
        self.byte(OTHER);
    }

    fn record(&mut self, record: &Record) {
        self.byte(record.stage as u8);
        self.byte(record.round);
        self.byte(record.sequence);
        self.byte(u8::from(record.customer_id.is_some()) + 2 * u8::from(record.uncertain_since.is_some()));
        self.byte(u8::from(record.cancel_requested) + 2 * u8::from(record.key_refused));
        self.byte(record.link.map_or(0, |link| link.ordinal));
        self.byte(record.links_wanted);
        self.bytes(record.kyb.as_ref().map_or("", |kyb| kyb.status.as_str()).as_bytes());
        self.byte(record.failure.as_ref().map_or(OTHER, |failure| failure.code as u8));
    }

    fn job(&mut self, job: &Job) {
        self.bytes(&[short(job.attempt), short(job.losses), u8::from(job.failure.is_some())]);
        match &job.hold {
            Hold::Waiting => {
                self.byte(0_u8);
                self.ahead(job.due);
            }
            Hold::Leased(lease) => {
                self.byte(1_u8);
                self.token(lease.token.as_uuid().as_u128());
                self.byte(u8::from(lease.hastened) + 2 * u8::from(lease.uncertain_before.is_some()));
            }
            Hold::Dead(_) => self.byte(2_u8),
        }
        if job.id.kind == Kind::CreateLink {
            self.bytes(job.payload.as_bytes());
        }
    }

    // ---- what others know ----

    fn worker(&mut self, worker: &Worker) {
        self.byte(worker.condition as u8);
        self.byte(worker.silent);
        let mut hands: Vec<&Hand> = worker.hands.iter().collect();
        hands.sort_by_key(|hand| hand.slot);
        for hand in hands {
            self.hand(hand);
        }
        self.byte(OTHER);
        if let Some(unheard) = &worker.unheard {
            self.slot(unheard.slot);
            self.token(unheard.token.as_uuid().as_u128());
        }
        self.byte(OTHER);
    }

    fn hand(&mut self, hand: &Hand) {
        self.slot(hand.slot);
        self.token(hand.job.token.as_uuid().as_u128());
        self.byte(hand.job.attempt);
        self.record(&hand.job.record);
        self.byte(hand.epoch == self.state.store.epoch);
        match hand.phase {
            Phase::Fetched => self.byte(0_u8),
            Phase::Running { arrived } => self.byte(1 + u8::from(arrived)),
            Phase::Ended(end) => self.byte(3 + end as u8),
        }
        if !matches!(hand.phase, Phase::Ended(_)) {
            self.ahead(hand.valid_until);
        }
        if hand.slot.kind == Kind::CreateLink {
            self.bytes(hand.job.payload.as_bytes());
        }
        match &hand.view {
            Some(view) => self.view(hand.slot, view),
            None => self.byte(OTHER),
        }
    }

    fn parcel(&mut self, parcel: &Parcel) {
        self.slot(parcel.slot);
        self.token(parcel.job.token.as_uuid().as_u128());
        self.byte(parcel.job.attempt);
        self.record(&parcel.job.record);
        self.byte(parcel.end as u8);
        if parcel.slot.kind == Kind::CreateLink {
            self.bytes(parcel.job.payload.as_bytes());
        }
    }

    fn look(&mut self, look: Option<&Look>) {
        let Some(look) = look else { return self.byte(OTHER) };
        let store = &self.state.store;
        self.slot(look.slot);
        self.byte(look.loss as u8);
        self.byte(look.epoch == store.epoch);
        let until = store.held.get(&look.slot).map(|held| held.until);
        self.byte(until == Some(look.held.until));
        self.view(look.slot, &look.view);
    }

    /// What was read matters only while its proof may hold.
    fn view(&mut self, slot: Slot, view: &View) {
        let store = &self.state.store;
        let stands = store.still_stands(slot, view, None);
        self.byte(stands);
        let lax = store.still_stands(slot, view, Some(Rule::WhatWaitedIsFree));
        let may_stand = stands || lax || self.state.left.failovers > 0;
        if may_stand && *view.onboarding != *store.onboardings[slot.place] {
            for proof in view.proofs.iter().flatten() {
                self.token(proof.token.as_uuid().as_u128());
                self.bytes(&proof.writes.to_be_bytes());
            }
            self.onboarding(&view.onboarding, store.epoch);
        }
    }
}

/// A small number in a byte.
fn short(number: impl TryInto<u8>) -> u8 {
    number.try_into().unwrap_or(OTHER)
}
