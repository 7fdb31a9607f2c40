//! How the customers of this case come to wait: what the real handlers answer when all goes well.

use std::time::Duration;

use gangway_jobs::event::{EventType, NewEvent};
use gangway_jobs::job::LeasedJob;
use gangway_jobs::kyb::KybStatus;
use gangway_jobs::onboarding::{Certainty, Kyb, LinkState, Patch, Stage};
use gangway_jobs::outcome::{FollowUp, Outcome, Step};
use gangway_jobs::payload::{Payload, PollStatus};
use gangway_jobs::transition;
use gangway_worker::Ended;

use crate::handlers::HEALTHY;
use crate::straight::customer_of;

/// The API spells times like this.
const UPDATED_AT: &str = "2026-03-01T09:00:01.123Z";

/// The customer was created.
pub(super) fn created(job: &LeasedJob) -> Ended {
    let customer = customer_of(job);
    let mut data = transition::about(&job.record);
    data["customer_id"] = serde_json::json!(customer);
    data["kyb_status"] = "INIT".into();
    let fact = customer.as_ref().map(ToString::to_string).unwrap_or_default();
    let patch = Patch {
        stage: Some(Stage::Created),
        customer_id: customer,
        kyb: Some(init()),
        certainty: Certainty::Settled,
        ..Patch::default()
    };
    let next = FollowUp::now(Payload::CreateLink(transition::next_link(&job.record)));
    complete(patch, next, NewEvent { kind: EventType::CustomerCreated, fact, data })
}

/// The link was made.
pub(super) fn linked(job: &LeasedJob) -> Ended {
    let expires_at = job.now.after(Duration::from_mins(30));
    let link = transition::next_link(&job.record);
    let mut data = transition::about(&job.record);
    data["url"] = format!("https://onboarding.1money.com/start?token={}", link.key.simple()).into();
    data["expires_at"] = expires_at.to_string().into();
    data["ordinal"] = link.ordinal.into();
    let patch = Patch {
        stage: Some(Stage::Linked),
        link: Some(LinkState { ordinal: link.ordinal, expires_at }),
        ..Patch::default()
    };
    let next = FollowUp::now(Payload::PollStatus(PollStatus::default()));
    complete(patch, next, NewEvent { kind: EventType::LinkCreated, fact: link.key.to_string(), data })
}

/// Nothing has changed: look again in an hour.
pub(super) fn waits(_job: &LeasedJob) -> Ended {
    unchanged(Duration::from_hours(1))
}

/// Nothing has changed: look again at once.
pub(super) fn due_again(_job: &LeasedJob) -> Ended {
    unchanged(Duration::ZERO)
}

fn unchanged(after: Duration) -> Ended {
    let patch = Patch { stage: Some(Stage::Linked), kyb: Some(init()), polled: true, ..Patch::default() };
    Ended { outcome: Outcome::Snooze { after, step: Step { patch, ..Step::default() } }, signal: HEALTHY }
}

fn init() -> Kyb {
    Kyb { status: KybStatus::new("INIT"), updated_at: UPDATED_AT.to_owned() }
}

fn complete(patch: Patch, next: FollowUp, event: NewEvent) -> Ended {
    let step = Step { patch, follow_ups: vec![next], events: vec![event] };
    Ended { outcome: Outcome::Complete(step), signal: HEALTHY }
}
