//! When to look again, and what a read means.

use super::*;
use crate::customer::{NewCustomer, RawCustomer};
use crate::enqueue::{NewOnboarding, new_record};
use crate::id::CustomerId;
use crate::identity::{Identity, IdentitySecret};
use crate::kyb::KybStatus;
use crate::onboarding::LinkState;

mod cadence;
mod reads;
mod rounds;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

const WORDS: [&str; 9] = [
    "INIT",
    "PENDING_REVIEW",
    "UNDER_REVIEW",
    "PENDING_RESPONSE",
    "ESCALATED",
    "PENDING_APPROVAL",
    "PROVISIONING",
    "APPROVED",
    "REJECTED",
];

fn start() -> Timestamp {
    Timestamp::from_millis(1_000_000_000_000)
}

fn kyb(status: &str, updated_at: &str) -> Kyb {
    Kyb { status: KybStatus::new(status), updated_at: updated_at.to_owned() }
}

/// A customer that exists, read in that status at the start.
fn record(status: &str) -> Record {
    let raw = RawCustomer {
        reference: Some("A-17"),
        email: "a@acme.example",
        first_name: "Ada",
        last_name: "Byron",
        company_name: "Acme",
        customer_type: None,
    };
    let identity = Identity::new(IdentitySecret::new("s"), "default");
    let mut record =
        new_record(&NewOnboarding::new(&identity, NewCustomer::parse(raw).unwrap(), None), start());
    record.customer_id = CustomerId::parse("c-1");
    record.kyb = Some(kyb(status, "t0"));
    record.stage = Stage::Linked;
    record.link = Some(LinkState { ordinal: 1, expires_at: start().after(30 * MINUTE) });
    record
}

fn lazy() -> PollPolicy {
    PollPolicy { eager_links: false, ..PollPolicy::default() }
}

/// Reads a status after that time, without jitter or crowd.
fn read(policy: &PollPolicy, record: &Record, after: Duration, seen: Kyb) -> Outcome {
    policy.decide(record, seen, start().after(after), 0.0, Duration::ZERO)
}

fn stage(outcome: &Outcome) -> Option<Stage> {
    outcome.step().patch.stage
}

fn events(outcome: &Outcome) -> Vec<EventType> {
    outcome.step().events.iter().map(|event| event.kind).collect()
}

fn is_snooze(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Snooze { .. })
}

/// What the store makes of it.
fn settle(record: &mut Record, outcome: &Outcome, after: Duration) {
    outcome.step().patch.clone().apply(record, None, start().after(after));
}
