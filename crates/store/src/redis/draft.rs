//! One onboarding that is being changed: what was read, what it shall be, and the events that tell of it.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::event::{Event, NewEvent, event_id};
use gangway_jobs::id::{JobId, LeaseToken, OnboardingId};
use gangway_jobs::job::{Hold, Job, Lease};
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::{LedgerRow, Record, Stage};
use gangway_jobs::outcome::FollowUp;
use gangway_jobs::payload::MAX_BYTES;
use gangway_jobs::transition::{self, Consequence};

use super::codec;
use super::found::{Found, Kept, Row};
use super::life::Life;
use super::onboarding::{Fence, Onboarding};
use crate::{Error, Result};

/// What an onboarding shall be.
#[derive(Clone, Debug)]
pub(super) enum After {
    Nothing,
    Whole(Box<Onboarding>),
    Row(Box<Row>),
    /// Cannot be read: stays as it is, but for the leases that were taken off it.
    Damaged,
}

/// One onboarding that is being changed.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) found: Found,
    pub(super) after: After,
    /// In the stored form; the desk takes them over, in the order in which they come about.
    pub(super) events: Vec<String>,
    /// Leased jobs of a damaged onboarding that become dead letters.
    pub(super) set_aside: Vec<Kind>,
    /// Jobs whose lease has run out, which a renewal would undo without leaving another trace.
    pub(super) run_out: Vec<Kind>,
}

/// What writing needs to know beside the decision.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now: Timestamp,
    pub(super) life: Life,
}

impl Draft {
    pub(super) fn new(found: Found) -> Self {
        let after = match &found.kept {
            Kept::Nothing => After::Nothing,
            Kept::Whole(onboarding, _) => After::Whole(onboarding.clone()),
            Kept::Row(row) => After::Row(row.clone()),
            Kept::Damaged(_) => After::Damaged,
        };
        Self { found, after, events: Vec::new(), set_aside: Vec::new(), run_out: Vec::new() }
    }

    pub(super) const fn id(&self) -> OnboardingId {
        self.found.id
    }

    /// The onboarding as it stands in this draft.
    pub(super) fn onboarding(&self) -> Option<&Onboarding> {
        match &self.after {
            After::Whole(onboarding) => Some(onboarding),
            After::Nothing | After::Row(_) | After::Damaged => None,
        }
    }

    fn onboarding_mut(&mut self) -> Option<&mut Onboarding> {
        match &mut self.after {
            After::Whole(onboarding) => Some(onboarding),
            After::Nothing | After::Row(_) | After::Damaged => None,
        }
    }

    pub(super) fn row(&self) -> Option<&LedgerRow> {
        match &self.after {
            After::Row(row) => Some(&row.read),
            After::Nothing | After::Whole(_) | After::Damaged => None,
        }
    }

    pub(super) const fn is_damaged(&self) -> bool {
        matches!(self.after, After::Damaged)
    }

    pub(super) fn record(&self) -> Option<&Record> {
        self.onboarding().map(|onboarding| &onboarding.record)
    }

    /// The job of that kind with its lease, if it is held under the token.
    pub(super) fn held(&self, kind: Kind, token: LeaseToken) -> Option<(&Job, Lease)> {
        let job = self.onboarding()?.job(kind)?;
        let lease = job.lease().filter(|lease| lease.token == token)?;
        Some((job, *lease))
    }

    /// Whether any of its jobs runs.
    pub(super) fn is_leased(&self) -> bool {
        self.onboarding()
            .is_some_and(|onboarding| onboarding.jobs.iter().flatten().any(|job| job.lease().is_some()))
    }

    /// Puts a job in its place.
    pub(super) fn set_job(&mut self, job: Job) {
        if let Some(onboarding) = self.onboarding_mut() {
            let kind = job.id.kind;
            onboarding.jobs[kind.index()] = Some(job);
        }
    }

    /// Whether a token settled the job last, so that it is a repeat.
    pub(super) fn was_settled_under(&self, job: JobId, token: LeaseToken) -> bool {
        let fences = match &self.after {
            After::Whole(onboarding) => &onboarding.fences,
            After::Row(row) => &row.fences,
            After::Nothing | After::Damaged => return false,
        };
        fences[job.kind.index()] == Some(Fence::of(token))
    }

    /// Changes a job in its place.
    pub(super) fn with_job(&mut self, kind: Kind, change: impl FnOnce(&mut Job)) {
        if let Some(job) = self.onboarding_mut().and_then(|onboarding| onboarding.jobs[kind.index()].as_mut())
        {
            change(job);
        }
    }

    /// Takes a job away.
    pub(super) fn remove_job(&mut self, kind: Kind) {
        if let Some(onboarding) = self.onboarding_mut() {
            onboarding.jobs[kind.index()] = None;
        }
    }

    /// Takes an onboarding in, or takes one up again from its ledger row.
    pub(super) fn insert(&mut self, record: Record, place: u64, life: Life) {
        let onboarding = Onboarding {
            place,
            epoch_number: life.number,
            record,
            jobs: [const { None }; 3],
            fences: [None; 3],
        };
        self.after = After::Whole(Box::new(onboarding));
    }

    /// Decides on the record, and writes what comes of it. `about` is the kind of the job that the decision was given: if
    /// the consequence has none, that job is removed.
    ///
    /// # Errors
    /// A payload is too large.
    pub(super) fn decide<T>(
        &mut self,
        about: Option<Kind>,
        moment: Moment,
        decision: impl FnOnce(&mut Record) -> (T, Consequence),
    ) -> Result<Option<T>> {
        let Some(onboarding) = self.onboarding_mut() else { return Ok(None) };
        let (answer, consequence) = decision(&mut onboarding.record);
        self.write(about, consequence, moment)?;
        Ok(Some(answer))
    }

    fn write(&mut self, about: Option<Kind>, consequence: Consequence, moment: Moment) -> Result<()> {
        let Some(onboarding) = self.onboarding_mut() else { return Ok(()) };
        let Consequence { job, follow_ups, events, ended } = consequence;
        if let Some(about) = about {
            onboarding.jobs[about.index()] = None;
        }
        if ended {
            for slot in &mut onboarding.jobs {
                slot.take_if(|job| job.lease().is_none());
            }
        }
        if let Some(job) = job {
            let kind = job.id.kind;
            onboarding.jobs[kind.index()] = Some(job);
        }
        for follow_up in &follow_ups {
            queue(onboarding, follow_up, moment.now)?;
        }
        let mut told = Vec::with_capacity(events.len());
        for event in events {
            told.push(append(onboarding, event, moment));
        }
        if onboarding.record.stage == Stage::Erased {
            self.reduce(moment.life);
        }
        self.events.extend(told);
        Ok(())
    }

    /// Leaves only the ledger row of an onboarding that has ended.
    pub(super) fn reduce(&mut self, life: Life) {
        let Some(onboarding) = self.onboarding() else { return };
        let row = LedgerRow::of(&onboarding.record);
        // A settle that ended in erasure may be repeated at once; one of a record that was pruned is long past.
        let fences = if row.end == Stage::Erased { onboarding.fences } else { [None; 3] };
        self.set_row(row, fences, life);
    }

    /// Writes another ledger row.
    pub(super) fn set_row(&mut self, row: LedgerRow, fences: [Option<Fence>; 3], life: Life) {
        let stored = codec::encode_row(&row, life.number, &fences);
        self.after = After::Row(Box::new(Row { stored, number: life.number, read: row, fences }));
    }

    /// The last token that settled a job.
    pub(super) fn set_fence(&mut self, kind: Kind, token: LeaseToken) {
        match &mut self.after {
            After::Whole(onboarding) => onboarding.fences[kind.index()] = Some(Fence::of(token)),
            After::Row(row) => row.fences[kind.index()] = Some(Fence::of(token)),
            After::Nothing | After::Damaged => {}
        }
    }
}

/// Queues a job, or hastens the one of its kind that is there.
fn queue(onboarding: &mut Onboarding, follow_up: &FollowUp, now: Timestamp) -> Result<()> {
    let id = JobId { onboarding: onboarding.record.id, kind: follow_up.payload.kind() };
    let slot = &mut onboarding.jobs[id.kind.index()];
    let job = transition::queue(slot.take(), id, &follow_up.payload, now.after(follow_up.after));
    let bytes = job.payload.len();
    *slot = Some(job);
    if bytes > MAX_BYTES {
        return Err(Error::PayloadTooLarge { index: 0, bytes, max: MAX_BYTES });
    }
    Ok(())
}

/// Gives an event its place, and writes it as the outbox has it.
fn append(onboarding: &mut Onboarding, event: NewEvent, moment: Moment) -> String {
    let record = &mut onboarding.record;
    record.sequence += 1;
    let event = Event {
        id: event_id(record.id, event.kind, &event.fact),
        kind: event.kind,
        onboarding: record.id,
        epoch: moment.life.epoch,
        sequence: record.sequence,
        time: moment.now,
        data: event.data,
    };
    event.to_cloud_event().to_string()
}

/// Whether a job waits, and so stands in a lane.
pub(super) const fn waits(job: &Job) -> bool {
    matches!(job.hold, Hold::Waiting)
}
