//! A world seen from outside while it works: how far it has come, and waiting for what is to come.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::accounts::number;
use crate::{Error, Result, World, wait};

/// Asks again and again until it is so, and for no longer than that; tells how long it took.
///
/// # Errors
/// It does not come true in time, or asking fails.
pub fn within(what: &str, limit: Duration, mut is_so: impl FnMut() -> Result<bool>) -> Result<Duration> {
    let begun = Instant::now();
    wait::until(what, limit, || Ok(is_so()?.then_some(())))?;
    Ok(begun.elapsed())
}

/// Asks again and again, for a minute at most.
///
/// # Errors
/// It never comes true, or asking fails.
pub fn wait_until(is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    within("what was waited for", Duration::from_mins(1), is_so).map(drop)
}

/// Fails if something took longer than it may.
///
/// # Errors
/// It did.
pub fn in_time(what: &str, took: Duration, limit: Duration) -> Result<()> {
    if took <= limit {
        return Ok(());
    }
    Err(Error::Broken(format!("{what} took {took:.1?}, more than {limit:?}")))
}

/// Calls that the API has had, without those of the stories themselves.
///
/// # Errors
/// The simulator does not answer.
pub fn calls(world: &World) -> Result<u64> {
    Ok(calls_in(&world.audit()?))
}

/// The same, by an audit.
pub fn calls_in(audit: &Value) -> u64 {
    let routes = audit["requests"].as_object().into_iter().flatten().filter(|(route, _)| *route != "control");
    routes.filter_map(|(_, count)| count.as_u64()).sum()
}

/// Waits until the API has had more calls than `before`, and for no longer than that; tells how long it took.
///
/// # Errors
/// It has not in time.
pub fn time_until_calls(world: &World, before: u64, limit: Duration) -> Result<Duration> {
    within("a call of the API", limit, || Ok(calls(world)? > before))
}

/// Onboardings in the store; 0 as long as there is none.
///
/// # Errors
/// The program cannot be run, or tells no number.
pub fn total(world: &World) -> Result<u64> {
    let status = world.run(&["status", "--json"])?;
    if status.code != Some(0) {
        return Ok(0);
    }
    number(&status.json()?, "/onboardings/total")
}

/// Onboardings that have an end, by a status.
pub fn ended(status: &Value) -> u64 {
    let ends = ["approved", "rejected", "expired", "dead", "cancelled", "erased"];
    let of = |stage: &str| status["onboardings"]["by_stage"][stage].as_u64().unwrap_or_default();
    ends.into_iter().map(of).sum()
}

/// Jobs of a kind that are not done, whatever they wait for, by a status.
///
/// # Errors
/// It does not tell of such a kind.
pub fn left(status: &Value, kind: &str) -> Result<u64> {
    let all = ["available", "scheduled", "running", "retryable"];
    all.into_iter().map(|state| number(status, &format!("/jobs/{kind}/{state}"))).sum()
}
