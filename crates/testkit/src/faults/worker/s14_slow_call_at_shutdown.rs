//! A worker that is told to stop while its calls take for ever.
//!
//! No setting lets a call last longer than the grace time, so one that would last for minutes ends before, unanswered. What
//! can outlast the grace time is an attempt of several calls: that one is handed back in the middle.

use std::time::{Duration, Instant};

use serde_json::json;

use super::attempts::Attempts;
use super::{close, log_of};
use crate::faults::{Scenario, Stage, Told};
use crate::stories::accounts::{number, take_in};
use crate::stories::crew::Counts;
use crate::stories::logs;
use crate::stories::watch::{in_time, wait_until};
use crate::{Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s14_slow_call_at_shutdown",
    shows: "a worker is told to stop amid calls of minutes (here 8 s; those without an answer take effect later): it hands \
            its jobs back at the deadline at no cost, and no customer is made twice",
    in_short_set: false,
    tell,
};

/// How long each call takes. Two of them outlast the grace time, one does not.
const CALL: Duration = Duration::from_secs(8);
const TIMEOUT: &str = "10s";
const GRACE: Duration = Duration::from_secs(11);

/// What ends itself at the deadline may take so long to be written and to exit: a second, and four more for a busy machine.
const LAST: Duration = Duration::from_secs(5);

/// Far beyond all of it: nobody waits for a lease to run out.
const LEASE: Duration = Duration::from_mins(10);

fn tell(stage: &Stage) -> Result<Told> {
    let (customers, cut, unanswered) = (stage.pick(60, 2_000), stage.pick(20, 100), stage.pick(5, 20));
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    prepare(&mut world, cut, unanswered)?;
    take_in(&world, customers, stage.seed)?;
    let exit = stop_amid_calls(&world, cut + unanswered)?;
    let (back, seen) = go_on(&world)?;
    // All that was handed back runs as if it had not run before; what had no answer has spent one attempt on that.
    same("ends of the first worker that were refused", &Counts::of(&world, 0)?.lost, &0)?;
    same("attempts of the first worker that failed", &Counts::of(&world, 0)?.retried, &unanswered)?;
    let beyond: u64 = seen.again.len() as u64;
    same("second attempts of the second worker", &beyond, &unanswered)?;
    // What the worker gave up waiting for is done at last, and must be no customer's second creation.
    let pending = || number(&world.audit()?, "/late_effects_pending");
    wait_until(|| Ok(pending()? == 0))?;
    let accounts = close(&world, customers, &[0, 1].map(log_of))?;
    same("creates that made a customer", &number(&accounts.audit, "/effective_creates")?, &customers)?;
    let replays = number(&accounts.audit, "/replays")?;
    same("creates that made nobody", &replays, &(cut + unanswered))?;
    let result = format!(
        "{cut} jobs handed back in the middle, {unanswered} calls took effect late; ended {:.1} s after SIGTERM",
        exit.as_secs_f64()
    );
    Ok(Told { customers, hurts: 1, recovery: Some(back), result })
}

fn prepare(world: &mut World, cut: u64, unanswered: u64) -> Result<()> {
    let concurrency = (cut + unanswered).to_string();
    for (setting, value) in [
        ("GANGWAY__API__TIMEOUT", TIMEOUT),
        ("GANGWAY__WORKER__GRACE", &format!("{}s", GRACE.as_secs())),
        ("GANGWAY__WORKER__JOB_TIMEOUT", "60s"),
        ("GANGWAY__WORKER__LEASE", &format!("{}s", LEASE.as_secs())),
        ("GANGWAY__WORKER__CONCURRENCY", &concurrency),
        ("GANGWAY__CREATE__SETTLE_WINDOW", "1m"),
        // The calls without an answer come all at once; they shall be failed attempts, not an outage.
        ("GANGWAY__CIRCUIT__THRESHOLD", "1000000"),
    ] {
        world.set(setting, value);
    }
    logs::log_attempts(world);
    let late = json!({"fault": {"kind": "late_effect", "after_ms": 1_000}, "routes": ["create"], "times": unanswered});
    // The work is done, and the answer says that somebody else does it: that asks for a second call.
    let conflict = json!({"kind": "server_error_after", "status": 409, "body": "json"});
    let refused = json!({"fault": conflict, "routes": ["create"], "times": cut});
    let latency = json!({"kind": "fixed", "ms": CALL.as_secs() * 1_000});
    let plan = json!({"latency": latency, "slow_ms": 12_000, "rules": [late, refused]});
    world.put("/_faults", &plan).map(drop)
}

/// Tells the worker to stop when all its slots have a call; tells how long it took to end.
fn stop_amid_calls(world: &World, calls: u64) -> Result<Duration> {
    let mut worker = world.counted_worker(0, false)?;
    let requested = || Ok(number(&world.audit()?, "/requests/create").unwrap_or_default() >= calls);
    wait_until(requested)?;
    let told = Instant::now();
    worker.signal("TERM")?;
    let status = worker.wait_at_most(GRACE + LAST)?;
    let took = told.elapsed();
    same("the end of the worker", &status.code(), &Some(0))?;
    // Shorter, and nothing was cut off in the middle.
    if took + Duration::from_secs(1) < GRACE {
        return Err(crate::Error::Broken(format!(
            "the worker had ended after {:.1} s already",
            took.as_secs_f64()
        )));
    }
    Ok(took)
}

/// Another worker does everything, at once; tells how soon it began, and what it tried.
fn go_on(world: &World) -> Result<(Duration, Attempts)> {
    same("jobs that are still leased", &number(&world.status()?, "/jobs/customer.create/running")?, &0)?;
    world.put("/_faults", &json!({"plan": "none"}))?;
    let before = number(&world.audit()?, "/creates")?;
    let begun = Instant::now();
    let mut worker = world.counted_worker(1, true)?;
    wait_until(|| Ok(number(&world.audit()?, "/creates")? > before))?;
    let back = begun.elapsed();
    in_time("the first create of the next worker", back, Duration::from_secs(5))?;
    let status = worker.wait_at_most(Duration::from_mins(5))?;
    same("the end of the next worker", &status.code(), &Some(0))?;
    Ok((back, Attempts::read(world, &[log_of(1)])?))
}
