//! Creates the customer, exactly once: the key belongs to the onboarding, and no refusal is believed before a look-up.

use std::time::{Duration, Instant};

use gangway_faultpoint::{Point, pass_for};
use gangway_jobs::clock::Timestamp;
use gangway_jobs::customer::NewCustomer;
use gangway_jobs::event::{EventType, NewEvent};
use gangway_jobs::failure::{Code, Failure};
use gangway_jobs::id::IdempotencyKey;
use gangway_jobs::job::LeasedJob;
use gangway_jobs::limits;
use gangway_jobs::onboarding::{Certainty, Kyb, Patch, Stage};
use gangway_jobs::outcome::{FollowUp, Outcome, Step};
use gangway_jobs::payload::{CreateCustomer, Payload, PollStatus};
use gangway_jobs::signal::{Blame, Signal};
use gangway_jobs::transition;
use gangway_onemoney::{Api, CallError, Created};
use serde_json::json;

use crate::calls;
use crate::config::Config;
use crate::context::Context;
use crate::run::Ended;

mod verdict;

/// What the pure decisions are made from.
struct Case<'a> {
    job: &'a LeasedJob,
    customer: &'a NewCustomer,
    config: &'a Config,
    /// The key of the next generation, if the present one was looked up and not found.
    next_generation: Option<IdempotencyKey>,
    now: Timestamp,
    /// The present by the clock that wrote the record.
    store_now: Timestamp,
    random: f64,
}

/// What a look-up by key said.
enum LookUp {
    Found(Created),
    NotFound,
    Failed(CallError),
    /// No permit for it now.
    Unsent(Duration),
}

pub(crate) async fn run<A: Api>(
    job: &LeasedJob,
    input: &CreateCustomer,
    fetched: Instant,
    context: &Context<A>,
) -> Ended {
    let mut case = Case {
        job,
        customer: &input.customer,
        config: &context.config,
        next_generation: None,
        now: context.now(),
        store_now: calls::store_now(job, fetched),
        random: context.random(),
    };
    for key in keys_to_look_up(&case) {
        match look_up(&case, &key, context).await {
            LookUp::Found(found) => return created(&case, found),
            LookUp::NotFound => {}
            LookUp::Failed(error) => return verdict::look_up_failed(&case, &error),
            LookUp::Unsent(wait) => return calls::unsent(wait),
        }
    }
    let mut key = job.record.key;
    if job.record.key_refused {
        // Refused for good and unknown under its key: only a new key can be heard, as the API may remember a refusal.
        let reference = input.customer.reference.as_ref();
        key = context.identity.idempotency_key(reference, &input.customer.email, job.record.generation + 1);
        case.next_generation = Some(key);
    }
    #[cfg(feature = "planted")]
    let key = gangway_jobs::planted::key_of_attempt(key, job.token);
    let answer = context.api.create_customer(&input.customer, &key).await;
    pass_for(Point::CreateAnswered, &job.id.onboarding);
    let error = match answer {
        Ok(answer) => return created(&case, answer),
        Err(error) => error,
    };
    (case.now, case.store_now) = (context.now(), calls::store_now(job, fetched));
    if let Some(ended) = calls::given_back(&error, Certainty::NoEffect) {
        return ended;
    }
    if !verdict::must_look_up(&case, &error) {
        return verdict::failed(&case, &error);
    }
    match look_up(&case, &key, context).await {
        LookUp::Found(found) => return created(&case, found),
        LookUp::NotFound => {}
        LookUp::Failed(trouble) => return verdict::unknown(&case, &error, &trouble),
        LookUp::Unsent(wait) => return verdict::postponed(&case, &error, wait),
    }
    let Some(next) = key_of_a_lost_store(&case, &error, context) else {
        return verdict::not_found(&case, &error);
    };
    match look_up(&case, &next, context).await {
        LookUp::Found(found) => {
            case.next_generation = Some(next);
            created(&case, found)
        }
        LookUp::NotFound => verdict::not_found(&case, &error),
        LookUp::Failed(trouble) => verdict::unknown(&case, &error, &trouble),
        LookUp::Unsent(wait) => verdict::postponed(&case, &error, wait),
    }
}

/// That an e-mail is taken may be our own doing: a store that was lost since may have gone on to the next key, after a
/// refusal of the first one that was everybody's. No other knew of it.
fn key_of_a_lost_store<A: Api>(
    case: &Case<'_>,
    error: &CallError,
    context: &Context<A>,
) -> Option<IdempotencyKey> {
    let is_taken = calls::refusal(error, &case.config.phrases).blame == Blame::Row;
    let customer = case.customer;
    let generation = case.job.record.generation + 1;
    (is_taken && case.next_generation.is_none())
        .then(|| context.identity.idempotency_key(customer.reference.as_ref(), &customer.email, generation))
}

/// The keys under which a customer may be found already.
fn keys_to_look_up(case: &Case<'_>) -> Vec<IdempotencyKey> {
    let record = &case.job.record;
    let mut keys = record.earlier_keys.clone();
    let old_doubt =
        record.uncertain_since.is_some_and(|since| case.store_now.since(since) >= case.config.key_window);
    if record.key_refused || old_doubt {
        keys.push(record.key);
    }
    keys
}

async fn look_up<A: Api>(case: &Case<'_>, key: &IdempotencyKey, context: &Context<A>) -> LookUp {
    if let Err(wait) = context.permit(limits::Class::Create).await {
        return LookUp::Unsent(wait);
    }
    match context.api.customer_by_key(key, &case.customer.personal_values()).await {
        Ok(Some(found)) => LookUp::Found(found),
        Ok(None) => LookUp::NotFound,
        Err(error) => LookUp::Failed(error),
    }
}

/// The customer exists: made now, or before.
fn created(case: &Case<'_>, answer: Created) -> Ended {
    let record = &case.job.record;
    if !case.customer.email.is(&answer.email) {
        let text = "the key belongs to a customer with another e-mail; it was left alone";
        let failure = Failure::new(Code::ForeignCustomer, text, case.now);
        let mut step = calls::certain(Certainty::Settled);
        step.patch.foreign_customer_id = Some(answer.customer_id);
        return Ended { outcome: Outcome::Bury { failure, step }, signal: Signal::Healthy { fresh: false } };
    }
    let status = answer.status.status();
    let mut data = transition::about(record);
    data["customer_id"] = json!(answer.customer_id);
    data["kyb_status"] = json!(answer.status);
    let event = NewEvent { kind: EventType::CustomerCreated, fact: answer.customer_id.to_string(), data };
    let follow_up = if case.config.poll.eager_links && status.allows_link() && !status.is_terminal() {
        Payload::CreateLink(transition::next_link(record))
    } else {
        Payload::PollStatus(PollStatus::default())
    };
    let patch = Patch {
        stage: Some(Stage::Created),
        customer_id: Some(answer.customer_id),
        kyb: Some(Kyb { status: answer.status, updated_at: answer.updated_at }),
        certainty: Certainty::Settled,
        next_generation: case.next_generation,
        ..Patch::default()
    };
    let step = Step { patch, follow_ups: vec![FollowUp::now(follow_up)], events: vec![event] };
    Ended { outcome: Outcome::Complete(step), signal: Signal::Healthy { fresh: answer.fresh } }
}
