//! What one step does to a record and a job: the pure half of every write of the store.
//!
//! A store loads the record and the job, calls a function of this module, and writes all that comes out in one
//! transaction. So the embedded store, the model that tests compare it with and the reader of this file share one truth.
//! In particular the **terminal event** of a round is made here and nowhere else: exactly when the stage of a record goes
//! from open to an end.

mod queue;
mod rounds;

use std::time::Duration;

use serde_json::json;

use crate::clock::Timestamp;
use crate::event::{EventType, NewEvent};
use crate::failure::{Code, Failure};
use crate::id::{LeaseToken, WorkerId};
use crate::job::{Hold, Job, Lease, LeasedJob};
use crate::kind::Kind;
use crate::onboarding::{Patch, Record, Stage};
use crate::outcome::{FollowUp, Outcome, Step};
use crate::payload::{CreateLink, Payload, PollStatus};

pub use queue::{hasten, queue};
pub use rounds::{EndRequest, cancel, erase, next_link, redrive, reopen, want_link};

/// What must be written together with the record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Consequence {
    /// The job as it is now; `None` removes it.
    pub job: Option<Job>,
    /// Jobs to queue; see [`queue`].
    pub follow_ups: Vec<FollowUp>,
    /// Events to append, in this order.
    pub events: Vec<NewEvent>,
    /// The round ended: every job of the onboarding that is not leased is removed, but for [`Consequence::job`].
    pub ended: bool,
}

/// Begins a lease: counts the attempt, marks a create as uncertain.
pub fn lease(
    record: &mut Record,
    job: &mut Job,
    token: LeaseToken,
    worker: WorkerId,
    now: Timestamp,
    length: Duration,
) -> LeasedJob {
    let before = record.clone();
    // Counted here, not at failure: a worker that dies in the middle must still use up one attempt.
    job.attempt += 1;
    #[cfg(feature = "planted")]
    let token = crate::planted::fence(token, job.attempt);
    #[cfg(feature = "planted")]
    crate::planted::remember(token, &before);
    let until = now.after(length);
    job.hold = Hold::Leased(Lease {
        token,
        worker,
        since: now,
        until,
        uncertain_before: before.uncertain_since,
        hastened: false,
    });
    if job.id.kind == Kind::CreateCustomer {
        record.uncertain_since = Some(now);
    }
    LeasedJob {
        id: job.id,
        payload: job.payload.clone(),
        attempt: job.attempt,
        record: before,
        token,
        until,
        now,
        waiting: 0,
    }
}

/// Ends an attempt. The caller has checked the token.
pub fn settle(record: &mut Record, job: Job, lease: &Lease, outcome: Outcome, now: Timestamp) -> Consequence {
    #[cfg(feature = "planted")]
    crate::planted::overwrite(record, lease);
    let consequence = end_attempt(record, job, lease, outcome, now);
    #[cfg(feature = "planted")]
    let consequence = crate::planted::put_apart(record.id, consequence);
    consequence
}

fn end_attempt(
    record: &mut Record,
    mut job: Job,
    lease: &Lease,
    outcome: Outcome,
    now: Timestamp,
) -> Consequence {
    if record.stage.is_end() {
        // Another job of the same onboarding ended the round while this one ran. What it learnt of the customer stays.
        keep_what_is_known(record, job.id.kind, &outcome, lease, now);
        return Consequence::default();
    }
    if record.cancel_requested || record.erase_requested {
        return end_on_request(record, job.id.kind, &outcome, lease, now);
    }
    let kind = job.id.kind;
    match outcome {
        Outcome::Complete(step) => {
            let mut consequence = write(record, None, lease, step, now);
            consequence.follow_ups.extend(link_still_wanted(record, &job, &consequence));
            consequence
        }
        Outcome::Snooze { after, step } => {
            job.due = if lease.hastened { now } else { now.after(after) };
            job.attempt = 0;
            job.losses = 0;
            job.parked = false;
            job.failure = None;
            job.hold = Hold::Waiting;
            write(record, Some(job), lease, step, now)
        }
        Outcome::Retry { after, failure, step } => {
            job.due = now.after(after);
            job.losses = 0;
            job.failure = Some(failure);
            job.hold = Hold::Waiting;
            write(record, Some(job), lease, step, now)
        }
        Outcome::GiveBack { after, step } => {
            job.due = now.after(after);
            job.attempt = job.attempt.saturating_sub(1);
            job.hold = Hold::Waiting;
            let patch_only = Step { patch: step.patch, ..Step::default() };
            write(record, Some(job), lease, patch_only, now)
        }
        Outcome::Bury { failure, step } => {
            job.hold = Hold::Dead(now);
            job.failure = Some(failure.clone());
            job.parked = false;
            let key_refused = refuses_key(kind, &failure);
            let mut patch = Patch { failure: Some(failure), key_refused, ..step.patch };
            if kind != Kind::CreateLink {
                patch.stage = Some(Stage::Dead);
            }
            write(record, Some(job), lease, Step { patch, ..step }, now)
        }
    }
}

fn write(record: &mut Record, job: Option<Job>, lease: &Lease, step: Step, now: Timestamp) -> Consequence {
    step.patch.apply(record, lease.uncertain_before, now);
    let mut events = step.events;
    for data in events.iter_mut().filter_map(|event| event.data.as_object_mut()) {
        // The worker tells the round that its lease found; what it did counts for the present one.
        data.entry("round").and_modify(|round| *round = json!(record.round));
    }
    let ended = record.stage.is_end();
    if ended {
        events.push(end_event(record));
        // A dead onboarding keeps its dead letter; any other end leaves no job.
        let job = job.filter(|job| matches!(job.hold, Hold::Dead(_)));
        return Consequence { job, follow_ups: Vec::new(), events, ended };
    }
    let follow_ups = step.follow_ups.into_iter().map(|next| not_yet_made(record, next)).collect();
    Consequence { job, follow_ups, events, ended }
}

/// A worker numbers the next link by the record that its lease found. One that was made since is used up, or soon will
/// be: the one after it is asked for.
fn not_yet_made(record: &mut Record, next: FollowUp) -> FollowUp {
    if let Payload::CreateLink(link) = &next.payload
        && record.link.is_some_and(|made| made.ordinal >= link.ordinal)
    {
        return FollowUp { payload: want_link(record), ..next };
    }
    next
}

/// Whether that failure is the API's last word on the key of a create.
fn refuses_key(kind: Kind, failure: &Failure) -> bool {
    kind == Kind::CreateCustomer && failure.code.is_definite_refusal()
}

/// A later link was asked for while this one was being made.
fn link_still_wanted(record: &Record, job: &Job, done: &Consequence) -> Option<FollowUp> {
    let made = match Payload::decode(job.id.kind, &job.payload) {
        Ok(Payload::CreateLink(made)) => made.ordinal,
        Ok(_) | Err(_) => return None,
    };
    let queued = done.follow_ups.iter().any(|next| next.payload.kind() == Kind::CreateLink);
    let wanted = !done.ended && !queued && record.links_wanted > made;
    wanted.then(|| FollowUp::now(Payload::CreateLink(CreateLink::new(record, record.links_wanted))))
}

fn keep_what_is_known(record: &mut Record, kind: Kind, outcome: &Outcome, lease: &Lease, now: Timestamp) {
    let known = &outcome.step().patch;
    let buried_key = matches!(outcome, Outcome::Bury { failure, .. } if refuses_key(kind, failure));
    let patch = Patch {
        customer_id: known.customer_id.clone(),
        foreign_customer_id: known.foreign_customer_id.clone(),
        certainty: known.certainty,
        key_refused: buried_key,
        next_generation: known.next_generation,
        ..Patch::default()
    };
    patch.apply(record, lease.uncertain_before, now);
}

fn end_on_request(
    record: &mut Record,
    kind: Kind,
    outcome: &Outcome,
    lease: &Lease,
    now: Timestamp,
) -> Consequence {
    keep_what_is_known(record, kind, outcome, lease, now);
    let mut events: Vec<NewEvent> = outcome
        .step()
        .events
        .iter()
        .filter(|event| event.kind == EventType::CustomerCreated)
        .cloned()
        .collect();
    events.push(end_now(record, now));
    Consequence { events, ended: true, ..Consequence::default() }
}

/// Ends the round as what was asked for; an erasure outranks a cancel.
fn end_now(record: &mut Record, now: Timestamp) -> NewEvent {
    let stage = if record.erase_requested { Stage::Erased } else { Stage::Cancelled };
    record.cancel_requested = false;
    record.erase_requested = false;
    record.move_to(stage, now);
    if stage == Stage::Erased {
        record.reference = None;
        record.timeline.clear();
    }
    end_event(record)
}

/// The terminal event of the round that has just ended.
fn end_event(record: &Record) -> NewEvent {
    let kind = match record.stage {
        Stage::Approved => EventType::Approved,
        Stage::Rejected => EventType::Rejected,
        Stage::Expired => EventType::Expired,
        Stage::Cancelled => EventType::Cancelled,
        Stage::Erased => EventType::Erased,
        Stage::Dead
        | Stage::Accepted
        | Stage::Created
        | Stage::Linked
        | Stage::InReview
        | Stage::ActionRequired => EventType::Dead,
    };
    let mut data = about(record);
    if kind == EventType::Dead {
        data["reason"] = json!(record.failure.as_ref().map(|failure| failure.code));
        data["message"] = json!(record.failure.as_ref().map(|failure| failure.message.as_str()));
    }
    NewEvent { kind, fact: format!("{} {}", record.round, record.stage), data }
}

/// What every event tells of its onboarding.
pub fn about(record: &Record) -> serde_json::Value {
    json!({
        "reference": record.reference,
        "customer_id": record.customer_id,
        "round": record.round,
        "kyb_status": record.kyb.as_ref().map(|kyb| kyb.status.as_str()),
    })
}

/// How a lease that has run out is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The worker died while it ran the job: it counts.
    Worker,
    /// The store was away, or the worker lives and only the lease went: it does not count.
    Excused,
    /// The worker gave the lease back before the handler had started: as if it had not been.
    Unstarted,
}

/// Takes a lease back.
pub fn take_back(
    record: &mut Record,
    mut job: Job,
    lease: &Lease,
    loss: Loss,
    max_losses: u32,
    now: Timestamp,
) -> Consequence {
    match loss {
        Loss::Worker => job.losses += 1,
        Loss::Excused => job.attempt = job.attempt.saturating_sub(1),
        Loss::Unstarted => {
            job.attempt = job.attempt.saturating_sub(1);
            record.uncertain_since = if job.id.kind == Kind::CreateCustomer {
                lease.uncertain_before
            } else {
                record.uncertain_since
            };
        }
    }
    if record.stage.is_end() {
        return Consequence::default();
    }
    if record.cancel_requested || record.erase_requested {
        let event = end_now(record, now);
        return Consequence { events: vec![event], ended: true, ..Consequence::default() };
    }
    if job.losses >= max_losses {
        let failure = Failure::new(
            Code::Poison,
            &format!("the worker died {} times while it ran this job", job.losses),
            now,
        );
        let mut step = Step::default();
        if job.id.kind == Kind::CreateLink {
            step.follow_ups.push(FollowUp::now(Payload::PollStatus(PollStatus::default())));
        }
        return settle(record, job, lease, Outcome::Bury { failure, step }, now);
    }
    job.due = now;
    job.hold = Hold::Waiting;
    Consequence { job: Some(job), ..Consequence::default() }
}

/// The outcome that a refusal becomes when it may be everybody's fault: parked, not buried.
pub fn parked(outcome: &Outcome, after: Duration) -> Outcome {
    let known = &outcome.step().patch;
    let patch = Patch {
        certainty: known.certainty,
        next_generation: known.next_generation,
        // An API that remembers refusals would answer the second look as the first, long after the cause is gone.
        key_refused: matches!(outcome, Outcome::Bury { failure, .. } if failure.code.is_definite_refusal()),
        ..Patch::default()
    };
    Outcome::GiveBack { after, step: Step { patch, ..Step::default() } }
}

/// The outcome that a failure becomes when the API is down for everybody: it costs no attempt.
pub fn excused(outcome: Outcome, after: Duration) -> Outcome {
    match outcome {
        Outcome::Retry { step, .. } | Outcome::Bury { step, .. } | Outcome::GiveBack { step, .. } => {
            let patch = Patch {
                certainty: step.patch.certainty,
                next_generation: step.patch.next_generation,
                ..Patch::default()
            };
            Outcome::GiveBack { after, step: Step { patch, ..Step::default() } }
        }
        done @ (Outcome::Complete(_) | Outcome::Snooze { .. }) => done,
    }
}

#[cfg(test)]
mod tests;
