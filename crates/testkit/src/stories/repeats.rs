//! The same file again: later, at the same time, and after its records were pruned.

use gangway_producer::sample::SampleOptions;

use super::accounts::{self, number};
use super::kills::finish;
use crate::process::Process;
use crate::{Result, World, same};

/// A file imported twice, twice at once, and after pruning calls create no second time.
///
/// # Errors
/// It does, or a repeat is not told as one.
pub fn a_repeated_file_creates_nobody_again(world: &World, customers: u64, seed: u64) -> Result<()> {
    let planted = accounts::write_sample(world, "customers.csv", &SampleOptions::planted(customers, seed))?;
    let together = import_twice_at_once(world)?;
    same("rows taken in by both together", &together, &planted.customers)?;
    finish(world)?;
    accounts::settle(world, planted.customers)?;
    let creates = number(&world.audit()?, "/creates")?;

    again(world, &planted)?;
    world.json(&["prune", "--records", "0s", "--json"])?;
    again(world, &planted)?;
    let status = world.status()?;
    same("onboardings after pruning", &number(&status, "/onboardings/total")?, &planted.customers)?;
    same("create calls after all repeats", &number(&world.audit()?, "/creates")?, &creates)
}

fn import_twice_at_once(world: &World) -> Result<u64> {
    let outputs = std::thread::scope(|scope| {
        let running: Vec<_> = ["one.csv", "two.csv"]
            .map(|report| {
                let mut command = world.command(&["import", "customers.csv", "--report", report, "--json"]);
                scope.spawn(move || Process::run(&mut command))
            })
            .into_iter()
            .collect();
        running.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let mut enqueued = 0;
    for output in outputs {
        let output =
            output.map_err(|_panic| crate::Error::Broken("an import thread panicked".to_owned()))??;
        // Refused rows are told by exit code 1.
        enqueued += number(&output.expect_code(1)?.json()?, "/enqueued")?;
    }
    Ok(enqueued)
}

fn again(world: &World, planted: &gangway_producer::sample::Planted) -> Result<()> {
    let imported = world.run(&["import", "customers.csv", "--json"])?.expect_code(1)?.json()?;
    same("rows of the repeat", &number(&imported, "/rows")?, &planted.rows)?;
    same("rows taken in by the repeat", &number(&imported, "/enqueued")?, &0)?;
    same("rows refused by the repeat", &number(&imported, "/refused")?, &planted.refused)?;
    same("conflicts of the repeat", &number(&imported, "/conflicts")?, &planted.conflicts)?;
    same("rows revived by the repeat", &number(&imported, "/revived")?, &0)?;
    same(
        "duplicates of the repeat",
        &number(&imported, "/duplicates")?,
        &(planted.customers + planted.duplicates),
    )?;
    finish(world)
}
