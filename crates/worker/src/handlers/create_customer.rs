//! Creates the customer, exactly once: the key belongs to the onboarding, and no refusal is believed before a look-up.

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
use gangway_jobs::signal::Signal;
use gangway_jobs::transition;
use gangway_onemoney::{Api, CallError, Class, Created};
use serde_json::json;

use crate::calls;
use crate::config::Config;
use crate::context::Context;
use crate::run::Ended;

/// What the pure decisions below are made from.
struct Case<'a> {
    job: &'a LeasedJob,
    customer: &'a NewCustomer,
    config: &'a Config,
    /// The key of the next generation, if the present one was looked up and not found.
    next_generation: Option<IdempotencyKey>,
    now: Timestamp,
    random: f64,
}

/// What a look-up by key said.
enum LookUp {
    Found(Created),
    NotFound,
    Failed(CallError),
    /// No permit for it now.
    Unsent(std::time::Duration),
}

pub(crate) async fn run<A: Api>(job: &LeasedJob, input: &CreateCustomer, context: &Context<A>) -> Ended {
    let mut case = Case {
        job,
        customer: &input.customer,
        config: &context.config,
        next_generation: None,
        now: context.now(),
        random: context.random(),
    };
    for key in keys_to_look_up(&case) {
        match look_up(&case, &key, context).await {
            LookUp::Found(found) => return created(&case, found),
            LookUp::NotFound => {}
            LookUp::Failed(error) => return look_up_failed(&case, &error),
            LookUp::Unsent(wait) => return calls::unsent(job, wait),
        }
    }
    let mut key = job.record.key;
    if job.record.key_refused {
        // Refused for good and unknown under its key: only a new key can be heard, as the API may remember a refusal.
        let reference = input.customer.reference.as_ref();
        key = context.identity.idempotency_key(reference, &input.customer.email, job.record.generation + 1);
        case.next_generation = Some(key);
    }
    let error = match context.api.create_customer(&input.customer, &key).await {
        Ok(answer) => return created(&case, answer),
        Err(error) => error,
    };
    case.now = context.now();
    if let Some(ended) = calls::given_back(&error, Certainty::NoEffect) {
        return ended;
    }
    if !must_look_up(&case, &error) {
        return failed(&case, &error);
    }
    match look_up(&case, &key, context).await {
        LookUp::Found(found) => created(&case, found),
        LookUp::NotFound => not_found(&case, &error),
        LookUp::Failed(_) | LookUp::Unsent(_) => unknown(&case, &error),
    }
}

/// The keys under which a customer may be found already.
fn keys_to_look_up(case: &Case<'_>) -> Vec<IdempotencyKey> {
    let record = &case.job.record;
    let mut keys = record.earlier_keys.clone();
    let old_doubt =
        record.uncertain_since.is_some_and(|since| case.now.since(since) >= case.config.key_window);
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
        transition::next_link(record)
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

/// A refusal is never believed before a look-up, and neither is silence on the last attempt.
fn must_look_up(case: &Case<'_>, error: &CallError) -> bool {
    match error.class {
        Class::Refused | Class::Conflict | Class::Forbidden | Class::NotFound | Class::NotEditable => true,
        Class::Unreachable { .. }
        | Class::ServerError
        | Class::Contract
        | Class::RateLimited { .. }
        | Class::Unauthorized => case.config.retry.is_last(case.job.attempt),
    }
}

/// No answer, or none that can be believed, and attempts are left.
fn failed(case: &Case<'_>, error: &CallError) -> Ended {
    let certainty = if error.is_uncertain() { Certainty::Unknown } else { Certainty::NoEffect };
    retried(case, error, calls::trouble(error), certainty)
}

/// Looked up after a failure, and unknown to the API.
fn not_found(case: &Case<'_>, error: &CallError) -> Ended {
    match error.class {
        Class::Conflict => in_use(case, error),
        Class::Refused | Class::Forbidden | Class::NotFound | Class::NotEditable => refused(case, error),
        Class::Unreachable { .. }
        | Class::ServerError
        | Class::Contract
        | Class::RateLimited { .. }
        | Class::Unauthorized => silent(case, error),
    }
}

/// The look-up itself came to nothing.
fn unknown(case: &Case<'_>, error: &CallError) -> Ended {
    match error.class {
        Class::Conflict => in_use(case, error),
        Class::Refused | Class::Forbidden | Class::NotFound | Class::NotEditable => {
            // Definite words, but an earlier attempt may have had its effect: ask again rather than guess.
            wait_for_effect(case, error)
                .unwrap_or_else(|| last_or_retried(case, error, Code::Unresolved, Certainty::NoEffect))
        }
        Class::Unreachable { .. }
        | Class::ServerError
        | Class::Contract
        | Class::RateLimited { .. }
        | Class::Unauthorized => silent(case, error),
    }
}

/// 409: the key is in use, by an effect that may be under way. The window for it begins with the first doubt.
fn in_use(case: &Case<'_>, error: &CallError) -> Ended {
    match case.job.record.uncertain_since {
        None => retried(case, error, Code::Unresolved, Certainty::Unknown),
        Some(_) => wait_for_effect(case, error)
            .unwrap_or_else(|| last_or_retried(case, error, Code::Unresolved, Certainty::NoEffect)),
    }
}

/// A definite refusal, and no customer under the key.
fn refused(case: &Case<'_>, error: &CallError) -> Ended {
    if let Some(ended) = wait_for_effect(case, error) {
        return ended;
    }
    let refusal = calls::refusal(error, &case.config.phrases);
    let failure = calls::failure(error, case.config.phrases.code(refusal.status, &refusal.text), case.now);
    let step = with_generation(case, Certainty::Settled);
    Ended { outcome: Outcome::Bury { failure, step }, signal: Signal::Refused(refusal) }
}

/// The effect of an unanswered attempt may still arrive: attempts may run out, the window may not be cut short.
fn wait_for_effect(case: &Case<'_>, error: &CallError) -> Option<Ended> {
    let remaining = doubt_remains(case)?;
    let failure = calls::failure(error, Code::Unresolved, case.now);
    let after = case.config.retry.delay(case.job.attempt, case.random, error.wait()).min(remaining);
    let step = with_generation(case, Certainty::NoEffect);
    Some(Ended::silent(Outcome::Retry { after, failure, step }))
}

/// How much longer the effect of an earlier, unanswered attempt may still arrive.
fn doubt_remains(case: &Case<'_>) -> Option<std::time::Duration> {
    let since = case.job.record.uncertain_since?;
    case.config.settle_window.checked_sub(case.now.since(since)).filter(|left| !left.is_zero())
}

/// The last attempt got no answer either, and the look-up found nothing.
fn silent(case: &Case<'_>, error: &CallError) -> Ended {
    let certainty = if error.is_uncertain() { Certainty::Unknown } else { Certainty::NoEffect };
    let doubt = error.is_uncertain() || case.job.record.uncertain_since.is_some();
    let code = if doubt { Code::Unresolved } else { calls::trouble(error) };
    last_or_retried(case, error, code, certainty)
}

/// The look-up that had to come before the create failed: the create was not sent.
fn look_up_failed(case: &Case<'_>, error: &CallError) -> Ended {
    calls::given_back(error, Certainty::NoEffect)
        .unwrap_or_else(|| last_or_retried(case, error, Code::Unresolved, Certainty::NoEffect))
}

fn last_or_retried(case: &Case<'_>, error: &CallError, code: Code, certainty: Certainty) -> Ended {
    if !case.config.retry.is_last(case.job.attempt) {
        return retried(case, error, code, certainty);
    }
    let failure = calls::failure(error, code, case.now);
    let outcome = Outcome::Bury { failure, step: with_generation(case, certainty) };
    Ended { outcome, signal: calls::signal(error) }
}

fn retried(case: &Case<'_>, error: &CallError, code: Code, certainty: Certainty) -> Ended {
    let failure = calls::failure(error, code, case.now);
    let step = with_generation(case, certainty);
    let outcome = calls::retry(error, failure, step, case.job.attempt, &case.config.retry, case.random);
    Ended { outcome, signal: calls::signal(error) }
}

fn with_generation(case: &Case<'_>, certainty: Certainty) -> Step {
    let mut step = calls::certain(certainty);
    step.patch.next_generation = case.next_generation;
    step
}
