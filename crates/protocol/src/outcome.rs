//! What handlers come to: the outcomes that the real ones return for the same answers.

use std::time::Duration;

use gangway_jobs::event::{EventType, NewEvent};
use gangway_jobs::failure::{Code, Failure};
use gangway_jobs::id::CustomerId;
use gangway_jobs::job::LeasedJob;
use gangway_jobs::kind::Kind;
use gangway_jobs::kyb::KybStatus;
use gangway_jobs::onboarding::{Certainty, Kyb, LinkState, Patch, Stage};
use gangway_jobs::outcome::{FollowUp, Outcome, Step};
use gangway_jobs::payload::{CreateLink, Payload, PollStatus};
use gangway_jobs::poll::PollPolicy;
use gangway_jobs::transition;

use crate::bounds::{MAX_ATTEMPTS, TICK};
use crate::worker::End;

/// The outcome of an attempt that ended like that.
pub(crate) fn of(end: End, job: &LeasedJob, eager: bool) -> Outcome {
    match (end, job.id.kind) {
        (End::Done, Kind::CreateCustomer) => created(job, eager),
        (End::Done, Kind::CreateLink) => linked(job),
        (End::Done, Kind::PollStatus) => polled(job, "APPROVED"),
        (End::NotYet, _) => polled(job, "INIT"),
        (End::Silence, _) => silence(job),
        (End::Busy, _) => busy(),
    }
}

/// The customer was created or found.
pub(crate) fn created(job: &LeasedJob, eager: bool) -> Outcome {
    let customer_id = CustomerId::parse(&job.record.key.to_string());
    let fact = job.record.key.to_string();
    let event = NewEvent { kind: EventType::CustomerCreated, fact, data: transition::about(&job.record) };
    let patch =
        Patch { customer_id, stage: Some(Stage::Created), certainty: Certainty::Settled, ..Patch::default() };
    let next = if eager {
        Payload::CreateLink(transition::next_link(&job.record))
    } else {
        Payload::PollStatus(PollStatus::default())
    };
    Outcome::Complete(Step { patch, follow_ups: vec![FollowUp::now(next)], events: vec![event] })
}

/// The input of a job that makes a link.
pub(crate) fn link_of(job: &LeasedJob) -> Option<CreateLink> {
    match Payload::decode(job.id.kind, &job.payload) {
        Ok(Payload::CreateLink(link)) => Some(link),
        Ok(_) | Err(_) => None,
    }
}

fn linked(job: &LeasedJob) -> Outcome {
    let ordinal = link_of(job).map_or(0, |link| link.ordinal);
    let link = LinkState { ordinal, expires_at: job.now.after(TICK) };
    let fact = ordinal.to_string();
    let event = NewEvent { kind: EventType::LinkCreated, fact, data: transition::about(&job.record) };
    let patch = Patch { link: Some(link), stage: Some(Stage::Linked), ..Patch::default() };
    Outcome::Complete(Step { patch, follow_ups: vec![poll_now()], events: vec![event] })
}

fn polled(job: &LeasedJob, word: &str) -> Outcome {
    let seen = Kyb { status: KybStatus::new(word), updated_at: "t1".to_owned() };
    PollPolicy::default().decide(&job.record, seen, job.now, 0.0, Duration::ZERO)
}

/// No answer: tried again, and given up after the last attempt; a poll never gives up.
fn silence(job: &LeasedJob) -> Outcome {
    let failure = Failure::new(Code::Unresolved, "no answer", job.now);
    if job.attempt < MAX_ATTEMPTS || job.id.kind == Kind::PollStatus {
        return Outcome::Retry { after: TICK, failure, step: Step::default() };
    }
    let mut step = Step::default();
    if job.id.kind == Kind::CreateLink {
        step.follow_ups.push(poll_now());
    }
    Outcome::Bury { failure, step }
}

/// Not now; the call had no effect.
fn busy() -> Outcome {
    let patch = Patch { certainty: Certainty::NoEffect, ..Patch::default() };
    Outcome::GiveBack { after: TICK, step: Step { patch, ..Step::default() } }
}

fn poll_now() -> FollowUp {
    FollowUp::now(Payload::PollStatus(PollStatus::default()))
}
