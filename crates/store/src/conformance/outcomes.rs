//! The outcomes that the handlers of a story come to.

use std::time::Duration;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::event::{EventType, NewEvent};
use gangway_jobs::failure::{Code, Failure};
use gangway_jobs::job::LeasedJob;
use gangway_jobs::kyb::KybStatus;
use gangway_jobs::onboarding::{Certainty, Kyb, LinkState, Patch, Stage};
use gangway_jobs::outcome::{FollowUp, Outcome, Step};
use gangway_jobs::payload::{Payload, PollStatus};
use gangway_jobs::poll::PollPolicy;
use gangway_jobs::signal::{Blame, Refusal, Signal};
use gangway_jobs::transition;

use super::world::customer_of;

/// The customer was created; a link is next.
pub fn created(job: &LeasedJob) -> Outcome {
    let id = customer_of(job.id.onboarding);
    let mut data = transition::about(&job.record);
    data["customer_id"] = serde_json::json!(id);
    let event = NewEvent { kind: EventType::CustomerCreated, fact: id.to_string(), data };
    let patch = Patch {
        customer_id: Some(id),
        stage: Some(Stage::Created),
        certainty: Certainty::Settled,
        ..Patch::default()
    };
    let follow_ups = vec![FollowUp::now(Payload::CreateLink(transition::next_link(&job.record)))];
    Outcome::Complete(Step { patch, follow_ups, events: vec![event] })
}

/// A link was made; polling begins.
pub fn linked(job: &LeasedJob) -> Outcome {
    let link = LinkState {
        ordinal: job.record.link.map_or(1, |link| link.ordinal + 1),
        expires_at: job.now.after(Duration::from_mins(30)),
    };
    let mut data = transition::about(&job.record);
    data["url"] = "https://kyb.example/?token=secret".into();
    let event = NewEvent { kind: EventType::LinkCreated, fact: link.ordinal.to_string(), data };
    let patch = Patch { link: Some(link), stage: Some(Stage::Linked), ..Patch::default() };
    let follow_ups = vec![FollowUp::now(Payload::PollStatus(PollStatus::default()))];
    Outcome::Complete(Step { patch, follow_ups, events: vec![event] })
}

/// What a poll that reads `word` comes to.
pub fn polled(job: &LeasedJob, word: &str, updated_at: &str) -> Outcome {
    let seen = Kyb { status: KybStatus::new(word), updated_at: updated_at.to_owned() };
    PollPolicy::default().decide(&job.record, seen, job.now, 0.0, Duration::ZERO)
}

pub fn snooze(seconds: u64) -> Outcome {
    Outcome::Snooze { after: Duration::from_secs(seconds), step: Step::default() }
}

pub fn retry(seconds: u64) -> Outcome {
    let failure = failure(Code::Unreachable);
    Outcome::Retry { after: Duration::from_secs(seconds), failure, step: Step::default() }
}

/// Buried, with all that a definite code makes certain.
pub fn bury(code: Code) -> Outcome {
    let certainty = if code.is_definite_refusal() { Certainty::Settled } else { Certainty::Unknown };
    let patch = Patch { certainty, ..Patch::default() };
    Outcome::Bury { failure: failure(code), step: Step { patch, ..Step::default() } }
}

/// Given back; the call had no effect.
pub fn give_back(seconds: u64) -> Outcome {
    let patch = Patch { certainty: Certainty::NoEffect, ..Patch::default() };
    Outcome::GiveBack { after: Duration::from_secs(seconds), step: Step { patch, ..Step::default() } }
}

pub fn failure(code: Code) -> Failure {
    Failure::new(code, "so it is", Timestamp::from_millis(0))
}

pub fn refused(text: &str, blame: Blame) -> Signal {
    Signal::Refused(Refusal { status: 400, text: text.to_owned(), blame })
}

pub const HEALTHY: Signal = Signal::Healthy { fresh: true };

pub const DOWN: Signal = Signal::Down { internal: false };
