//! The server's memory ends in the middle of an import.

use std::time::{Duration, Instant};

use gangway_producer::sample::SampleOptions;

use crate::faults::{Scenario, Stage, Told};
use crate::redis::Server;
use crate::stories::accounts;
use crate::stories::crew::Crew;
use crate::stories::kills::finish;
use crate::stories::logs;
use crate::stories::watch::{ended, total, within};
use crate::{Error, Process, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s23_memory_full",
    shows: "memory ends in the middle of an import: it waits, another one is refused, what was taken in goes on to its end",
    in_short_set: true,
    tell: memory_full,
};

/// About half of what a customer takes who waits to be created: the limit is reached in the middle of the file.
const ROOM_EACH: u64 = 400;

/// An import waits at most two seconds between two attempts; the rest is for a busy machine.
const SOON: Duration = Duration::from_secs(10);

fn memory_full(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let world = stage.world_on(&server)?;
    let clean = SampleOptions::clean(stage.pick(2_000, 10_000), stage.seed);
    let customers = accounts::write_sample(&world, "customers.csv", &clean)?.customers;
    let mut import = fill(&world, &server, customers)?;
    let (full_since, stuck) = (Instant::now(), total(&world)?);
    if stuck == 0 || stuck >= customers {
        return Err(Error::Broken(format!("memory ended at {stuck} of {customers}: not in the middle")));
    }
    a_second_import_is_refused(&world)?;
    let mut crew = Crew::start(&world, 2, false)?;
    within("the end of all that was taken in", Duration::from_mins(3), || {
        crew.must_live()?;
        Ok(ended(&world.status()?) >= stuck)
    })?;
    same("onboardings taken in by a full server", &total(&world)?, &stuck)?;
    let refusals = refusals(&server)?;
    few(refusals, full_since.elapsed())?;
    same("the import's end while memory is full", &import.ended()?.is_some(), &false)?;

    server.configure("maxmemory", "1gb")?;
    let recovery = within("a row after memory was added", SOON, || Ok(total(&world)? > stuck))?;
    same("the import's success", &import.wait_at_most(Duration::from_mins(2))?.success(), &true)?;
    same("ends that were refused", &crew.stop(&world)?.iter().map(|counts| counts.lost).sum(), &0)?;
    finish(&world)?;
    close(&world, customers)?;
    Ok(Told {
        customers,
        hurts: refusals,
        recovery: Some(recovery),
        result: format!(
            "full at {stuck} rows: all of these ended while {refusals} writes of the import were refused; \
             the rest came in by itself when memory was added"
        ),
    })
}

/// Starts an import that finds no room for the second half of its rows.
fn fill(world: &World, server: &Server, customers: u64) -> Result<Process> {
    let limit = server.used_memory()? + customers * ROOM_EACH;
    server.configure("maxmemory", &limit.to_string())?;
    let mut import = world.start(&["import", "customers.csv", "--json"], "import.log")?;
    within("the import's word that it waits", Duration::from_mins(1), || {
        if let Some(status) = import.ended()? {
            return Err(Error::Broken(format!("the import ended with {status} instead of waiting")));
        }
        Ok(logs::holds(world, "import.log", "is out of memory and takes nothing in"))
    })?;
    // What ends shall make no room: else the import would creep on, and nothing be told apart.
    server.configure("maxmemory", &(limit / 2).to_string())?;
    Ok(import)
}

/// Somebody who begins now is told at once, with the remedy.
fn a_second_import_is_refused(world: &World) -> Result<()> {
    let refused = world.run(&["import", "customers.csv", "--report", "second.csv"])?.expect_code(2)?;
    refused.expect_words(&["redis_memory", "maxmemory"])
}

fn refusals(server: &Server) -> Result<u64> {
    let told = server.info("errorstat_OOM")?;
    let count = told.trim().strip_prefix("count=").and_then(|count| count.parse().ok());
    count.ok_or_else(|| Error::Broken(format!("no number of refusals in {told:?}")))
}

/// An import that waits does not knock all the time: from 50 ms on each wait is twice the one before, up to 2 s.
fn few(refusals: u64, within: Duration) -> Result<()> {
    let most = 20 + within.as_secs();
    if refusals == 0 || refusals > most {
        return Err(Error::Broken(format!(
            "{refusals} writes were refused in {} s; some were expected, {most} at most",
            within.as_secs()
        )));
    }
    Ok(())
}

fn close(world: &World, customers: u64) -> Result<()> {
    let accounts = accounts::settle(world, customers)?;
    same("dead", &accounts.ended("dead"), &0)?;
    same("customers at the API", &accounts::number(&accounts.audit, "/customers")?, &customers)?;
    accounts::nothing_personal(
        world,
        "customers.csv",
        &["import.log", "worker.log", "worker-0.log", "worker-1.log", "simulator.log"],
    )
}
