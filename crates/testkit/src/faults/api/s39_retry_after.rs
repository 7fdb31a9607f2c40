//! 39: the API asks to wait.

use std::time::{Duration, Instant};

use serde_json::json;

use super::ground::{all_well, broken, circuit, patient};
use super::{Scenario, Stage, Told};
use crate::stories::accounts::{number, take_in};
use crate::stories::crew::Crew;
use crate::stories::logs::{self, Follow};
use crate::stories::watch::{calls, within};
use crate::{Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s39_retry_after",
    shows: "one worker meets a 429: no worker calls for the time it names but for what was in flight, and nobody's attempt is spent",
    in_short_set: true,
    tell,
};

/// Calls that were sent before the 429 was read and settled.
const IN_FLIGHT: Duration = Duration::from_millis(1_500);

/// So soon after the wait the workers call again.
const SOON: Duration = Duration::from_secs(5);

fn tell(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    patient(&mut world);
    logs::log_attempts(&mut world);
    let customers = stage.pick(100, 400);
    // So much work that it outlasts the waits.
    world.set("GANGWAY__API__RATE_PER_SECOND", "100");
    world.put("/_knobs", &json!({"limits": {"in_flight_grace_ms": IN_FLIGHT.as_millis()}}))?;
    take_in(&world, customers, stage.seed)?;
    let crew = Crew::start(&world, 2, true)?;
    let waits: &[(u64, bool)] = stage.pick(&[(3, false)], &[(30, false), (10, true)]);
    let mut latest = Duration::ZERO;
    for (seconds, embedded) in waits {
        latest = latest.max(a_wait_is_kept(&world, *seconds, *embedded)?);
    }
    world.json(&["queue", "limits", "--rate", "5000", "--json"])?;
    for (worker, counts) in crew.finish(&world)?.into_iter().enumerate() {
        same(&format!("attempts of worker {worker} that failed"), &counts.retried, &0)?;
        same("the highest number of an attempt", &highest_attempt(&world, worker)?, &1)?;
    }
    let audit = all_well(&world, customers, 2)?.audit;
    same("calls within a wait", &number(&audit, "/requests_in_429_window")?, &0)?;
    Ok(Told {
        customers,
        hurts: waits.len() as u64,
        recovery: Some(latest),
        result: format!("0 calls of 2 workers in waits of {} s, 0 attempts spent", in_words(waits)),
    })
}

fn in_words(waits: &[(u64, bool)]) -> String {
    waits.iter().map(|(seconds, _)| seconds.to_string()).collect::<Vec<_>>().join(" and ")
}

/// One call is answered so; tells how long after the wait the next one came.
fn a_wait_is_kept(world: &World, seconds: u64, embedded: bool) -> Result<Duration> {
    let at_work = calls(world)? + 50;
    within("work", Duration::from_secs(20), || Ok(calls(world)? > at_work))?;
    let told = number(&world.audit()?, "/rate_limited")?;
    let fault =
        json!({"kind": "too_many_requests", "wait_s": seconds, "header": !embedded, "embedded": embedded});
    world.put("/_faults", &json!({"name": "429", "rules": [{"fault": fault, "times": 1}]}))?;
    within("a 429", Duration::from_secs(10), || Ok(number(&world.audit()?, "/rate_limited")? > told))?;
    let begun = Instant::now();
    std::thread::sleep(IN_FLIGHT);
    let (before, reason) = (calls(world)?, circuit(world)?.1);
    if !reason.contains("429") {
        return Err(broken(format!("the circuit does not tell of the wait: {reason:?}")));
    }
    let wait = Duration::from_secs(seconds);
    std::thread::sleep(wait.saturating_sub(begun.elapsed() + Duration::from_millis(300)));
    same("calls while the API asked to wait", &(calls(world)? - before), &0)?;
    within("a call after the wait", Duration::from_millis(300) + SOON, || Ok(calls(world)? > before))?;
    Ok(begun.elapsed().saturating_sub(wait))
}

fn highest_attempt(world: &World, worker: usize) -> Result<u64> {
    let lines = Follow::new(world, &format!("worker-{worker}.log")).lines()?;
    let attempts = lines.iter().filter_map(logs::finished_attempt);
    attempts.map(|(_, _, attempt)| attempt).max().ok_or_else(|| broken("no attempt in the log"))
}
