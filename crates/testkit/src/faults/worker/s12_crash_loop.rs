//! A worker that is started and killed again and again.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{close, log_of};
use crate::faults::{Scenario, Stage, Told};
use crate::stories::accounts::{number, take_in};
use crate::stories::crew::Crew;
use crate::stories::logs::{self, Follow};
use crate::stories::watch::in_time;
use crate::{Error, Process, Result, World};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s12_crash_loop",
    shows: "a worker is killed and started 20 times in 20 s: each start takes jobs at once, none is refused",
    in_short_set: true,
    tell,
};

/// From one start to the next.
const EACH: Duration = Duration::from_secs(1);

/// So soon after its start a worker has done a job. The promise is two seconds to take one; the other three are for a
/// machine whose few processors are busy with something else.
const SOON: Duration = Duration::from_secs(5);

fn tell(stage: &Stage) -> Result<Told> {
    let (customers, starts) = (stage.pick(600, 2_500), stage.pick(5, 20));
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    // Longer than most starts live: what one leaves behind comes back while later ones crash.
    world.set("GANGWAY__WORKER__LEASE", stage.pick("2s", "10s"));
    world.set("GANGWAY__WORKER__CONCURRENCY", "8");
    logs::log_attempts(&mut world);
    // Slow enough that work is left when the last one crashes.
    world.put("/_faults", &json!({"latency": {"kind": "fixed", "ms": 100.0}}))?;
    take_in(&world, customers, stage.seed)?;
    let mut slowest = Duration::ZERO;
    for number in 0..starts {
        slowest = slowest.max(start_and_crash(&world, number)?);
    }
    let left = left(&world)?;
    if left == 0 {
        return Err(Error::Broken("the work was done before the last crash: too little".to_owned()));
    }
    world.put("/_faults", &json!({"plan": "none"}))?;
    world.set("GANGWAY__WORKER__CONCURRENCY", "32");
    Crew::start(&world, 2, true)?.finish(&world)?;
    close(&world, customers, &(0..starts).map(log_of).collect::<Vec<_>>())?;
    let result = format!("{starts} starts, each had done a job after {:.1} s at most", slowest.as_secs_f64());
    Ok(Told { customers, hurts: starts as u64, recovery: Some(slowest), result })
}

/// Tells how long the worker took from its start to the end of its first job.
fn start_and_crash(world: &World, number: usize) -> Result<Duration> {
    let begun = Instant::now();
    let mut worker = world.worker(number)?;
    let mut log = Follow::new(world, &log_of(number));
    while !log.lines()?.iter().any(|line| logs::finished_attempt(line).is_some()) {
        must_live(&mut worker, number)?;
        in_time(&format!("start {number}, until its first job was done,"), begun.elapsed(), SOON)?;
        std::thread::sleep(Duration::from_millis(10));
    }
    let took = begun.elapsed();
    std::thread::sleep(EACH.saturating_sub(took));
    must_live(&mut worker, number)?;
    worker.kill()?;
    Ok(took)
}

fn must_live(worker: &mut Process, number: usize) -> Result<()> {
    match worker.ended()? {
        Some(status) => Err(Error::Broken(format!("start {number} ended with {status}"))),
        None => Ok(()),
    }
}

/// Creates that still wait.
fn left(world: &World) -> Result<u64> {
    number(&world.status()?, "/jobs/customer.create/available")
}
