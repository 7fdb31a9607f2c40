//! The server's disk takes nothing any more, and takes it again.

use std::time::Duration;

use gangway_producer::sample::SampleOptions;

use super::disk::{Disk, Fault};
use crate::faults::{Scenario, Stage, Told};
use crate::redis::Server;
use crate::stories::accounts;
use crate::stories::crew::Crew;
use crate::stories::kills::finish;
use crate::stories::logs;
use crate::stories::watch::{total, within};
use crate::{Error, Process, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s25_disk_full",
    shows: "the server can write nothing to its disk (MISCONF): an import waits, another one is refused, nothing accepted is lost",
    in_short_set: true,
    tell: disk_full,
};

/// An import waits at most two seconds between two attempts, a worker as long; the server looks each second.
const SOON: Duration = Duration::from_secs(10);

/// Of the log of commands, for each customer taken in: about half of what is written, so the disk is full in the middle.
const LOG_EACH: u64 = 512;

fn disk_full(stage: &Stage) -> Result<Told> {
    let customers = stage.pick(1_500, 6_000);
    let full = Fault::Full { kib: 300 + customers * LOG_EACH / 1_024 };
    let faults = stage.pick(vec![Fault::Snapshot], vec![Fault::Snapshot, full]);
    let (mut told, mut results) = (Told::default(), Vec::new());
    for fault in faults {
        let Some(disk) = Disk::start(fault)? else {
            results.push("no disk may be mounted here, so none was filled".to_owned());
            continue;
        };
        let (recovery, result) = through(stage, disk, fault, customers)?;
        told.customers += customers;
        told.hurts += 1;
        told.recovery = told.recovery.max(Some(recovery));
        results.push(result);
    }
    Ok(Told { result: results.join("; "), ..told })
}

fn through(stage: &Stage, mut disk: Disk, fault: Fault, customers: u64) -> Result<(Duration, String)> {
    let world = stage.world_on(&disk.server)?;
    // Repeated rows are read, and write next to nothing: so the import lasts, and there is a middle to break it in.
    let long = SampleOptions { duplicate_rows: 40_000, ..SampleOptions::clean(customers, stage.seed) };
    accounts::write_sample(&world, "customers.csv", &long)?;
    let mut crew = Crew::start(&world, 2, false)?;
    let mut import = import_until_refused(&world, &disk, customers)?;
    let stuck = accepted(&world, &disk.server)?;
    let refused = world.run(&["import", "customers.csv", "--report", "second.csv"])?.expect_code(2)?;
    refused.expect_words(&["it cannot write to its disk (MISCONF)", "its free space"])?;
    // Longer than a lease: no worker can renew one.
    std::thread::sleep(Duration::from_secs(2));
    crew.must_live()?;
    same("the import's end while the disk is full", &import.ended()?.is_some(), &false)?;
    same("rows that came in meanwhile", &accepted(&world, &disk.server)?, &stuck)?;
    if stuck == 0 || stuck >= customers {
        return Err(Error::Broken(format!("the disk gave out at {stuck} of {customers}: not in the middle")));
    }

    disk.mend()?;
    let recovery = within("a row after there was room again", SOON, || Ok(total(&world)? > stuck))?;
    same("the import's success", &import.wait_at_most(Duration::from_mins(2))?.success(), &true)?;
    nothing_accepted_is_lost(&world, &mut disk, customers)?;
    crew.must_live()?;
    crew.stop(&world)?;
    finish(&world)?;
    close(&world, customers)?;
    let what = if fault == Fault::Snapshot { "a failed snapshot" } else { "a full disk" };
    Ok((recovery, format!("{what} stopped the import at {stuck} rows, and all {customers} ended")))
}

/// The workers work, too, so that their ends meet the disk as well.
fn import_until_refused(world: &World, disk: &Disk, customers: u64) -> Result<Process> {
    let mut import = world.start(&["import", "customers.csv", "--json"], "import.log")?;
    within("the first rows", Duration::from_secs(20), || Ok(total(world)? > 0))?;
    import.signal("STOP")?;
    disk.break_down()?;
    import.signal("CONT")?;
    within("the import's word that it waits", Duration::from_mins(1), || {
        if let Some(status) = import.ended()? {
            let rows = accepted(world, &disk.server)?;
            return Err(Error::Broken(format!(
                "the import ended with {status} at {rows} of {customers} rows instead of waiting"
            )));
        }
        Ok(logs::holds(world, "import.log", "store is busy, import waits"))
    })?;
    same(
        "whether the import says what it waits for",
        &logs::holds(world, "import.log", "it cannot write to its disk (MISCONF)"),
        &true,
    )?;
    Ok(import)
}

/// Onboardings by the store's own sums: a server that cannot write refuses even a `PING`, so nobody else tells them.
fn accepted(world: &World, server: &Server) -> Result<u64> {
    let sums =
        server.command(&["HGETALL", &format!("{{{}}}:sums", world.namespace().unwrap_or_default())])?;
    let (pairs, _rest) = sums.items().as_chunks::<2>();
    let stages = pairs.iter().filter(|[name, _]| name.text().starts_with('s'));
    Ok(stages.filter_map(|[_, count]| count.integer().and_then(|count| u64::try_from(count).ok())).sum())
}

/// What was accepted before and after must be in the log of commands, not in memory alone.
fn nothing_accepted_is_lost(world: &World, disk: &mut Disk, customers: u64) -> Result<()> {
    // The log is written to disk each second.
    std::thread::sleep(Duration::from_millis(1_500));
    disk.server.kill()?;
    disk.server.restart()?;
    same("onboardings after a restart of the server", &total(world)?, &customers)
}

fn close(world: &World, customers: u64) -> Result<()> {
    let accounts = accounts::settle(world, customers)?;
    same("dead", &accounts.ended("dead"), &0)?;
    same("customers at the API", &accounts::number(&accounts.audit, "/customers")?, &customers)?;
    let logs = ["import.log", "worker.log", "worker-0.log", "worker-1.log", "simulator.log"];
    accounts::nothing_personal(world, "customers.csv", &logs)
}
