//! Makes an onboarding link. A link that fails never ends the onboarding: the customer is there, and polling goes on.

use std::time::{Duration, Instant};

use gangway_faultpoint::{Point, pass_for};
use gangway_jobs::event::{EventType, NewEvent};
use gangway_jobs::failure::{Code, Failure};
use gangway_jobs::id::CustomerId;
use gangway_jobs::job::LeasedJob;
use gangway_jobs::limits;
use gangway_jobs::onboarding::{LinkState, Patch, Stage};
use gangway_jobs::outcome::{FollowUp, Outcome, Step};
use gangway_jobs::payload::{CreateLink, Payload, PollStatus};
use gangway_jobs::signal::Signal;
use gangway_jobs::transition;
use gangway_onemoney::{Api, CallError, Class, Link};
use serde_json::json;

use crate::calls;
use crate::context::Context;
use crate::run::Ended;

/// A link with less to live counts as none: it may be dead before the customer opens it.
const SHORTEST_LIFE: Duration = Duration::from_mins(5);

/// So many ordinals in a row may come back too short; then the API makes no longer ones, and what it makes is taken.
const SHORT_LINKS: u32 = 3;

pub(crate) async fn run<A: Api>(
    job: &LeasedJob,
    input: &CreateLink,
    fetched: Instant,
    context: &Context<A>,
) -> Ended {
    let Some(customer) = &job.record.customer_id else {
        let failure = Failure::new(Code::CustomerMissing, "no customer to make a link for", context.now());
        return Ended::silent(Outcome::Bury { failure, step: calls::poll_now() });
    };
    let answer = context.api.create_link(customer, &input.key).await;
    pass_for(Point::LinkAnswered, &job.id.onboarding);
    let error = match answer {
        Ok(link) => return made(job, input, &link, fetched, context),
        Err(error) => error,
    };
    if let Some(ended) = calls::given_back(&error, gangway_jobs::onboarding::Certainty::Unknown) {
        return ended;
    }
    match error.class {
        Class::NotEditable | Class::Conflict => not_editable(job, customer, &error, context).await,
        Class::Refused | Class::Forbidden => refused(&error, context),
        Class::NotFound | Class::Unreachable { .. } | Class::ServerError | Class::Contract => {
            failed(job, &error, context)
        }
        // Given back above; named here so that a new class must be thought about.
        Class::RateLimited { .. } | Class::Unauthorized => Ended::give_back(Duration::ZERO),
    }
}

fn made<A: Api>(
    job: &LeasedJob,
    input: &CreateLink,
    link: &Link,
    fetched: Instant,
    context: &Context<A>,
) -> Ended {
    let record = &job.record;
    let fresh = Signal::Healthy { fresh: true };
    let link_state = LinkState { ordinal: input.ordinal, expires_at: link.expires_at };
    let last = record.link.map_or(0, |link| link.ordinal);
    if link.expires_at.since(context.now()) < SHORTEST_LIFE && input.ordinal < last + SHORT_LINKS {
        // Most likely the replay of a link made long ago: the next ordinal has another key.
        let next = Payload::CreateLink(CreateLink::new(record, input.ordinal + 1));
        let step = Step { follow_ups: vec![FollowUp::now(next)], ..Step::default() };
        return Ended { outcome: Outcome::Complete(step), signal: fresh };
    }
    let mut data = transition::about(record);
    data["url"] = json!(link.url.expose());
    data["expires_at"] = json!(link.expires_at.to_string());
    data["ordinal"] = json!(input.ordinal);
    let event = NewEvent { kind: EventType::LinkCreated, fact: input.key.to_string(), data };
    let stage = (record.stage == Stage::Created).then_some(Stage::Linked);
    let patch = Patch { stage, link: Some(link_state), ..Patch::default() };
    // The customer cannot have done anything yet.
    let (now, crowd) = (calls::store_now(job, fetched), context.crowd(job.waiting));
    let after = context.config.poll.delay(record, now, context.random(), crowd);
    let poll = FollowUp { payload: Payload::PollStatus(PollStatus::default()), after };
    Ended {
        outcome: Outcome::Complete(Step { patch, follow_ups: vec![poll], events: vec![event] }),
        signal: fresh,
    }
}

/// The status may forbid a link, which is no error; or the link is refused for another reason.
async fn not_editable<A: Api>(
    job: &LeasedJob,
    customer: &CustomerId,
    error: &CallError,
    context: &Context<A>,
) -> Ended {
    if let Err(wait) = context.permit(limits::Class::Interactive).await {
        return calls::unsent(wait);
    }
    match context.api.customer(customer).await {
        Ok(Some(seen)) if seen.status.status().allows_link() => refused(error, context),
        Ok(Some(_)) => {
            Ended { outcome: Outcome::Complete(calls::poll_now()), signal: Signal::Healthy { fresh: false } }
        }
        Ok(None) => refused(error, context),
        Err(trouble) => calls::given_back(&trouble, gangway_jobs::onboarding::Certainty::Unknown)
            .unwrap_or_else(|| failed(job, &trouble, context)),
    }
}

fn refused<A: Api>(error: &CallError, context: &Context<A>) -> Ended {
    let refusal = calls::refusal(error, &context.config.phrases);
    let failure = calls::failure(error, Code::Refused, context.now());
    Ended { outcome: Outcome::Bury { failure, step: calls::poll_now() }, signal: Signal::Refused(refusal) }
}

fn failed<A: Api>(job: &LeasedJob, error: &CallError, context: &Context<A>) -> Ended {
    let policy = &context.config.retry;
    let failure = calls::failure(error, calls::trouble(error), context.now());
    let outcome = if policy.is_last(job.attempt) {
        Outcome::Bury { failure, step: calls::poll_now() }
    } else {
        calls::retry(error, failure, Step::default(), job.attempt, policy, context.random())
    };
    Ended { outcome, signal: calls::signal(error) }
}
