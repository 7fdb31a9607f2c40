//! What people and hints ask of an onboarding as a whole: its end, another round, another link.

use super::{Consequence, about, end_now};
use crate::clock::Timestamp;
use crate::event::{EventType, NewEvent};
use crate::job::{Hold, Job};
use crate::onboarding::{Record, Stage};
use crate::outcome::FollowUp;
use crate::payload::{CreateLink, Payload, PollStatus};

/// What a request to end an onboarding found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndRequest {
    /// Ended now.
    Ended,
    /// A job is running; its settle ends the onboarding.
    Requested,
    /// Had ended before; nothing changes.
    Already(Stage),
}

/// Calls an onboarding off.
pub fn cancel(record: &mut Record, leased: bool, now: Timestamp) -> (EndRequest, Consequence) {
    if record.stage.is_end() {
        return (EndRequest::Already(record.stage), Consequence::default());
    }
    record.cancel_requested = true;
    request_end(record, leased, now)
}

/// Erases an onboarding. One that has ended is erased too: its record loses what is personal, its end stays published.
pub fn erase(record: &mut Record, leased: bool, now: Timestamp) -> (EndRequest, Consequence) {
    if record.stage == Stage::Erased {
        return (EndRequest::Already(Stage::Erased), Consequence::default());
    }
    if record.stage.is_end() {
        // The latest round's end becomes "erased": a round of its own, so that each round keeps one terminal event.
        record.round += 1;
        record.stage = record.opening_stage();
    }
    record.erase_requested = true;
    request_end(record, leased, now)
}

fn request_end(record: &mut Record, leased: bool, now: Timestamp) -> (EndRequest, Consequence) {
    if leased {
        record.updated_at = now;
        return (EndRequest::Requested, Consequence::default());
    }
    let event = end_now(record, now);
    (EndRequest::Ended, Consequence { events: vec![event], ended: true, ..Consequence::default() })
}

/// Begins the next round of an onboarding that has ended. The caller queues the follow-ups. `payload` is the input of
/// the create; it is left aside if the customer exists.
pub fn reopen(
    record: &mut Record,
    eager_link: bool,
    payload: Option<Payload>,
    now: Timestamp,
) -> Consequence {
    if record.stage == Stage::Rejected {
        record.rejected_before.clone_from(&record.kyb);
    }
    record.round += 1;
    record.failure = None;
    record.stale = false;
    record.status_since = now;
    record.stage = record.opening_stage();
    record.note(now, format!("round {}", record.round));
    let events =
        vec![NewEvent { kind: EventType::Reopened, fact: record.round.to_string(), data: about(record) }];
    let mut follow_ups = Vec::new();
    if record.customer_id.is_none() {
        follow_ups.extend(payload.map(FollowUp::now));
    } else {
        if eager_link && record.status().is_none_or(crate::kyb::Status::allows_link) {
            follow_ups.push(FollowUp::now(want_link(record)));
        }
        follow_ups.push(FollowUp::now(Payload::PollStatus(PollStatus::default())));
    }
    Consequence { job: None, follow_ups, events, ended: false }
}

/// The next link of this onboarding.
pub fn next_link(record: &Record) -> CreateLink {
    let ordinal = record.link.map_or(0, |link| link.ordinal).max(record.links_wanted) + 1;
    CreateLink::new(record, ordinal)
}

/// Asks for another link; answers the payload of the job that makes it.
pub fn want_link(record: &mut Record) -> Payload {
    let link = next_link(record);
    record.links_wanted = link.ordinal;
    Payload::CreateLink(link)
}

/// Puts a dead job back. A round that had ended is reopened.
pub fn redrive(record: &mut Record, mut job: Job, now: Timestamp) -> Consequence {
    job.hold = Hold::Waiting;
    job.attempt = 0;
    job.losses = 0;
    job.parked = false;
    job.due = now;
    if record.stage.is_end() {
        let events = reopen(record, false, None, now).events;
        return Consequence { job: Some(job), follow_ups: Vec::new(), events, ended: false };
    }
    Consequence { job: Some(job), ..Consequence::default() }
}
