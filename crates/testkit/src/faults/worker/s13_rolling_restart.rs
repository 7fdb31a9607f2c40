//! All workers replaced one after the other, again and again, while they work.

use std::time::{Duration, Instant};

use serde_json::json;

use super::attempts::Attempts;
use super::{close, log_of};
use crate::faults::{Scenario, Stage, Told};
use crate::stories::accounts::{number, take_in};
use crate::stories::crew::Counts;
use crate::stories::kills::finish;
use crate::stories::logs::{self, Follow};
use crate::stories::watch::in_time;
use crate::{Error, Process, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s13_rolling_restart",
    shows: "all workers are told to stop and replaced, five rounds under load: each ends within 25 s, and no attempt is spent",
    in_short_set: true,
    tell,
};

const WORKERS: usize = 3;

/// What a worker may take from `SIGTERM` to its end; its grace time is 20 s.
const EXIT: Duration = Duration::from_secs(25);

fn tell(stage: &Stage) -> Result<Told> {
    let (customers, rounds) = (stage.pick(400, 4_000), stage.pick(2, 5));
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    for (setting, value) in [
        ("GANGWAY__WORKER__LEASE", "10s"),
        ("GANGWAY__WORKER__GRACE", "20s"),
        ("GANGWAY__WORKER__JOB_TIMEOUT", "30s"),
        // Few enough that work is left in the last round.
        ("GANGWAY__WORKER__CONCURRENCY", stage.pick("2", "8")),
        ("GANGWAY__API__TIMEOUT", "15s"),
        ("GANGWAY__CREATE__SETTLE_WINDOW", "15s"),
    ] {
        world.set(setting, value);
    }
    logs::log_attempts(&mut world);
    // Some calls last so long that a worker must wait for them at its end.
    let slow = json!({"fault": {"kind": "slow_answer"}, "rate": 0.01});
    let plan = json!({"latency": {"kind": "fixed", "ms": 200.0}, "slow_ms": 1_500, "rules": [slow]});
    world.put("/_faults", &plan)?;
    take_in(&world, customers, stage.seed)?;
    let (started, slowest) = roll(&world, rounds)?;
    world.put("/_faults", &json!({"plan": "none"}))?;
    world.set("GANGWAY__WORKER__CONCURRENCY", "32");
    finish(&world)?;
    let attempts = nothing_was_spent(&world, started)?;
    let logs: Vec<String> = (0..started).map(log_of).chain(["worker.log".to_owned()]).collect();
    let accounts = close(&world, customers, &logs)?;
    same("creates that were repeated", &number(&accounts.audit, "/replays")?, &0)?;
    let stops = rounds * WORKERS;
    let result = format!(
        "{stops} workers ended within {:.1} s, none of {attempts} attempts was spent",
        slowest.as_secs_f64()
    );
    Ok(Told { customers, hurts: stops as u64, recovery: Some(slowest), result })
}

/// Replaces all workers, round by round, and stops the last ones too; tells how many were started, and the slowest end.
fn roll(world: &World, rounds: usize) -> Result<(usize, Duration)> {
    let start = |number| world.counted_worker(number, false);
    let mut crew: Vec<Process> = (0..WORKERS).map(start).collect::<Result<_>>()?;
    let (mut started, mut slowest) = (WORKERS, Duration::ZERO);
    for _ in 0..rounds {
        for old in &mut crew {
            let number = started;
            let new = start(number)?;
            started += 1;
            wait_for_work(world, number)?;
            slowest = slowest.max(stop(&mut std::mem::replace(old, new))?);
        }
        must_be_loaded(world)?;
    }
    for last in &mut crew {
        slowest = slowest.max(stop(last)?);
    }
    Ok((started, slowest))
}

/// A replacement has ended a job of its own before the worker that it replaces goes.
fn wait_for_work(world: &World, number: usize) -> Result<()> {
    let begun = Instant::now();
    let mut log = Follow::new(world, &log_of(number));
    while !log.lines()?.iter().any(|line| logs::finished_attempt(line).is_some()) {
        in_time(&format!("worker {number}, until its first job was done,"), begun.elapsed(), EXIT)?;
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn stop(worker: &mut Process) -> Result<Duration> {
    let begun = Instant::now();
    worker.signal("TERM")?;
    let status = worker.wait_at_most(EXIT)?;
    if status.success() {
        return Ok(begun.elapsed());
    }
    Err(Error::Broken(format!("a worker that was told to stop ended with {status}")))
}

fn must_be_loaded(world: &World) -> Result<()> {
    if number(&world.status()?, "/jobs/customer.create/available")? > 0 {
        return Ok(());
    }
    Err(Error::Broken("the work was done before the last round: too little".to_owned()))
}

/// No attempt failed, was refused, or was any job's second one; tells how many there were.
fn nothing_was_spent(world: &World, started: usize) -> Result<u64> {
    for worker in 0..started {
        let counts = Counts::of(world, worker)?;
        same(&format!("attempts of worker {worker} that failed"), &counts.retried, &0)?;
        same(&format!("ends of worker {worker} that were refused"), &counts.lost, &0)?;
    }
    let mut logs: Vec<String> = (0..started).map(log_of).collect();
    logs.push("worker.log".to_owned());
    let attempts = Attempts::read(world, &logs)?;
    same("attempts beyond the first", &attempts.again, &Vec::new())?;
    Ok(attempts.ended)
}
