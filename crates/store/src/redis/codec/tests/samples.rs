//! Onboardings to store: one from everyday life, and one with all that there can be.

use std::time::Duration;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::customer::{NewCustomer, RawCustomer};
use gangway_jobs::enqueue::{NewOnboarding, new_record};
use gangway_jobs::failure::{Code, Failure};
use gangway_jobs::id::{CustomerId, IdempotencyKey, ImportId, JobId, LeaseToken, OnboardingId, WorkerId};
use gangway_jobs::identity::{ContentDigest, EmailKey, Identity, IdentitySecret};
use gangway_jobs::job::{Hold, Job};
use gangway_jobs::kind::Kind;
use gangway_jobs::kyb::KybStatus;
use gangway_jobs::onboarding::{Certainty, Entry, Kyb, LinkState, Origin, Patch, Record, Stage};
use gangway_jobs::outcome::{Outcome, Step};
use gangway_jobs::payload::{CreateLink, Payload, PollStatus};
use gangway_jobs::transition;
use uuid::Uuid;

use crate::redis::onboarding::{Fence, Onboarding};

const HOUR: Duration = Duration::from_hours(1);

pub(super) const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_795_341_600_000 + seconds * 1_000)
}

pub(super) const fn fence(n: u8) -> Fence {
    Fence([n; 8])
}

/// Leases and settles the job of a record.
fn work(record: &mut Record, job: &mut Job, outcome: Outcome, now: Timestamp) -> Option<Job> {
    let token = LeaseToken::from_uuid(Uuid::from_u128(7));
    transition::lease(record, job, token, WorkerId::from_uuid(Uuid::from_u128(8)), now, HOUR);
    let lease = *job.lease().unwrap();
    transition::settle(record, job.clone(), &lease, outcome, now.after(Duration::from_millis(313))).job
}

fn complete(record: &mut Record, payload: &Payload, patch: Patch, now: Timestamp) {
    let id = JobId { onboarding: record.id, kind: payload.kind() };
    let mut job = Job::new(id, payload.encode(), now);
    assert_eq!(work(record, &mut job, Outcome::Complete(Step { patch, ..Step::default() }), now), None);
}

/// One that was imported, created and linked, and waits for its next poll after fourteen.
pub(super) fn polled() -> Onboarding {
    let raw = RawCustomer {
        reference: Some("partner-4711"),
        email: "ada@engines.example",
        first_name: "Ada",
        last_name: "Byron",
        company_name: "Engines",
        ..RawCustomer::default()
    };
    let identity = Identity::new(IdentitySecret::new("test"), "default");
    let row = Some((ImportId::from_uuid(Uuid::from_u128(u128::MAX / 3)), 654_321));
    let new = NewOnboarding::new(&identity, NewCustomer::parse(raw).unwrap(), row);
    let mut record = new_record(&new, at(0));
    let created = Patch {
        customer_id: CustomerId::parse("0b9f5a52-3c1d-4c6e-9a57-2f6d1f0c8e11"),
        stage: Some(Stage::Created),
        certainty: Certainty::Settled,
        link_wanted: Some(1),
        ..Patch::default()
    };
    complete(&mut record, &new.payload(), created, at(95));
    let link = LinkState { ordinal: 1, expires_at: at(7 * 86_400) };
    let linked = Patch { link: Some(link), stage: Some(Stage::Linked), ..Patch::default() };
    let payload = Payload::CreateLink(CreateLink::new(&record, 1));
    complete(&mut record, &payload, linked, at(97));
    let job = poll(&mut record);
    // As the store does for each event.
    record.sequence = 4;
    let jobs = [None, None, Some(job)];
    Onboarding { place: 654_321, epoch_number: 2, record, jobs, fences: [1, 2, 3].map(|n| Some(fence(n))) }
}

fn poll(record: &mut Record) -> Job {
    let id = JobId { onboarding: record.id, kind: Kind::PollStatus };
    let mut job = Job::new(id, Payload::PollStatus(PollStatus::default()).encode(), at(100));
    for n in 1..=14 {
        let patch = Patch {
            kyb: Some(kyb("PENDING_REVIEW", "2026-11-22T10:00:00.000Z")),
            stage: Some(Stage::InReview),
            polled: true,
            certainty: Certainty::NoEffect,
            ..Patch::default()
        };
        let outcome = Outcome::Snooze { after: HOUR, step: Step { patch, ..Step::default() } };
        job = work(record, &mut job, outcome, at(n * 3_600)).unwrap();
    }
    job
}

fn key(n: u128) -> IdempotencyKey {
    IdempotencyKey::from_uuid(Uuid::from_u128(n << 64 | n))
}

fn kyb(status: &str, updated_at: &str) -> Kyb {
    Kyb { status: KybStatus::new(status), updated_at: updated_at.to_owned() }
}

fn failure(code: Code, message: &str) -> Failure {
    Failure { code, message: message.to_owned(), at: at(40) }
}

/// One that has every part there is, each in some form; not one that could come about.
pub(super) fn everything() -> Onboarding {
    let record = everything_recorded();
    let job = |kind, payload: String, due| Job::new(JobId { onboarding: record.id, kind }, payload, due);
    let link = r#"{"v":1,"ordinal":300,"key":"0005eed0-0000-0000-0000-000000000000"}"#;
    let jobs = [
        Some(Job {
            attempt: 2,
            losses: 1,
            failure: Some(failure(Code::Unreachable, "no answer")),
            ..job(Kind::CreateCustomer, r#"{"v":1,"customer":{}}"#.to_owned(), at(50))
        }),
        Some(Job {
            hold: Hold::Dead(at(60)),
            parked: true,
            ..job(Kind::CreateLink, link.to_owned(), at(-9))
        }),
        Some(job(Kind::PollStatus, r#"{"v":1}"#.to_owned(), at(3_600))),
    ];
    let fences = [Some(fence(0xf1)), Some(fence(0xf2)), Some(fence(0xf3))];
    Onboarding { place: 1_000_000, epoch_number: 300, record, jobs, fences }
}

fn everything_recorded() -> Record {
    let entry = |seconds, what: &str| Entry { at: at(seconds), what: what.to_owned() };
    Record {
        id: OnboardingId::from_uuid(Uuid::from_u128(0xfeed)),
        reference: Some("Größe 7".to_owned()),
        origin: Some(Origin {
            import: ImportId::from_uuid(Uuid::from_u128(0x1234 << 112)),
            row: 77_777,
            revived: true,
        }),
        email_key: EmailKey::from_bytes([0xee; 16]),
        content: ContentDigest::from_bytes([0xcc; 16]),
        stage: Stage::ActionRequired,
        round: 2,
        generation: 1,
        key: key(0xa1),
        earlier_keys: vec![key(0xa2), key(0xa3)],
        key_refused: true,
        uncertain_since: Some(at(10)),
        customer_id: CustomerId::parse("0b9f5a52-3c1d-4c6e-9a57-2f6d1f0c8e11"),
        foreign_customer_id: CustomerId::parse("cus_other"),
        kyb: Some(kyb("PENDING_RESPONSE", "2026-11-23T11:22:33.123456Z")),
        status_since: at(-20),
        rejected_before: Some(kyb("Frozen", "yesterday")),
        hinted_at: Some(at(30)),
        link: Some(LinkState { ordinal: 2, expires_at: at(86_400) }),
        links_wanted: 3,
        stale: true,
        cancel_requested: true,
        erase_requested: true,
        failure: Some(failure(Code::Contract, "no link in the answer")),
        polls: 128,
        sequence: 9,
        created_at: at(0),
        updated_at: at(45),
        timeline: vec![
            entry(0, "accepted"),
            entry(1, "link 2"),
            entry(1, "kyb rejected"),
            entry(2, "round 2"),
            entry(-3, "next generation of the key"),
            entry(45, "anything else"),
        ],
    }
}
