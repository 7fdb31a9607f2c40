//! Work is paused, the workers are replaced, work goes on; and somebody presses "redrive all" more than once.

use std::time::Duration;

use serde_json::{Value, json};

use super::{LONGEST, at, bury_without_room, creates, events, make_room, nothing_was_taken_back};
use crate::faults::{Scenario, Stage, Told};
use crate::process::{Finished, Process};
use crate::stories::accounts::{self, number, take_in};
use crate::stories::crew::Crew;
use crate::stories::logs;
use crate::stories::watch::{calls, within};
use crate::{Error, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s62_pause_and_replay",
    shows: "all is paused, all workers are replaced, and work goes on at no cost; \"redrive all\" pressed twice at once and once \
            more puts each dead letter back once, and says so",
    in_short_set: true,
    tell,
};

const LOGS: [&str; 2] = ["worker-0.log", "worker-1.log"];

const ENDS: [&str; 3] = ["approved", "rejected", "dead"];

/// A worker that finds nothing to do asks again sooner than that.
const QUIET: Duration = Duration::from_secs(3);

fn tell(stage: &Stage) -> Result<Told> {
    let (customers, without_room) = stage.pick((500, 50), (10_000, 1_000));
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    bury_without_room(&mut world);
    logs::log_attempts(&mut world);
    world.put("/_faults", &json!({"latency": {"kind": "fixed", "ms": 40.0}}))?;
    make_room(&world, customers - without_room)?;
    take_in(&world, customers, stage.seed)?;

    let deployed = deploy_while_paused(&world, customers)?;
    let mut crew = deployed.crew;
    within("an end of each", LONGEST, || {
        crew.must_live()?;
        Ok(at(&world, &ENDS)? == customers)
    })?;
    same("dead for want of room", &at(&world, &["dead"])?, &without_room)?;

    make_room(&world, customers)?;
    world.json(&["queue", "pause", "--json"])?;
    let presses = press_redrive(&world)?;
    world.json(&["queue", "resume", "--json"])?;
    within("an end of each that was put back", LONGEST, || {
        crew.must_live()?;
        Ok(at(&world, &["approved", "rejected"])? == customers)
    })?;
    for (worker, counts) in crew.stop(&world)?.into_iter().enumerate() {
        same(&format!("ends of worker {worker} that were refused"), &counts.lost, &0)?;
    }

    same("put back by all presses", &presses, &without_room)?;
    let events = events(&world, &LOGS)?;
    same("creates that ran", &creates(&events), &(customers + without_room))?;
    nothing_was_taken_back(&events)?;
    let accounts = accounts::settle(&world, customers)?;
    same("dead", &accounts.ended("dead"), &0)?;
    accounts::nothing_personal(&world, "customers.csv", &LOGS)?;
    Ok(Told {
        customers,
        hurts: 2,
        recovery: Some(deployed.back),
        result: format!(
            "{} onboardings open when all workers were replaced, no attempt spent; {presses} put back by three presses, each once",
            deployed.open
        ),
    })
}

/// Work that was paused, and goes on under other workers.
struct Deployed {
    crew: Crew,
    /// Onboardings without an end when the workers were replaced.
    open: u64,
    /// From the word to go on until the first call.
    back: Duration,
}

fn deploy_while_paused(world: &World, customers: u64) -> Result<Deployed> {
    let old = Crew::start(world, LOGS.len(), false)?;
    within("a third of the customers", LONGEST, || {
        Ok(number(&world.audit()?, "/customers")? > customers / 3)
    })?;
    world.json(&["queue", "pause", "--json"])?;
    within("the end of what ran when it was paused", Duration::from_secs(15), || Ok(leases(world)? == 0))?;
    let open = customers - at(world, &ENDS)?;
    if open < customers / 4 {
        return Err(Error::Broken(format!(
            "only {open} of {customers} were open: too few to prove anything"
        )));
    }
    for (worker, counts) in old.stop(world)?.into_iter().enumerate() {
        same(&format!("ends of worker {worker} that were refused"), &counts.lost, &0)?;
    }
    let before = calls(world)?;
    let mut crew = Crew::start(world, LOGS.len(), false)?;
    within("the new workers", Duration::from_secs(15), || Ok(workers(world)?.len() == LOGS.len()))?;
    std::thread::sleep(QUIET);
    crew.must_live()?;
    same("calls while all is paused", &calls(world)?, &before)?;
    world.json(&["queue", "resume", "--json"])?;
    let back = within("a call after it goes on", Duration::from_secs(5), || Ok(calls(world)? > before))?;
    Ok(Deployed { crew, open, back })
}

fn workers(world: &World) -> Result<Vec<Value>> {
    Ok(world.status()?["workers"].as_array().cloned().unwrap_or_default())
}

fn leases(world: &World) -> Result<u64> {
    workers(world)?.iter().map(|worker| number(worker, "/leases")).sum()
}

/// Two people press it at once, and one of them again; answers how many all of it put back.
fn press_redrive(world: &World) -> Result<u64> {
    let words = ["dead", "redrive", "--all", "--json"];
    let press = || {
        let mut command = world.command(&words);
        move || Process::run(&mut command)
    };
    let (mut one, mut other) = (press(), press());
    let both = std::thread::scope(|scope| {
        let other = scope.spawn(&mut other);
        (one(), other.join())
    });
    let other = both.1.map_err(|_panic| Error::Broken("a press panicked".to_owned()))?;
    let put_back = redriven(both.0?)? + redriven(other?)?;
    let again = world.run(&words)?.expect_code(2)?;
    if !again.stderr.contains("no dead letter fits") {
        return Err(Error::Broken(format!("a press that finds nothing says: {}", again.stderr)));
    }
    Ok(put_back)
}

/// How many one press put back: none if the other one was quicker.
fn redriven(press: Finished) -> Result<u64> {
    if press.code == Some(2) && press.stderr.contains("no dead letter fits") {
        return Ok(0);
    }
    number(&press.expect_code(0)?.json()?, "/redriven")
}
