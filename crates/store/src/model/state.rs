//! All that the model knows, and the few small steps that the verbs share.

use std::collections::{BTreeMap, BTreeSet};

use gangway_jobs::circuit::Circuit;
use gangway_jobs::clock::Timestamp;
use gangway_jobs::event::{Epoch, Event, NewEvent, event_id, redact};
use gangway_jobs::id::{ImportId, JobId, LeaseToken, OnboardingId, WorkerId};
use gangway_jobs::job::{Hold, Job};
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::{Bucket, RatePolicy};
use gangway_jobs::onboarding::{LedgerRow, Record, Stage};
use gangway_jobs::outcome::FollowUp;
use gangway_jobs::transition::{self, Consequence};

use super::imports::Import;
use super::outbox::Group;
use super::workers::Worker;
use crate::Policies;
use crate::words::{Position, Target};

/// The whole store.
#[derive(Debug)]
pub(super) struct State {
    pub(super) policies: Policies,
    pub(super) epoch: Epoch,
    /// The latest time that was told; the store's time never goes back.
    latest: Timestamp,
    pub(super) closed: bool,
    pub(super) records: BTreeMap<OnboardingId, Record>,
    /// The order in which they were taken in; decides between jobs that are due at the same time.
    pub(super) places: BTreeMap<OnboardingId, u64>,
    last_place: u64,
    /// Since when those that have ended are at their end.
    pub(super) ended_at: BTreeMap<OnboardingId, Timestamp>,
    pub(super) ledger: BTreeMap<OnboardingId, LedgerRow>,
    pub(super) jobs: BTreeMap<JobId, Job>,
    /// The last token that settled each job: what tells a repeat from a late one.
    pub(super) fences: BTreeMap<JobId, LeaseToken>,
    pub(super) events: BTreeMap<Position, Event>,
    /// The last position given; survives the event itself.
    pub(super) last: Position,
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) imports: BTreeMap<ImportId, Import>,
    pub(super) workers: BTreeMap<WorkerId, Worker>,
    pub(super) paused: BTreeSet<Kind>,
    pub(super) circuit: Circuit,
    /// Absent until the first token is taken: full.
    pub(super) bucket: Option<Bucket>,
    /// What people have set for all workers.
    pub(super) limits: Option<RatePolicy>,
    pub(super) unknown_hints: u64,
    /// Whether events keep their place when they are redacted, as rows of a table do, or move, as entries of a stream.
    pub(super) moves_redacted: bool,
    to_move: BTreeSet<OnboardingId>,
}

impl State {
    pub(super) fn new(policies: Policies, epoch: Epoch, now: Timestamp) -> Self {
        Self {
            policies,
            epoch,
            latest: now,
            closed: false,
            records: BTreeMap::new(),
            places: BTreeMap::new(),
            last_place: 0,
            ended_at: BTreeMap::new(),
            ledger: BTreeMap::new(),
            jobs: BTreeMap::new(),
            fences: BTreeMap::new(),
            events: BTreeMap::new(),
            last: Position::default(),
            groups: BTreeMap::from([("main".to_owned(), Group::default())]),
            imports: BTreeMap::new(),
            workers: BTreeMap::new(),
            paused: BTreeSet::new(),
            circuit: Circuit::default(),
            bucket: None,
            limits: None,
            unknown_hints: 0,
            moves_redacted: false,
            to_move: BTreeSet::new(),
        }
    }

    /// The store's time when the clock shows `clock`.
    pub(super) fn now(&mut self, clock: Timestamp) -> Timestamp {
        self.latest = self.latest.max(clock);
        self.latest
    }

    /// The record that is meant.
    pub(super) fn resolve(&self, target: &Target) -> Option<OnboardingId> {
        let is_meant = |record: &&Record| match target {
            Target::Id(id) => record.id == *id,
            Target::Reference(reference) => record.reference.as_ref() == Some(reference),
            Target::Customer(customer) => record.customer_id.as_ref() == Some(customer),
        };
        let meant = self.records.values().filter(is_meant).map(|record| record.id);
        // Two may share a customer if the API gave it to both: the later one is meant.
        meant.max_by_key(|id| self.places.get(id))
    }

    /// Whether a job of the onboarding runs now.
    pub(super) fn is_leased(&self, id: OnboardingId) -> bool {
        self.jobs_of(id).any(|job| job.lease().is_some())
    }

    pub(super) fn jobs_of(&self, id: OnboardingId) -> impl Iterator<Item = &Job> {
        self.jobs.values().filter(move |job| job.id.onboarding == id)
    }

    /// Queues a job, or hastens the one that is there.
    pub(super) fn queue(&mut self, id: OnboardingId, follow_up: &FollowUp, now: Timestamp) {
        let id = JobId { onboarding: id, kind: follow_up.payload.kind() };
        let existing = self.jobs.remove(&id);
        let job = transition::queue(existing, id, &follow_up.payload, now.after(follow_up.after));
        self.jobs.insert(id, job);
    }

    /// Appends an event as the next of its onboarding.
    pub(super) fn append(&mut self, record: &mut Record, event: NewEvent, now: Timestamp) {
        record.sequence += 1;
        self.last = Position(self.last.0 + 1);
        let event = Event {
            id: event_id(record.id, event.kind, &event.fact),
            kind: event.kind,
            onboarding: record.id,
            epoch: self.epoch,
            sequence: record.sequence,
            time: now,
            data: event.data,
        };
        self.events.insert(self.last, event);
    }

    /// Writes what a transition decided: the record, the job that it was about, follow-ups and events.
    pub(super) fn write(
        &mut self,
        mut record: Record,
        about: Option<JobId>,
        consequence: Consequence,
        now: Timestamp,
    ) {
        let id = record.id;
        if let Some(about) = about {
            self.jobs.remove(&about);
        }
        if consequence.ended {
            self.jobs.retain(|job, held| job.onboarding != id || held.lease().is_some());
        }
        if let Some(job) = consequence.job {
            self.jobs.insert(job.id, job);
        }
        for follow_up in &consequence.follow_ups {
            self.queue(id, follow_up, now);
        }
        for event in consequence.events {
            self.append(&mut record, event, now);
        }
        if record.stage.is_end() {
            self.ended_at.entry(id).or_insert(now);
        } else {
            self.ended_at.remove(&id);
        }
        if record.stage == Stage::Erased {
            self.forget(&record);
        } else if self.records.insert(id, record).is_none() {
            self.last_place += 1;
            self.places.insert(id, self.last_place);
        }
    }

    /// An erased onboarding: a ledger row that leads to nobody, and events without what is personal.
    fn forget(&mut self, record: &Record) {
        self.jobs.retain(|job, _| job.onboarding != record.id);
        self.records.remove(&record.id);
        self.ended_at.remove(&record.id);
        self.ledger.insert(record.id, LedgerRow::of(record));
        self.redact(record.id);
    }

    /// Takes what is personal out of the events of an onboarding.
    pub(super) fn redact(&mut self, id: OnboardingId) {
        if self.moves_redacted {
            self.to_move.insert(id);
        } else {
            self.events.values_mut().filter(|event| event.onboarding == id).for_each(clean);
        }
    }

    /// Where an entry cannot be changed, its clean copy goes to the end, and all later ones of the same onboarding after
    /// it. A group that is done with the one is done with the other.
    pub(super) fn move_redacted(&mut self) {
        for id in std::mem::take(&mut self.to_move) {
            let of_it = self.events.iter().filter(|(_, event)| event.onboarding == id);
            let from_unclean = of_it.skip_while(|(_, event)| is_clean(event));
            for from in from_unclean.map(|(position, _)| *position).collect::<Vec<_>>() {
                self.move_to_the_end(from);
            }
        }
    }

    fn move_to_the_end(&mut self, from: Position) {
        let Some(mut event) = self.events.remove(&from) else { return };
        clean(&mut event);
        self.last = Position(self.last.0 + 1);
        self.events.insert(self.last, event);
        for group in self.groups.values_mut() {
            group.follow(from, self.last);
        }
    }

    /// Waiting jobs of a kind, in the order in which they are leased: what is parked behind the others, what a worker
    /// died over before them.
    pub(super) fn waiting(&self, kind: Kind) -> Vec<&Job> {
        let is_waiting = |job: &&Job| job.id.kind == kind && matches!(job.hold, Hold::Waiting);
        let mut waiting: Vec<&Job> = self.jobs.values().filter(is_waiting).collect();
        let place = |job: &Job| self.places.get(&job.id.onboarding).copied();
        waiting.sort_by_key(|job| (job.parked, job.losses == 0, job.due, job.attempt, place(job)));
        waiting
    }
}

fn clean(event: &mut Event) {
    redact(&mut event.data);
}

fn is_clean(event: &Event) -> bool {
    let mut cleaned = event.data.clone();
    redact(&mut cleaned);
    cleaned == event.data
}
