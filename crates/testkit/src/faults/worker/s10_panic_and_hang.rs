//! Handlers that do not come to their end: they panic, go on for too long, or block their thread for ever.

use std::time::{Duration, Instant};

use serde_json::json;

use super::attempts::Attempts;
use super::{close, log_of};
use crate::faults::{Scenario, Stage, Told};
use crate::stories::accounts::{number, take_in};
use crate::stories::crew::Crew;
use crate::stories::logs;
use crate::stories::watch::{in_time, wait_until};
use crate::{Error, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s10_panic_and_hang",
    shows: "handlers panic, outlast their deadline, or block a thread for ever: each costs one attempt and frees its slot, \
            and what a blocked one holds is done by another worker",
    in_short_set: false,
    tell,
};

const FAULT_POINTS: &str = "GANGWAY_FAULTPOINTS";

const LEASE: Duration = Duration::from_secs(2);

/// How long an attempt may take, and a call of it; two calls are too much.
const DEADLINE: Duration = Duration::from_secs(5);
const CALL_MS: u64 = 2_800;

/// What is bound to happen at a time may happen so much later on a busy machine.
const SLACK: Duration = Duration::from_secs(5);

fn tell(stage: &Stage) -> Result<Told> {
    let (customers, few) = (stage.pick(200, 4_000), stage.pick(30, 500));
    let panics = panic_often(stage, customers)?;
    let late = outlast_the_deadline(stage, few)?;
    let recovery = block_a_thread(stage, few)?;
    let result = format!("{panics} panics, {late} attempts cut off at their deadline, 1 thread blocked");
    Ok(Told { customers: customers + 2 * few, hurts: panics + late + 1, recovery: Some(recovery), result })
}

fn new_world(stage: &Stage, server: &crate::redis::Server) -> Result<World> {
    let mut world = stage.world_on(server)?;
    for (setting, value) in [
        ("GANGWAY__WORKER__LEASE", format!("{}s", LEASE.as_secs())),
        ("GANGWAY__WORKER__JOB_TIMEOUT", format!("{}s", DEADLINE.as_secs())),
        ("GANGWAY__WORKER__GRACE", "5s".to_owned()),
        ("GANGWAY__API__TIMEOUT", "4s".to_owned()),
        ("GANGWAY__CREATE__SETTLE_WINDOW", "4s".to_owned()),
    ] {
        world.set(setting, &value);
    }
    logs::log_attempts(&mut world);
    Ok(world)
}

/// Each panic is one failed attempt of its job, and nothing else.
fn panic_often(stage: &Stage, customers: u64) -> Result<u64> {
    let server = stage.server()?;
    let mut world = new_world(stage, &server)?;
    world.set(FAULT_POINTS, "create.answered=panic/20,link.answered=panic/20,poll.answered=panic/100");
    take_in(&world, customers, stage.seed)?;
    let counts = Crew::start(&world, 1, true)?.finish(&world)?;
    let panics = stopped(&world, "panic")?;
    same("attempts that failed, against panics", &counts[0].retried, &panics)?;
    if panics < customers / 20 {
        return Err(Error::Broken(format!("{panics} panics are too few to prove anything")));
    }
    close(&world, customers, &[log_of(0)])?;
    Ok(panics)
}

/// All slots for creates are taken by attempts that go on for too long: they are free again at the deadline.
fn outlast_the_deadline(stage: &Stage, customers: u64) -> Result<u64> {
    const SLOTS: u64 = 16;
    let server = stage.server()?;
    let mut world = new_world(stage, &server)?;
    world.set("GANGWAY__WORKER__CONCURRENCY", &SLOTS.to_string());
    // The work is done, and the answer says that somebody else does it: that asks for a second call.
    let conflict = json!({"kind": "server_error_after", "status": 409, "body": "json"});
    let rule = json!({"fault": conflict, "routes": ["create"], "times": SLOTS});
    world.put("/_faults", &json!({"latency": {"kind": "fixed", "ms": CALL_MS}, "rules": [rule]}))?;
    take_in(&world, customers, stage.seed)?;
    let crew = Crew::start(&world, 1, true)?;
    wait_until(|| Ok(requests(&world)? >= SLOTS))?;
    let begun = Instant::now();
    while stopped(&world, "timed_out")? < SLOTS {
        in_time("cutting the attempts off", begun.elapsed(), DEADLINE + SLACK)?;
        std::thread::sleep(Duration::from_millis(20));
    }
    world.put("/_faults", &json!({"plan": "none"}))?;
    let counts = crew.finish(&world)?;
    same("attempts that failed", &counts[0].retried, &SLOTS)?;
    same("attempts cut off", &stopped(&world, "timed_out")?, &SLOTS)?;
    close(&world, customers, &[log_of(0)])?;
    Ok(SLOTS)
}

/// A handler that never lets go of its thread cannot be cut off, and its process lives on: so its lease must not be renewed
/// for ever. Another worker does what it holds.
fn block_a_thread(stage: &Stage, customers: u64) -> Result<Duration> {
    let server = stage.server()?;
    let mut world = new_world(stage, &server)?;
    take_in(&world, customers, stage.seed)?;
    world.set(FAULT_POINTS, "create.answered=hang@5");
    let mut blocked = world.counted_worker(0, false)?;
    wait_until(|| Ok(requests(&world)? >= 5))?;
    let begun = Instant::now();
    world.set(FAULT_POINTS, "");
    // Renewed up to the deadline and a lease, then it runs out. What the ailing process leases afterwards may be stuck behind the
    // blocked thread in its turn, so that takes more than one round; at full size the others take their time as well.
    let work = Duration::from_secs(stage.pick(5, 30));
    let mut healthy = world.counted_worker(1, true)?;
    let status = healthy.wait_at_most(3 * (DEADLINE + 2 * LEASE) + SLACK + work)?;
    let took = begun.elapsed();
    same("the end of the healthy worker", &status.code(), &Some(0))?;
    if let Some(status) = blocked.ended()? {
        return Err(Error::Broken(format!("the blocked worker ended with {status}")));
    }
    blocked.kill()?;
    close(&world, customers, &[0, 1].map(log_of))?;
    Ok(took)
}

fn requests(world: &World) -> Result<u64> {
    Ok(number(&world.audit()?, "/requests/create").unwrap_or_default())
}

/// Handlers of the first worker that were stopped for that reason so far.
fn stopped(world: &World, code: &str) -> Result<u64> {
    Ok(Attempts::read(world, &[log_of(0)])?.stopped_by(code))
}
