//! One attempt: fetch, call, decide, record.
//!
//! The lease has *fetched* the job; here its handler *calls* the API and *decides* an [`Ended`]; the acknowledgement
//! *records* it in one settle. A handler writes to no store.

use std::time::{Duration, Instant};

use gangway_jobs::failure::{Code, Failure};
use gangway_jobs::id::JobId;
use gangway_jobs::job::LeasedJob;
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::{Class, HORIZON};
use gangway_jobs::outcome::{Outcome, Step};
use gangway_jobs::payload::Payload;
use gangway_jobs::signal::Signal;
use gangway_onemoney::Api;

use crate::calls;
use crate::context::{self, Context};
use crate::handlers::{create_customer, create_link, poll_status};

/// How an attempt ended, and what it learnt about the API.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// What the settle writes.
    pub outcome: Outcome,
    /// What the circuit hears.
    pub signal: Signal,
}

impl Ended {
    /// An end that tells nothing about the API.
    pub const fn silent(outcome: Outcome) -> Self {
        Self { outcome, signal: Signal::None }
    }

    /// Not now, and not this job's fault.
    pub fn give_back(after: Duration) -> Self {
        Self::silent(Outcome::GiveBack { after, step: Step::default() })
    }
}

/// Runs one attempt of a job that was fetched at `fetched`.
pub async fn run<A: Api>(job: &LeasedJob, fetched: Instant, context: &Context<A>) -> Ended {
    let payload = match Payload::decode(job.id.kind, &job.payload) {
        Ok(payload) => payload,
        Err(error) => {
            let failure = Failure::new(Code::Undecodable, &error.to_string(), context.now());
            return Ended::silent(Outcome::Bury { failure, step: calls::unstarted(job.id.kind) });
        }
    };
    // The lease took a token of the rate limit; one that waited too long here is no longer good.
    if context::since(fetched) > HORIZON
        && let Err(wait) = context.permit(Class::of(job.id.kind)).await
    {
        return calls::unsent(wait);
    }
    match payload {
        Payload::CreateCustomer(input) => create_customer::run(job, &input, fetched, context).await,
        Payload::CreateLink(input) => create_link::run(job, &input, fetched, context).await,
        Payload::PollStatus(_) => poll_status::run(job, fetched, context).await,
    }
}

/// The end of an attempt that took longer than it may.
pub fn timed_out<A: Api>(job: JobId, attempt: u32, context: &Context<A>) -> Ended {
    stopped(job, attempt, (Code::TimedOut, "the attempt took too long"), context)
}

/// The end of an attempt whose handler panicked.
pub(crate) fn panicked<A: Api>(job: JobId, attempt: u32, context: &Context<A>) -> Ended {
    stopped(job, attempt, (Code::Panic, "the handler panicked"), context)
}

/// The end of an attempt that did not reach its own: retried, and buried after the last. A create stays uncertain.
fn stopped<A: Api>(job: JobId, attempt: u32, why: (Code, &str), context: &Context<A>) -> Ended {
    tracing::error!(job.id = %job, code = %why.0, "a handler did not come to its end");
    let failure = Failure::new(why.0, why.1, context.now());
    let policy = &context.config.retry;
    // A read that never ends is worth trying for as long as the onboarding is open, like one that fails.
    let may_go_on = job.kind == Kind::PollStatus && why.0 == Code::TimedOut;
    if may_go_on || !policy.is_last(attempt) {
        let after = policy.delay(attempt, context.random(), None);
        return Ended::silent(Outcome::Retry { after, failure, step: Step::default() });
    }
    let step = if job.kind == Kind::CreateLink { calls::poll_now() } else { Step::default() };
    Ended::silent(Outcome::Bury { failure, step })
}
