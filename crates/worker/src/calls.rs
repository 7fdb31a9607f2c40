//! What a failed call means for the attempt: the pure half that all handlers share.

use std::time::{Duration, Instant};

use gangway_jobs::clock::Timestamp;
use gangway_jobs::failure::{Code, Failure};
use gangway_jobs::job::LeasedJob;
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::{Certainty, Patch};
use gangway_jobs::outcome::{FollowUp, Outcome, Step};
use gangway_jobs::payload::{Payload, PollStatus};
use gangway_jobs::refusal::Phrases;
use gangway_jobs::retry::RetryPolicy;
use gangway_jobs::signal::{Refusal, Signal};
use gangway_onemoney::{CallError, Class};

use crate::context;
use crate::run::Ended;

/// The present by the clock that wrote the record: another machine's may be days off.
pub(crate) fn store_now(job: &LeasedJob, fetched: Instant) -> Timestamp {
    job.now.after(context::since(fetched))
}

/// What the circuit hears of a failed call. Of a refusal nothing: only one that is acted on is told, by
/// [`refusal`].
pub(crate) const fn signal(error: &CallError) -> Signal {
    match error.class {
        Class::Unreachable { .. } => Signal::Down { internal: false },
        Class::ServerError | Class::Contract => Signal::Down { internal: true },
        Class::RateLimited { wait } => Signal::RateLimited { wait },
        Class::Unauthorized => Signal::Unauthorized,
        Class::Forbidden | Class::NotFound | Class::Conflict | Class::NotEditable | Class::Refused => {
            Signal::None
        }
    }
}

/// A refusal as the circuit compares it.
pub(crate) fn refusal(error: &CallError, phrases: &Phrases) -> Refusal {
    let status = error.status.unwrap_or_default();
    Refusal { status, text: error.text.clone(), blame: phrases.blame(status, &error.text) }
}

/// The failure that is stored. The text was masked where it came in.
pub(crate) fn failure(error: &CallError, code: Code, now: Timestamp) -> Failure {
    Failure::new(code, &error.to_string(), now)
}

/// The code of a failure that is not a refusal.
pub(crate) const fn trouble(error: &CallError) -> Code {
    match error.class {
        Class::Contract => Code::Contract,
        Class::NotFound => Code::CustomerMissing,
        Class::Unreachable { .. }
        | Class::ServerError
        | Class::RateLimited { .. }
        | Class::Unauthorized
        | Class::Forbidden
        | Class::Conflict
        | Class::NotEditable
        | Class::Refused => Code::Unreachable,
    }
}

/// 429 and 401 are nobody's failure: the attempt is given back, whatever the job. The circuit keeps everybody waiting.
pub(crate) fn given_back(error: &CallError, certainty: Certainty) -> Option<Ended> {
    let signal = match error.class {
        Class::RateLimited { wait } => Signal::RateLimited { wait },
        Class::Unauthorized => Signal::Unauthorized,
        Class::Unreachable { .. }
        | Class::ServerError
        | Class::Forbidden
        | Class::NotFound
        | Class::Conflict
        | Class::NotEditable
        | Class::Refused
        | Class::Contract => return None,
    };
    let after = error.wait().unwrap_or_default();
    Some(Ended { outcome: Outcome::GiveBack { after, step: certain(certainty) }, signal })
}

/// The attempt made no call that could have an effect.
pub(crate) fn unsent(after: Duration) -> Ended {
    Ended::silent(Outcome::GiveBack { after, step: certain(Certainty::NoEffect) })
}

/// What goes with burying a job that made no call at all. A buried link never ends the onboarding: polling goes on.
pub(crate) fn unstarted(kind: Kind) -> Step {
    match kind {
        Kind::CreateCustomer => certain(Certainty::NoEffect),
        Kind::CreateLink => poll_now(),
        Kind::PollStatus => Step::default(),
    }
}

/// Goes on to polling.
pub(crate) fn poll_now() -> Step {
    let poll = FollowUp::now(Payload::PollStatus(PollStatus::default()));
    Step { follow_ups: vec![poll], ..Step::default() }
}

/// Another attempt later, spaced by the policy; the API's own wait is a floor.
pub(crate) fn retry(
    error: &CallError,
    failure: Failure,
    step: Step,
    attempt: u32,
    policy: &RetryPolicy,
    random: f64,
) -> Outcome {
    Outcome::Retry { after: policy.delay(attempt, random, error.wait()), failure, step }
}

/// A step that only says what is certain about a create.
pub(crate) fn certain(certainty: Certainty) -> Step {
    Step { patch: Patch { certainty, ..Patch::default() }, ..Step::default() }
}
