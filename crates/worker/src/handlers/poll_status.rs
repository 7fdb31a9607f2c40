//! Reads the customer's KYB status. Waiting is no failure: a status that has not changed snoozes the job.

use std::time::Instant;

use gangway_faultpoint::{Point, pass_for};
use gangway_jobs::failure::{Code, Failure};
use gangway_jobs::job::LeasedJob;
use gangway_jobs::onboarding::{Certainty, Kyb};
use gangway_jobs::outcome::{Outcome, Step};
use gangway_jobs::signal::{Blame, Refusal, Signal};
use gangway_onemoney::{Api, CallError, Class};

use crate::calls;
use crate::context::Context;
use crate::run::Ended;

pub(crate) async fn run<A: Api>(job: &LeasedJob, fetched: Instant, context: &Context<A>) -> Ended {
    let Some(customer) = &job.record.customer_id else {
        let failure = Failure::new(Code::CustomerMissing, "no customer to look at", context.now());
        return Ended::silent(Outcome::Bury { failure, step: Step::default() });
    };
    let answer = context.api.customer(customer).await;
    pass_for(Point::PollAnswered, &job.id.onboarding);
    match answer {
        Ok(Some(customer)) => {
            let seen = Kyb { status: customer.status, updated_at: customer.updated_at };
            let crowd = context.crowd(job.waiting);
            let now = calls::store_now(job, fetched);
            let outcome = context.config.poll.decide(&job.record, seen, now, context.random(), crowd);
            Ended { outcome, signal: Signal::Healthy { fresh: true } }
        }
        Ok(None) => missing(job, context),
        Err(error) => {
            calls::given_back(&error, Certainty::Unknown).unwrap_or_else(|| failed(job, &error, context))
        }
    }
}

/// The API does not know the customer that it made: for a moment that can be, for long it is a refusal.
fn missing<A: Api>(job: &LeasedJob, context: &Context<A>) -> Ended {
    let policy = &context.config.retry;
    let failure =
        Failure::new(Code::CustomerMissing, "the API does not know the customer (404)", context.now());
    if !policy.is_last(job.attempt) {
        let after = policy.delay(job.attempt, context.random(), None);
        return Ended::silent(Outcome::Retry { after, failure, step: Step::default() });
    }
    let refusal = Refusal { status: 404, text: failure.message.clone(), blame: Blame::Unclear };
    Ended { outcome: Outcome::Bury { failure, step: Step::default() }, signal: Signal::Refused(refusal) }
}

fn failed<A: Api>(job: &LeasedJob, error: &CallError, context: &Context<A>) -> Ended {
    let policy = &context.config.retry;
    let refused =
        matches!(error.class, Class::Refused | Class::Forbidden | Class::Conflict | Class::NotEditable);
    let code = if refused { Code::Refused } else { calls::trouble(error) };
    let failure = calls::failure(error, code, context.now());
    // Only a refusal can end an onboarding here. A read that fails is worth trying for as long as the onboarding is open.
    if refused && (error.class == Class::Forbidden || policy.is_last(job.attempt)) {
        let signal = Signal::Refused(calls::refusal(error, &context.config.phrases));
        return Ended { outcome: Outcome::Bury { failure, step: Step::default() }, signal };
    }
    let outcome = calls::retry(error, failure, Step::default(), job.attempt, policy, context.random());
    Ended { outcome, signal: calls::signal(error) }
}
