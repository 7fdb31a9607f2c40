//! Values against each other. A sentence begins with the name of the setting that it is about.

use std::time::Duration;

use super::duration::show;
use super::sections::Sections;

/// Where real customers are.
const PRODUCTION: &str = "production";

/// Checks everything that can be told without the credential.
///
/// # Errors
/// The first rule that is broken.
pub(crate) fn check(s: &Sections) -> Result<(), String> {
    s.api().validate().map_err(|error| error.to_string())?;
    s.policies().validate()?;
    s.retry_policy().validate()?;
    s.poll_policy().validate()?;
    require(!s.api.entity.trim().is_empty(), || "api.entity must not be empty".to_owned())?;
    worker(s)?;
    circuit(s)?;
    store(s)?;
    phrases(s)
}

/// Checks what depends on the environment's name.
///
/// # Errors
/// The first rule that is broken.
pub(crate) fn in_environment(s: &Sections, name: Option<&str>) -> Result<(), String> {
    let production = name.is_some_and(|name| name.eq_ignore_ascii_case(PRODUCTION));
    require(!(production && s.api.allow_plain_http), || {
        "api.allow_plain_http must be false where GANGWAY_ENV is production: it is for test servers only"
            .to_owned()
    })
}

fn worker(s: &Sections) -> Result<(), String> {
    let (worker, timeout) = (&s.worker, s.api.timeout);
    require((1..=10_000).contains(&worker.concurrency), || {
        format!("worker.concurrency must lie between 1 and 10000, not {}", worker.concurrency)
    })?;
    require(worker.lease >= Duration::from_millis(100), || {
        format!("worker.lease must be at least 100ms, not {}: it is renewed at a third", show(worker.lease))
    })?;
    require(worker.grace > timeout, || {
        format!(
            "worker.grace ({}) must be longer than api.timeout ({}), or a stop cuts calls off in the middle",
            show(worker.grace),
            show(timeout)
        )
    })?;
    require(worker.job_timeout > timeout, || {
        format!(
            "worker.job_timeout ({}) must be longer than api.timeout ({}), or an attempt ends before its call",
            show(worker.job_timeout),
            show(timeout)
        )
    })?;
    require(s.create.settle_window >= timeout, || {
        format!(
            "create.settle_window ({}) must be at least api.timeout ({})",
            show(s.create.settle_window),
            show(timeout)
        )
    })
}

fn circuit(s: &Sections) -> Result<(), String> {
    require(s.circuit.threshold > 0, || "circuit.threshold must be at least 1".to_owned())?;
    require(s.systemic.suspects > 1, || {
        "systemic.suspects must be at least 2: one customer cannot tell whose fault a refusal is".to_owned()
    })
}

fn store(s: &Sections) -> Result<(), String> {
    require(!s.store.busy_timeout.is_zero(), || "store.busy_timeout must be more than zero".to_owned())?;
    s.redis_config().validate()
}

fn phrases(s: &Sections) -> Result<(), String> {
    for (name, phrases) in
        [("api.row_phrases", &s.api.row_phrases), ("api.systemic_phrases", &s.api.systemic_phrases)]
    {
        require(phrases.iter().all(|phrase| !phrase.trim().is_empty()), || {
            format!("{name} must not hold an empty phrase: it would fit every refusal")
        })?;
    }
    Ok(())
}

fn require(holds: bool, sentence: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(sentence()) }
}
