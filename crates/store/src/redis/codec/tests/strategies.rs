//! Onboardings and rows of every shape, also of shapes that could not come about.
//!
//! The parts are boxed: as one value, all their trees are too much for the stack of a test.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::failure::{Code, Failure};
use gangway_jobs::id::{CustomerId, IdempotencyKey, ImportId, JobId, LeaseToken, OnboardingId, WorkerId};
use gangway_jobs::identity::{ContentDigest, EmailKey};
use gangway_jobs::job::{Hold, Job, Lease};
use gangway_jobs::kind::Kind;
use gangway_jobs::kyb::KybStatus;
use gangway_jobs::onboarding::{Entry, Kyb, LedgerRow, LinkState, Origin, Record, Stage};
use gangway_jobs::payload::{CreateLink, Payload};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use crate::redis::onboarding::{Fence, Onboarding};

const CODES: [Code; 13] = [
    Code::EmailTaken,
    Code::Invalid,
    Code::Refused,
    Code::Unresolved,
    Code::Unreachable,
    Code::ForeignCustomer,
    Code::CustomerMissing,
    Code::Contract,
    Code::Undecodable,
    Code::Poison,
    Code::Unsettleable,
    Code::Panic,
    Code::TimedOut,
];

/// Of today, or of any day, also far before the onboarding was taken in.
fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![1_795_000_000_000..1_796_000_000_000_i64, any::<i64>(), select(vec![0, i64::MIN, i64::MAX])]
        .prop_map(Timestamp::from_millis)
}

fn uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn key() -> impl Strategy<Value = IdempotencyKey> {
    uuid().prop_map(IdempotencyKey::from_uuid)
}

/// Zero, small or any: zero is told by a bit that is not set.
fn number() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), 0..300_u32, any::<u32>()]
}

fn long_number() -> impl Strategy<Value = u64> {
    prop_oneof![0..300_u64, any::<u64>()]
}

fn customer() -> BoxedStrategy<CustomerId> {
    prop_oneof![
        uuid().prop_map(|uuid| uuid.to_string()),
        uuid().prop_map(|uuid| uuid.to_string().to_uppercase()),
        uuid().prop_map(|uuid| uuid.simple().to_string()),
        "[A-Za-z0-9:_-]{1,128}",
    ]
    .prop_filter_map("an id", |text| CustomerId::parse(&text))
    .boxed()
}

fn status() -> BoxedStrategy<String> {
    let known =
        select(vec!["INIT", "PENDING_REVIEW", "pending_response", "REJECTED", "approved", "Approved"]);
    prop_oneof![known.prop_map(str::to_owned), any::<String>(), "[A-Z ]{60,70}"].boxed()
}

fn spelt_time() -> BoxedStrategy<String> {
    prop_oneof![
        "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,10})?Z",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|\\+00:00)",
        any::<String>(),
    ]
    .boxed()
}

fn kyb() -> BoxedStrategy<Kyb> {
    (status(), spelt_time())
        .prop_map(|(status, updated_at)| Kyb { status: KybStatus::new(&status), updated_at })
        .boxed()
}

fn failure() -> BoxedStrategy<Failure> {
    (select(CODES.to_vec()), any::<String>(), time())
        .prop_map(|(code, message, at)| Failure { code, message, at })
        .boxed()
}

fn what() -> BoxedStrategy<String> {
    prop_oneof![
        select(Stage::ALL.to_vec()).prop_map(|stage| stage.as_str().to_owned()),
        status().prop_map(|status| format!("kyb {status}")),
        "(link|round) [+0]?[0-9]{0,10}",
        Just("next generation of the key".to_owned()),
        any::<String>(),
    ]
    .boxed()
}

fn timeline() -> BoxedStrategy<Vec<Entry>> {
    vec((time(), what()).prop_map(|(at, what)| Entry { at, what }), 0..=20).boxed()
}

fn origin() -> BoxedStrategy<Origin> {
    (uuid(), long_number(), any::<bool>())
        .prop_map(|(import, row, revived)| Origin { import: ImportId::from_uuid(import), row, revived })
        .boxed()
}

fn link() -> impl Strategy<Value = LinkState> {
    (number(), time()).prop_map(|(ordinal, expires_at)| LinkState { ordinal, expires_at })
}

prop_compose! {
    fn record()(
        (id, reference, origin, email, content) in
            (uuid(), of(any::<String>()), of(origin()), any::<[u8; 16]>(), any::<[u8; 16]>()),
        (key, earlier_keys, stage) in (key(), vec(key(), 0..=8), select(Stage::ALL.to_vec())),
        (round, generation, links_wanted, polls, sequence) in
            (number(), number(), number(), long_number(), long_number()),
        (key_refused, stale, cancel_requested, erase_requested) in any::<(bool, bool, bool, bool)>(),
        (customer_id, foreign_customer_id) in (of(customer()), of(customer())),
        (kyb, rejected_before, failure) in (of(kyb()), of(kyb()), of(failure())),
        (status_since, created_at, updated_at) in (time(), time(), time()),
        (uncertain_since, hinted_at, link, timeline) in (of(time()), of(time()), of(link()), timeline()),
    ) -> Record {
        Record {
            id: OnboardingId::from_uuid(id),
            email_key: EmailKey::from_bytes(email),
            content: ContentDigest::from_bytes(content),
            reference, origin, stage, round, generation, key, earlier_keys, key_refused, uncertain_since,
            customer_id, foreign_customer_id, kyb, status_since, rejected_before, hinted_at, link,
            links_wanted, stale, cancel_requested, erase_requested, failure, polls, sequence, created_at,
            updated_at, timeline,
        }
    }
}

fn payload() -> BoxedStrategy<String> {
    prop_oneof![
        Just(r#"{"v":1}"#.to_owned()),
        (number(), uuid())
            .prop_map(|(ordinal, key)| Payload::CreateLink(CreateLink { ordinal, key }).encode()),
        (number(), uuid())
            .prop_map(|(ordinal, key)| { format!(r#"{{"v":1,"ordinal":{ordinal:02},"key":"{key}"}}"#) }),
        any::<String>(),
    ]
    .boxed()
}

fn hold() -> BoxedStrategy<Hold> {
    let lease = (uuid(), uuid(), time(), time(), of(time()), any::<bool>()).prop_map(
        |(token, worker, since, until, uncertain_before, hastened)| {
            let (token, worker) = (LeaseToken::from_uuid(token), WorkerId::from_uuid(worker));
            Hold::Leased(Lease { token, worker, since, until, uncertain_before, hastened })
        },
    );
    prop_oneof![Just(Hold::Waiting), time().prop_map(Hold::Dead), lease].boxed()
}

fn job(kind: Kind) -> BoxedStrategy<Job> {
    let id = JobId { onboarding: OnboardingId::from_uuid(Uuid::nil()), kind };
    (payload(), time(), number(), number(), any::<bool>(), of(failure()), hold())
        .prop_map(move |(payload, due, attempt, losses, parked, failure, hold)| Job {
            id,
            payload,
            due,
            attempt,
            losses,
            parked,
            failure,
            hold,
        })
        .boxed()
}

pub(super) fn fences() -> impl Strategy<Value = [Option<Fence>; 3]> {
    any::<[Option<[u8; 8]>; 3]>().prop_map(|fences| fences.map(|fence| fence.map(Fence)))
}

/// An onboarding, its jobs waiting, leased or dead.
pub(super) fn onboarding() -> BoxedStrategy<Onboarding> {
    let jobs = (of(job(Kind::ALL[0])), of(job(Kind::ALL[1])), of(job(Kind::ALL[2])));
    (record().boxed(), jobs, fences(), long_number(), long_number())
        .prop_map(|(record, jobs, fences, place, epoch_number)| {
            let mut jobs: [Option<Job>; 3] = jobs.into();
            for job in jobs.iter_mut().flatten() {
                job.id.onboarding = record.id;
            }
            Onboarding { place, epoch_number, record, jobs, fences }
        })
        .boxed()
}

prop_compose! {
    /// A ledger row.
    pub(super) fn row()(
        id in uuid(),
        email in of(any::<[u8; 16]>()),
        content in of(any::<[u8; 16]>()),
        customer_id in of(customer()),
        end in select(Stage::ALL.to_vec()),
        (round, definite, sequence) in (number(), any::<bool>(), long_number()),
        later_key in of((number(), key())),
    ) -> LedgerRow {
        LedgerRow {
            id: OnboardingId::from_uuid(id),
            email_key: email.map(EmailKey::from_bytes),
            content: content.map(ContentDigest::from_bytes),
            customer_id, end, round, definite, later_key, sequence,
        }
    }
}
