//! A create that succeeds, and one that the API refuses.

use std::time::Duration;

use gangway_jobs::event::EventType;
use gangway_jobs::failure::Code;
use gangway_jobs::id::IdempotencyKey;
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::{Certainty, Stage};
use gangway_jobs::payload::{CreateLink, Payload, PollStatus};
use gangway_jobs::signal::{Blame, Signal};
use gangway_onemoney::{Class, Created, Operation};
use uuid::Uuid;

use crate::fixtures::{Bench, buried, completed, customer, identity, onboarding, retried};
use crate::scripted_api::{Call, customer_id, failed, made};

const OURS: &str = "ops@acme.example";

fn refused(text: &str) -> gangway_onemoney::CallError {
    failed(Operation::CreateCustomer, Class::Refused, text)
}

#[tokio::test]
async fn a_created_customer_goes_on_to_its_link_or_on_demand_to_polling() {
    for (eager, status, next) in [
        (true, "INIT", Kind::CreateLink),
        (true, "PENDING_RESPONSE", Kind::CreateLink),
        (true, "FROZEN", Kind::CreateLink),
        (true, "pending_review", Kind::PollStatus),
        (true, "APPROVED", Kind::PollStatus),
        (true, "REJECTED", Kind::PollStatus),
        (false, "INIT", Kind::PollStatus),
    ] {
        let mut bench = Bench::new();
        bench.context.config.poll.eager_links = eager;
        bench
            .api
            .creates
            .answer(Ok(Created { status: gangway_jobs::kyb::KybStatus::new(status), ..made(OURS) }));
        let ended = bench.create().await;
        assert_eq!(bench.api.calls(), [Call::Create(bench.record.key)]);
        assert_eq!(ended.signal, Signal::Healthy { fresh: true });
        let step = completed(&ended);
        assert_eq!(step.patch.customer_id, Some(customer_id()));
        assert_eq!((step.patch.stage, step.patch.certainty), (Some(Stage::Created), Certainty::Settled));
        assert_eq!(step.patch.kyb.as_ref().unwrap().status.as_str(), status);
        let [follow_up] = &step.follow_ups[..] else { panic!("{:?}", step.follow_ups) };
        assert_eq!((follow_up.payload.kind(), follow_up.after), (next, Duration::ZERO), "{eager} {status}");
        let [event] = &step.events[..] else { panic!("{:?}", step.events) };
        assert_eq!((event.kind, event.fact.as_str()), (EventType::CustomerCreated, "c-1"));
        assert_eq!(event.data["customer_id"], "c-1");
    }
}

#[tokio::test]
async fn a_replay_is_a_success_that_proves_nothing_of_the_api() {
    let bench = Bench::new();
    bench.api.creates.answer(Ok(Created { fresh: false, ..made(OURS) }));
    let ended = bench.create().await;
    completed(&ended);
    assert_eq!(ended.signal, Signal::Healthy { fresh: false });
}

#[tokio::test]
async fn the_same_email_in_another_spelling_is_the_same_customer_and_any_other_is_foreign() {
    for same in ["OPS@Acme.Example", " ops@ACME.example "] {
        let bench = Bench::new();
        bench.api.creates.answer(Ok(made(same)));
        completed(&bench.create().await);
    }
    for other in ["other@acme.example", "not an address"] {
        let bench = Bench::new();
        bench.api.creates.answer(Ok(made(other)));
        let ended = bench.create().await;
        let (failure, step) = buried(&ended);
        assert_eq!(failure.code, Code::ForeignCustomer);
        assert_eq!(step.patch.foreign_customer_id, Some(customer_id()));
        assert_eq!((&step.patch.customer_id, step.patch.certainty), (&None, Certainty::Settled));
        assert!(step.follow_ups.is_empty() && step.events.is_empty(), "that customer is not touched");
    }
}

#[tokio::test]
async fn a_refusal_is_looked_up_before_it_is_believed() {
    for (text, code, blame) in [
        ("e-mail is taken", Code::EmailTaken, Blame::Row),
        ("first_name must be plain text", Code::Invalid, Blame::Unclear),
        ("customer quota exceeded", Code::Invalid, Blame::Everybody),
    ] {
        let bench = Bench::new();
        bench.api.creates.answer(Err(refused(text)));
        bench.api.look_ups.answer(Ok(Some(made(OURS))));
        completed(&bench.create().await);

        let bench = Bench::new();
        bench.api.creates.answer(Err(refused(text)));
        bench.api.look_ups.answer(Ok(None));
        let mut calls = vec![Call::Create(bench.record.key), Call::LookUp(bench.record.key)];
        if blame == Blame::Row {
            bench.api.look_ups.answer(Ok(None));
            calls.push(Call::LookUp(next_key()));
        }
        let ended = bench.create().await;
        assert_eq!(bench.api.calls(), calls);
        let (failure, step) = buried(&ended);
        assert_eq!((failure.code, step.patch.certainty), (code, Certainty::Settled));
        assert!(failure.message.contains(text), "{}", failure.message);
        let Signal::Refused(refusal) = &ended.signal else { panic!("{:?}", ended.signal) };
        assert_eq!((refusal.status, refusal.blame), (400, blame), "{text}");
    }
}

/// The key of the next generation of the customer of a [`Bench`].
fn next_key() -> IdempotencyKey {
    let customer = customer(1);
    identity().idempotency_key(customer.reference.as_ref(), &customer.email, 1)
}

#[tokio::test]
async fn an_email_that_is_taken_may_be_our_own_under_the_next_key_that_only_a_lost_store_knew() {
    let bench = Bench::new();
    bench.api.creates.answer(Err(refused("e-mail is taken")));
    bench.api.look_ups.answer(Ok(None));
    bench.api.look_ups.answer(Ok(Some(made(OURS))));
    let ended = bench.create().await;
    assert_eq!(completed(&ended).patch.next_generation, Some(next_key()));
    assert_eq!(completed(&ended).patch.customer_id, Some(customer_id()));

    // As long as that is not known, it is not said.
    let bench = Bench::new();
    bench.api.creates.answer(Err(refused("e-mail is taken")));
    bench.api.look_ups.answer(Ok(None));
    bench.api.look_ups.answer(Err(failed(Operation::CustomerByKey, Class::ServerError, "")));
    retried(&bench.create().await);
}

#[tokio::test]
async fn a_feature_that_is_off_is_blamed_on_everybody_whether_or_not_it_can_be_looked_up() {
    let forbidden = |operation| failed(operation, Class::Forbidden, "hosted onboarding is off");
    let look_ups = [Ok(None), Err(forbidden(Operation::CustomerByKey))];
    for (look_up, code) in look_ups.into_iter().zip([Code::Refused, Code::Unresolved]) {
        let bench = Bench::new();
        bench.api.creates.answer(Err(forbidden(Operation::CreateCustomer)));
        bench.api.look_ups.answer(look_up);
        let ended = bench.create().await;
        assert_eq!(buried(&ended).0.code, code);
        let Signal::Refused(refusal) = &ended.signal else { panic!("{:?}", ended.signal) };
        assert_eq!((refusal.status, refusal.blame), (403, Blame::Everybody));
    }
}

#[tokio::test]
async fn a_refused_key_is_looked_up_and_then_gives_way_to_the_next_generation() {
    let next = identity().idempotency_key(
        onboarding(1).customer.reference.as_ref(),
        &onboarding(1).customer.email,
        1,
    );
    let earlier = IdempotencyKey::from_uuid(Uuid::from_u128(7));
    let redriven = || {
        let mut bench = Bench::new();
        bench.record.earlier_keys = vec![earlier];
        bench.record.key_refused = true;
        bench
    };

    let bench = redriven();
    bench.api.look_ups.answer(Ok(None));
    bench.api.look_ups.answer(Ok(None));
    bench.api.creates.answer(Ok(made(OURS)));
    let ended = bench.create().await;
    assert_eq!(
        bench.api.calls(),
        [Call::LookUp(earlier), Call::LookUp(bench.record.key), Call::Create(next)]
    );
    assert_eq!(completed(&ended).patch.next_generation, Some(next));

    // What is found under an earlier key is the customer, and the key stays.
    let bench = redriven();
    bench.api.look_ups.answer(Ok(Some(made(OURS))));
    let ended = bench.create().await;
    assert_eq!(bench.api.calls(), [Call::LookUp(earlier)]);
    assert_eq!(completed(&ended).patch.next_generation, None);

    // Every failure after the new key was sent keeps it, or another attempt would look up the wrong one.
    for (class, attempt) in
        [(Class::ServerError, 1), (Class::Conflict, 1), (Class::Refused, 1), (Class::ServerError, 5)]
    {
        let mut bench = redriven();
        bench.attempt = attempt;
        for _ in 0..3 {
            bench.api.look_ups.answer(Ok(None));
        }
        bench.api.creates.answer(Err(failed(Operation::CreateCustomer, class, "no")));
        let ended = bench.create().await;
        assert_eq!(ended.outcome.step().patch.next_generation, Some(next), "{class:?} {attempt}");
    }
}

#[tokio::test]
async fn a_payload_that_cannot_be_read_harms_only_its_own_job() {
    let bench = Bench::new();
    for (kind, stored) in [
        (Kind::CreateCustomer, "{"),
        (Kind::CreateCustomer, r#"{"v":2,"customer":{"email":"ops@acme.example"}}"#),
        (Kind::CreateCustomer, r#"{"v":1,"customer":{"email":"ops@acme.example"}}"#),
        (Kind::CreateLink, r#"{"v":1}"#),
        (Kind::PollStatus, r#"{"v":9}"#),
    ] {
        let ended = bench.run_stored(kind, stored.to_owned()).await;
        let (failure, step) = buried(&ended);
        assert_eq!((failure.code, &ended.signal), (Code::Undecodable, &Signal::None), "{kind} {stored}");
        match kind {
            // Nothing was sent, so nothing is in doubt.
            Kind::CreateCustomer => assert_eq!(step.patch.certainty, Certainty::NoEffect),
            // Or the onboarding would stand still for ever, without a job and without an end.
            Kind::CreateLink => {
                assert_eq!(step.follow_ups[0].payload, Payload::PollStatus(PollStatus::default()));
            }
            Kind::PollStatus => {}
        }
    }
    assert!(bench.api.calls().is_empty());
}

#[tokio::test]
async fn a_job_that_waited_too_long_in_the_worker_asks_for_another_token() {
    let bench = Bench::new();
    bench.store.permits.lock().unwrap().push_back(gangway_store::Permit::Wait(Duration::from_secs(30)));
    let job = gangway_jobs::job::LeasedJob {
        id: gangway_jobs::id::JobId { onboarding: bench.record.id, kind: Kind::CreateLink },
        payload: Payload::CreateLink(CreateLink::new(&bench.record, 1)).encode(),
        attempt: 1,
        record: bench.record.clone(),
        token: gangway_jobs::id::LeaseToken::mint(),
        until: crate::fixtures::NOW,
        now: crate::fixtures::NOW,
        waiting: 0,
    };
    let fetched = std::time::Instant::now().checked_sub(Duration::from_secs(3)).unwrap();
    let ended = gangway_worker::run(&job, fetched, &bench.context).await;
    assert_eq!(crate::fixtures::given_back(&ended).0, Duration::from_secs(30));
    assert!(bench.api.calls().is_empty());
}

#[tokio::test]
async fn what_the_api_repeats_of_a_row_is_not_stored() {
    // The client masks the row's values where they come in; addresses are masked once more where they are stored.
    let bench = Bench::new();
    let text = "no answer from other@acme.example at https://api.example/v1?token=abc";
    let class = Class::Unreachable { uncertain: true };
    bench.api.creates.answer(Err(failed(Operation::CreateCustomer, class, text)));
    let ended = bench.create().await;
    let (_, failure, _) = retried(&ended);
    assert_eq!(failure.message, "create_customer: no answer from [email] at [url]");
}
