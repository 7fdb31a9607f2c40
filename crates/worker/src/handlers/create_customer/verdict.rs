//! What a create that failed means: the pure half.

use std::time::Duration;

use gangway_jobs::failure::Code;
use gangway_jobs::onboarding::Certainty;
use gangway_jobs::outcome::{Outcome, Step};
use gangway_jobs::signal::Signal;
use gangway_onemoney::{CallError, Class};

use super::Case;
use crate::calls;
use crate::run::Ended;

/// A refusal is never believed before a look-up, and neither is silence on the last attempt.
pub(super) fn must_look_up(case: &Case<'_>, error: &CallError) -> bool {
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
pub(super) fn failed(case: &Case<'_>, error: &CallError) -> Ended {
    retried(case, error, calls::trouble(error), certainty(error))
}

/// What a failed create makes certain. 409 says that the key is in use: an effect may be under way.
fn certainty(error: &CallError) -> Certainty {
    if error.is_uncertain() || error.class == Class::Conflict {
        Certainty::Unknown
    } else {
        Certainty::NoEffect
    }
}

/// Looked up after a failure, and unknown to the API.
pub(super) fn not_found(case: &Case<'_>, error: &CallError) -> Ended {
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
pub(super) fn unknown(case: &Case<'_>, error: &CallError, trouble: &CallError) -> Ended {
    if let Some(ended) = not_ours(case, trouble, certainty(error)) {
        return ended;
    }
    let ended = match error.class {
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
    };
    Ended { signal: calls::signal(trouble), ..ended }
}

/// A look-up that failed for a reason that is nobody's own: 429 and 401 cost no attempt, and 403 is everybody's.
fn not_ours(case: &Case<'_>, trouble: &CallError, certainty: Certainty) -> Option<Ended> {
    if trouble.class == Class::Forbidden {
        // The circuit parks it. Where it does not, because somebody has decided so, a customer may still exist.
        let failure = calls::failure(trouble, Code::Unresolved, case.now);
        let outcome = Outcome::Bury { failure, step: with_generation(case, certainty) };
        let signal = Signal::Refused(calls::refusal(trouble, &case.config.phrases));
        return Some(Ended { outcome, signal });
    }
    let ended = calls::given_back(trouble, certainty)?;
    let after = trouble.wait().unwrap_or_default();
    Some(Ended { outcome: Outcome::GiveBack { after, step: with_generation(case, certainty) }, ..ended })
}

/// No look-up is to be had now, which is no failure of this job: the attempt is given back.
pub(super) fn postponed(case: &Case<'_>, error: &CallError, after: Duration) -> Ended {
    let step = with_generation(case, certainty(error));
    Ended { outcome: Outcome::GiveBack { after, step }, signal: calls::signal(error) }
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
fn doubt_remains(case: &Case<'_>) -> Option<Duration> {
    let since = case.job.record.uncertain_since?;
    case.config.settle_window.checked_sub(case.store_now.since(since)).filter(|left| !left.is_zero())
}

/// The last attempt got no answer either, and the look-up found nothing.
fn silent(case: &Case<'_>, error: &CallError) -> Ended {
    let doubt = error.is_uncertain() || case.job.record.uncertain_since.is_some();
    let code = if doubt { Code::Unresolved } else { calls::trouble(error) };
    last_or_retried(case, error, code, certainty(error))
}

/// The look-up that had to come before the create failed: the create was not sent.
pub(super) fn look_up_failed(case: &Case<'_>, error: &CallError) -> Ended {
    not_ours(case, error, Certainty::NoEffect)
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
