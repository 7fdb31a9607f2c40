//! A worker that gets 5 % of a core, under calls that take twice as long as its leases, keeps what it holds.

use std::time::Duration;

use serde_json::json;

use super::ground::{close, take_in};
use super::starved::Starved;
use crate::faults::{Scenario, Stage, Told};
use crate::stories::accounts::number;
use crate::stories::crew::Counts;
use crate::stories::held;
use crate::stories::watch::wait_until;
use crate::{Error, Process, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s06_starved_worker",
    shows: "a worker gets 5 % of a core, each create takes two leases: no lease of its is taken back",
    in_short_set: false,
    tell,
};

/// So often is looked at most: five minutes and more.
const LOOKS: u32 = 1_200;

fn tell(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    let (customers, lease) = (stage.pick(24, 64), stage.pick(5, 10));
    let slow = 2 * lease;
    // The calls of handlers never block a thread, so a handler that blocks is a call that takes that long.
    for (name, seconds) in [
        ("GANGWAY__WORKER__LEASE", lease),
        ("GANGWAY__API__TIMEOUT", slow + 15),
        ("GANGWAY__WORKER__GRACE", slow + 20),
        ("GANGWAY__WORKER__JOB_TIMEOUT", slow + 30),
        ("GANGWAY__CREATE__SETTLE_WINDOW", slow + 20),
    ] {
        world.set(name, &format!("{seconds}s"));
    }
    take_in(&world, customers, stage.seed)?;
    let slow_creates =
        json!({"slow_ms": slow * 1_000, "rules": [{"fault": {"kind": "slow_answer"}, "routes": ["create"]}]});
    world.put("/_faults", &slow_creates)?;

    let mut starved = world.counted_worker(0, true)?;
    wait_until(|| Ok(held::worker_of(&world, starved.pid())?.is_some_and(|(_, leases)| leases >= 8)))?;
    let hunger = Starved::begin(&starved);
    let mut fed = world.counted_worker(1, true)?;
    let lives = it_lives_while_others_wait(&world, &starved, &mut fed);
    let share = hunger.end()?;
    lives?;
    for worker in [&mut starved, &mut fed] {
        let status = worker.wait_at_most(Duration::from_mins(1))?;
        if !status.success() {
            return Err(Error::Broken(format!("a worker ended with {status}")));
        }
    }
    let attempts = nothing_was_taken_back(&world)?;
    let logs = ["worker-0.log".to_owned(), "worker-1.log".to_owned()];
    let accounts = close(&world, customers, &logs)?;
    same("creates that were asked again", &number(&accounts.audit, "/replays")?, &0)?;
    Ok(Told {
        customers,
        hurts: 1,
        recovery: None,
        result: format!(
            "it could run {:.0} % of the time, ended {attempts} attempts, leases of {lease} s under calls of {slow} s: \
             0 taken back",
            share * 100.0
        ),
    })
}

/// Looks at the starved worker until the other one has seen the last customer's end. The starved one is not waited for: as
/// long as it gets signals, its pid must stay its own.
fn it_lives_while_others_wait(world: &World, starved: &Process, fed: &mut Process) -> Result<()> {
    for _ in 0..LOOKS {
        if fed.ended()?.is_some() {
            return Ok(());
        }
        let running = number(&world.status()?, "/jobs/customer.create/running")?;
        if running > 0 && held::worker_of(world, starved.pid())?.is_none() {
            return Err(Error::Broken("the starved worker is taken for dead".to_owned()));
        }
        std::thread::sleep(Duration::from_millis(250));
    }
    Err(Error::Broken(format!("the work did not end after {LOOKS} looks at it")))
}

/// No end was refused, and nobody took a lease back; answers how many attempts the starved worker ended.
fn nothing_was_taken_back(world: &World) -> Result<u64> {
    let (starved, fed) = (Counts::of(world, 0)?, Counts::of(world, 1)?);
    same("ends that were refused", &(starved.lost, fed.lost), &(0, 0))?;
    for log in ["worker-0.log", "worker-1.log"] {
        let text = std::fs::read_to_string(world.path(log))
            .map_err(|source| Error::Io { action: format!("read {log}"), source })?;
        same(
            &format!("{log} tells that leases were taken back"),
            &text.contains("took back leases"),
            &false,
        )?;
    }
    if starved.attempts == 0 {
        return Err(Error::Broken("the starved worker ended no attempt".to_owned()));
    }
    Ok(starved.attempts)
}
