//! One onboarding as the store has it, and the write of what was decided on it.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::event::{EventType, NewEvent, event_id};
use gangway_jobs::id::{EventId, JobId, LeaseToken};
use gangway_jobs::job::{Hold, Job, Lease};
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::Record;
use gangway_jobs::outcome::FollowUp;
use gangway_jobs::transition::{self, Consequence};

/// An event in the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) kind: EventType,
    pub(crate) id: EventId,
    pub(crate) epoch: i64,
    pub(crate) sequence: u64,
}

/// When a write happens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) now: Timestamp,
    pub(crate) epoch: i64,
}

/// Record, jobs, fences, and the part of the outbox that tells of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Onboarding {
    pub(crate) record: Record,
    pub(crate) jobs: [Option<Job>; 3],
    pub(crate) fences: [Option<LeaseToken>; 3],
    /// The epoch that the record's sequence belongs to.
    pub(crate) epoch: i64,
    pub(crate) events: Vec<Told>,
}

impl Onboarding {
    pub(crate) const fn job(&self, kind: Kind) -> Option<&Job> {
        self.jobs[kind.index()].as_ref()
    }

    pub(crate) fn held(&self, kind: Kind, token: LeaseToken) -> Option<(Job, Lease)> {
        let job = self.job(kind)?;
        let lease = job.lease().filter(|lease| lease.token == token)?;
        Some((job.clone(), *lease))
    }

    pub(crate) fn is_leased(&self) -> bool {
        self.jobs.iter().flatten().any(|job| job.lease().is_some())
    }

    /// Writes what was decided: the job that it was about, follow-ups, events.
    pub(crate) fn write(&mut self, about: Option<Kind>, consequence: Consequence, moment: Moment) {
        if let Some(about) = about {
            self.jobs[about.index()] = None;
        }
        if consequence.ended {
            for slot in &mut self.jobs {
                slot.take_if(|job| job.lease().is_none());
            }
        }
        if let Some(job) = consequence.job {
            let kind = job.id.kind;
            self.jobs[kind.index()] = Some(job);
        }
        for next in &consequence.follow_ups {
            self.queue(next, moment.now);
        }
        for event in consequence.events {
            self.append(&event, moment);
        }
    }

    pub(crate) fn queue(&mut self, next: &FollowUp, now: Timestamp) {
        let id = JobId { onboarding: self.record.id, kind: next.payload.kind() };
        let slot = &mut self.jobs[id.kind.index()];
        *slot = Some(transition::queue(slot.take(), id, &next.payload, now.after(next.after)));
    }

    pub(crate) fn append(&mut self, event: &NewEvent, moment: Moment) {
        if self.epoch != moment.epoch {
            self.epoch = moment.epoch;
            self.record.sequence = 0;
        }
        self.record.sequence += 1;
        self.events.push(Told {
            kind: event.kind,
            id: event_id(self.record.id, event.kind, &event.fact),
            epoch: moment.epoch,
            sequence: self.record.sequence,
        });
    }

    /// Whether a job of another kind waits here.
    pub(crate) fn another_waits(&self, kind: Kind) -> bool {
        self.jobs.iter().flatten().any(|job| job.id.kind != kind && matches!(job.hold, Hold::Waiting))
    }
}
