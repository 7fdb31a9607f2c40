use super::*;
use crate::customer::{NewCustomer, RawCustomer};
use crate::enqueue::{self, NewOnboarding};
use crate::id::{CustomerId, JobId};
use crate::identity::{Identity, IdentitySecret};
use crate::kyb::KybStatus;
use crate::onboarding::{Certainty, Kyb, LedgerRow, LinkState};

const LENGTH: Duration = Duration::from_secs(30);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn token(n: u128) -> LeaseToken {
    LeaseToken::from_uuid(uuid::Uuid::from_u128(n))
}

fn identity() -> Identity {
    Identity::new(IdentitySecret::new("test"), "default")
}

fn customer(email: &str) -> NewCustomer {
    NewCustomer::parse(RawCustomer {
        reference: Some("ref-1"),
        email,
        first_name: "Ada",
        last_name: "Byron",
        company_name: "Engines",
        customer_type: None,
    })
    .unwrap()
}

fn new() -> NewOnboarding {
    NewOnboarding::new(&identity(), customer("ada@engines.example"), None)
}

/// A record and its create job, just taken in.
fn taken_in() -> (Record, Job) {
    let new = new();
    let id = JobId { onboarding: new.id, kind: Kind::CreateCustomer };
    (enqueue::new_record(&new, at(0)), Job::new(id, new.payload().encode(), at(0)))
}

fn leased(record: &mut Record, mut job: Job, seconds: i64) -> (Job, Lease) {
    let worker = WorkerId::from_uuid(uuid::Uuid::nil());
    lease(record, &mut job, token(1), worker, at(seconds), LENGTH);
    let lease = *job.lease().unwrap();
    (job, lease)
}

fn refused(certainty: Certainty) -> Outcome {
    let failure = Failure::new(Code::Invalid, "unknown variant", at(1));
    Outcome::Bury {
        failure,
        step: Step { patch: Patch { certainty, ..Patch::default() }, ..Step::default() },
    }
}

fn found(customer: &str) -> Step {
    let patch = Patch {
        customer_id: CustomerId::parse(customer),
        certainty: Certainty::Settled,
        stage: Some(Stage::Created),
        ..Patch::default()
    };
    let created = NewEvent { kind: EventType::CustomerCreated, fact: customer.to_owned(), data: json!({}) };
    Step { patch, follow_ups: Vec::new(), events: vec![created] }
}

fn kinds(consequence: &Consequence) -> Vec<EventType> {
    consequence.events.iter().map(|event| event.kind).collect()
}

#[test]
fn a_lease_counts_the_attempt_and_marks_the_create_but_shows_the_record_as_it_was() {
    let (mut record, mut job) = taken_in();
    let worker = WorkerId::from_uuid(uuid::Uuid::nil());
    let leased = lease(&mut record, &mut job, token(1), worker, at(5), LENGTH);
    assert_eq!((leased.attempt, leased.record.uncertain_since), (1, None));
    assert_eq!(record.uncertain_since, Some(at(5)));
    assert_eq!(leased.until, at(35));
}

#[test]
fn giving_back_restores_attempt_and_uncertainty_as_the_lease_found_them() {
    let (mut record, job) = taken_in();
    record.uncertain_since = Some(at(1));
    let (job, lease) = leased(&mut record, job, 5);
    let back =
        Step { patch: Patch { certainty: Certainty::NoEffect, ..Patch::default() }, ..Step::default() };
    let outcome = Outcome::GiveBack { after: Duration::from_secs(2), step: back };
    let job = settle(&mut record, job, &lease, outcome, at(6)).job.unwrap();
    assert_eq!((job.attempt, job.due), (0, at(8)));
    assert_eq!(record.uncertain_since, Some(at(1)));
}

#[test]
fn a_snooze_of_a_hastened_lease_is_due_at_once_and_forgets_failures() {
    let (mut record, mut job) = taken_in();
    (job.attempt, job.losses, job.parked) = (4, 2, true);
    let (mut job, _) = leased(&mut record, job, 5);
    hasten(&mut job, at(6));
    let lease = *job.lease().unwrap();
    let snooze = Outcome::Snooze { after: Duration::from_mins(10), step: Step::default() };
    let job = settle(&mut record, job, &lease, snooze, at(7)).job.unwrap();
    assert_eq!((job.due, job.attempt, job.losses, job.parked), (at(7), 0, 0, false));
}

#[test]
fn a_cancel_while_leased_ends_at_the_settle_and_keeps_the_customer() {
    let (mut record, job) = taken_in();
    let (job, lease) = leased(&mut record, job, 5);
    assert_eq!(cancel(&mut record, true, at(6)).0, EndRequest::Requested);
    let done = settle(&mut record, job, &lease, Outcome::Complete(found("c-1")), at(7));
    assert_eq!(kinds(&done), [EventType::CustomerCreated, EventType::Cancelled]);
    assert_eq!((record.stage, done.job, done.ended), (Stage::Cancelled, None, true));
    assert_eq!(record.customer_id, CustomerId::parse("c-1"));
}

#[test]
fn a_cancel_forgets_neither_that_the_key_was_refused_nor_which_key_it_was() {
    let (mut record, job) = taken_in();
    let (job, lease) = leased(&mut record, job, 5);
    let first = record.key;
    let next = identity().idempotency_key(None, &customer("ada@engines.example").email, 1);
    cancel(&mut record, true, at(6));
    let mut outcome = refused(Certainty::Settled);
    if let Outcome::Bury { step, .. } = &mut outcome {
        step.patch.next_generation = Some(next);
    }
    settle(&mut record, job, &lease, outcome, at(7));
    assert_eq!((record.stage, record.key, record.generation), (Stage::Cancelled, next, 1));
    assert_eq!((record.earlier_keys, record.key_refused), (vec![first], true));
}

#[test]
fn an_erasure_outranks_a_cancel_and_empties_the_record() {
    let (mut record, job) = taken_in();
    let (job, lease) = leased(&mut record, job, 5);
    cancel(&mut record, true, at(6));
    erase(&mut record, true, at(6));
    let done = settle(&mut record, job, &lease, refused(Certainty::Settled), at(7));
    assert_eq!(kinds(&done), [EventType::Erased]);
    assert_eq!((record.stage, record.reference, record.timeline), (Stage::Erased, None, Vec::new()));
    assert_eq!(done.events[0].data["reference"], serde_json::Value::Null);
}

#[test]
fn erasing_what_has_ended_is_a_round_of_its_own() {
    let (mut record, job) = taken_in();
    let (job, lease) = leased(&mut record, job, 5);
    let dead = settle(&mut record, job, &lease, refused(Certainty::Settled), at(6));
    let (answer, erased) = erase(&mut record, false, at(7));
    assert_eq!(answer, EndRequest::Ended);
    assert_ne!(dead.events[0].fact, erased.events[0].fact);
    assert_eq!(erase(&mut record, false, at(8)).0, EndRequest::Already(Stage::Erased));
}

#[test]
fn a_buried_create_ends_the_onboarding_and_keeps_its_dead_letter() {
    let (mut record, job) = taken_in();
    let (job, lease) = leased(&mut record, job, 5);
    let done = settle(&mut record, job, &lease, refused(Certainty::Settled), at(6));
    assert_eq!(kinds(&done), [EventType::Dead]);
    assert_eq!(done.events[0].data["reason"], "invalid");
    assert_eq!(done.job.map(|job| job.hold), Some(Hold::Dead(at(6))));
    assert_eq!((record.stage, record.key_refused), (Stage::Dead, true));
    assert!(record.no_customer_can_exist());
}

#[test]
fn the_key_that_was_refused_is_the_one_of_the_next_generation_if_it_changed() {
    let (mut record, job) = taken_in();
    let (job, lease) = leased(&mut record, job, 5);
    let next = identity().idempotency_key(None, &customer("ada@engines.example").email, 1);
    let mut outcome = refused(Certainty::Settled);
    if let Outcome::Bury { step, .. } = &mut outcome {
        step.patch.next_generation = Some(next);
    }
    settle(&mut record, job, &lease, outcome, at(6));
    assert_eq!((record.key, record.key_refused), (next, true));
}

#[test]
fn a_parked_refusal_costs_nothing_and_remembers_that_the_key_was_refused() {
    let (mut record, job) = taken_in();
    let (job, lease) = leased(&mut record, job, 5);
    let outcome = parked(&refused(Certainty::Settled), Duration::ZERO);
    let done = settle(&mut record, job, &lease, outcome, at(6));
    assert_eq!((done.events, done.job.map(|job| job.attempt)), (Vec::new(), Some(0)));
    assert_eq!((record.stage, record.key_refused, record.uncertain_since), (Stage::Accepted, true, None));
}

#[test]
fn parking_an_uncertain_retry_does_not_start_its_window_anew() {
    let (mut record, job) = taken_in();
    record.uncertain_since = Some(at(1));
    let (job, lease) = leased(&mut record, job, 5);
    let step =
        Step { patch: Patch { certainty: Certainty::NoEffect, ..Patch::default() }, ..Step::default() };
    let failure = Failure::new(Code::Invalid, "unknown variant", at(5));
    let retry = Outcome::Retry { after: LENGTH, failure, step };
    settle(&mut record, job, &lease, parked(&retry, Duration::ZERO), at(6));
    assert_eq!((record.uncertain_since, record.key_refused), (Some(at(1)), false));
}

#[test]
fn a_buried_link_does_not_end_the_onboarding() {
    let (mut record, _) = taken_in();
    record.customer_id = CustomerId::parse("c-1");
    let id = JobId { onboarding: record.id, kind: Kind::CreateLink };
    let (job, lease) = leased(&mut record, Job::new(id, String::new(), at(0)), 5);
    let done = settle(&mut record, job, &lease, refused(Certainty::Unknown), at(6));
    assert_eq!((record.stage, done.ended, done.events), (Stage::Accepted, false, Vec::new()));
    assert!(done.job.is_some());
    assert!(!record.key_refused);
}

#[test]
fn the_third_loss_buries_as_poison_and_a_poisoned_link_goes_on_polling() {
    let (mut record, job) = taken_in();
    let mut waiting = job;
    for loss in 1..3 {
        let (job, lease) = leased(&mut record, waiting, 5);
        waiting = take_back(&mut record, job, &lease, Loss::Worker, 3, at(6)).job.unwrap();
        assert_eq!((waiting.losses, waiting.attempt), (loss, loss));
    }
    let (job, lease) = leased(&mut record, waiting, 7);
    let done = take_back(&mut record, job, &lease, Loss::Worker, 3, at(8));
    assert_eq!(kinds(&done), [EventType::Dead]);
    assert_eq!(record.failure.as_ref().map(|failure| failure.code), Some(Code::Poison));
    assert!(record.uncertain_since.is_some(), "a customer may exist");

    let (mut record, _) = taken_in();
    let id = JobId { onboarding: record.id, kind: Kind::CreateLink };
    let mut job = Job::new(id, String::new(), at(0));
    job.losses = 2;
    let (job, lease) = leased(&mut record, job, 5);
    let done = take_back(&mut record, job, &lease, Loss::Worker, 3, at(6));
    assert_eq!(done.follow_ups.len(), 1);
    assert!(!done.ended);
}

#[test]
fn what_is_taken_back_unstarted_never_was() {
    let (mut record, job) = taken_in();
    let (job, lease) = leased(&mut record, job, 5);
    let job = take_back(&mut record, job, &lease, Loss::Unstarted, 3, at(6)).job.unwrap();
    assert_eq!((job.attempt, job.losses, record.uncertain_since), (0, 0, None));
}

#[test]
fn a_round_that_reopens_creates_nobody_who_exists() {
    let (mut record, _) = taken_in();
    record.stage = Stage::Cancelled;
    let again = reopen(&mut record, true, Some(new().payload()), at(9));
    assert_eq!(again.follow_ups.iter().map(|f| f.payload.kind()).collect::<Vec<_>>(), [Kind::CreateCustomer]);

    record.stage = Stage::Cancelled;
    record.customer_id = CustomerId::parse("c-1");
    let again = reopen(&mut record, true, Some(new().payload()), at(9));
    let kinds: Vec<Kind> = again.follow_ups.iter().map(|f| f.payload.kind()).collect();
    assert_eq!((record.round, kinds), (3, vec![Kind::CreateLink, Kind::PollStatus]));
}

#[test]
fn a_rejected_round_that_reopens_remembers_which_rejection_was_the_last_ones() {
    let (mut record, _) = taken_in();
    record.customer_id = CustomerId::parse("c-1");
    record.kyb = Some(Kyb { status: KybStatus::new("REJECTED"), updated_at: "t".to_owned() });
    record.stage = Stage::Rejected;
    reopen(&mut record, true, None, at(9));
    assert_eq!((record.stage, &record.rejected_before), (Stage::Created, &record.kyb));
}

#[test]
fn a_redriven_dead_letter_begins_a_round_and_an_attempt() {
    let (mut record, job) = taken_in();
    let (job, lease) = leased(&mut record, job, 5);
    let dead = settle(&mut record, job, &lease, refused(Certainty::Settled), at(6)).job.unwrap();
    let again = redrive(&mut record, dead, at(7));
    assert_eq!(kinds(&again), [EventType::Reopened]);
    assert_eq!((record.stage, record.round), (Stage::Accepted, 2));
    assert_eq!(again.job.map(|job| (job.attempt, job.due, job.hold)), Some((0, at(7), Hold::Waiting)));
}

#[test]
fn what_is_queued_twice_is_hastened_and_a_dead_letter_gives_way() {
    let (_, waiting) = taken_in();
    let payload = new().payload();
    let mut later = waiting.clone();
    later.due = at(60);
    assert_eq!(queue(Some(later.clone()), later.id, &payload, at(5)).due, at(5));
    assert_eq!(queue(Some(waiting), later.id, &payload, at(5)).due, at(0));
    later.hold = Hold::Dead(at(1));
    assert_eq!(queue(Some(later.clone()), later.id, &payload, at(5)).hold, Hold::Waiting);
}

#[test]
fn a_record_that_comes_back_from_its_ledger_row_goes_on_counting_under_its_own_key() {
    let (mut record, _) = taken_in();
    let next = identity().idempotency_key(None, &customer("ada@engines.example").email, 1);
    record.retire_key(next);
    record.generation = 1;
    record.sequence = 4;
    record.stage = Stage::Dead;
    record.failure = Some(Failure::new(Code::Unresolved, "", at(1)));
    let row = LedgerRow::of(&record);
    assert!(!row.definite);
    let again = enqueue::record_from_ledger(&new(), &row, at(90));
    assert_eq!((again.key, again.generation, again.sequence), (next, 1, 4));
    assert_eq!(again.earlier_keys, [new().key]);
}

#[test]
fn a_ledger_row_of_an_erased_onboarding_leads_back_to_nobody() {
    let (mut record, _) = taken_in();
    erase(&mut record, false, at(1));
    let row = LedgerRow::of(&record);
    assert_eq!((row.email_key, row.content, row.later_key), (None, None, None));
    assert_eq!(row.end, Stage::Erased);
}

#[test]
fn a_link_asked_for_while_an_older_one_is_being_made_is_made_too() {
    let mut record = known_at(Stage::ActionRequired);
    let older = Payload::CreateLink(next_link(&record));
    let newer = want_link_twice(&mut record);
    let id = JobId { onboarding: record.id, kind: Kind::CreateLink };

    // Waiting: the job turns to the newer link, and never back.
    let waiting = queue(Some(Job::new(id, older.encode(), at(0))), id, &newer, at(0));
    assert_eq!(waiting.payload, newer.encode());
    assert_eq!(queue(Some(waiting), id, &older, at(0)).payload, newer.encode());

    // Leased: what comes out may be the replay of a link that is used up already; the newer one follows.
    let (job, held) = leased(&mut record, Job::new(id, older.encode(), at(0)), 1);
    let done = settle(&mut record, job, &held, Outcome::Complete(Step::default()), at(2));
    assert_eq!(done.follow_ups, [FollowUp::now(newer)]);
}

#[test]
fn a_link_that_was_made_while_another_was_asked_for_is_not_made_again() {
    let mut record = known_at(Stage::Linked);
    let id = JobId { onboarding: record.id, kind: Kind::PollStatus };
    let poll = Job::new(id, Payload::PollStatus(PollStatus::default()).encode(), at(0));
    let (poll, held) = leased(&mut record, poll, 1);
    // The poll saw a record without a link; the first link is made before it ends.
    let asked = FollowUp::now(Payload::CreateLink(next_link(&record)));
    record.link = Some(LinkState { ordinal: 1, expires_at: at(1_800) });
    let step = Step { follow_ups: vec![asked], ..Step::default() };
    let done = settle(&mut record, poll, &held, Outcome::Snooze { after: LENGTH, step }, at(2));
    let second = Payload::CreateLink(CreateLink::new(&record, 2));
    assert_eq!((done.follow_ups, record.links_wanted), (vec![FollowUp::now(second)], 2));
}

#[test]
fn what_an_attempt_did_is_told_of_the_round_in_which_it_ends() {
    let mut record = known_at(Stage::Expired);
    let id = JobId { onboarding: record.id, kind: Kind::CreateLink };
    let payload = Payload::CreateLink(next_link(&record)).encode();
    let (link, held) = leased(&mut record, Job::new(id, payload, at(0)), 1);
    let event = NewEvent { kind: EventType::LinkCreated, fact: "key".to_owned(), data: about(&record) };
    reopen(&mut record, true, None, at(2));
    let step = Step { events: vec![event], ..Step::default() };
    let done = settle(&mut record, link, &held, Outcome::Complete(step), at(3));
    assert_eq!(done.events[0].data["round"], 2);
}

/// The API has a customer for it.
fn known_at(stage: Stage) -> Record {
    let (mut record, _create) = taken_in();
    record.customer_id = CustomerId::parse("c-1");
    record.stage = stage;
    record
}

fn want_link_twice(record: &mut Record) -> Payload {
    want_link(record);
    want_link(record)
}
