//! An import that is killed again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gangway_producer::sample::{Planted, SampleOptions};
use serde_json::Value;

use crate::faults::{Scenario, Stage, Told};
use crate::stories::accounts::{self, number};
use crate::stories::kills::finish;
use crate::stories::logs::{self, Follow};
use crate::stories::watch::{total, within};
use crate::{Error, Process, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s52_producer_killed",
    shows: "an import of very many rows is killed 10 times and run again: each row counts once and is reported once, at most \
            1,000 are read twice",
    in_short_set: false,
    tell: producer_killed,
};

/// A kill makes so many rows at most be read again.
const AGAIN: u64 = 1_000;

fn producer_killed(stage: &Stage) -> Result<Told> {
    let customers = stage.pick(2_000, 10_000);
    let options = SampleOptions {
        duplicate_rows: stage.pick(40_000, 980_000),
        faulty_rows: stage.pick(500, 5_000),
        damaged_rows: stage.pick(40, 400),
        conflict_rows: stage.pick(500, 5_000),
        ..SampleOptions::clean(customers, stage.seed)
    };
    let kills = stage.pick(3, 10);
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    world.set("GANGWAY__LOG__FORMAT", "json");
    let planted = accounts::write_sample(&world, "customers.csv", &options)?;
    let places = places(&world, customers)?;
    let (mut run, mut again) = (begin(&world, 1)?, 0);
    for times in 1..=kills {
        // Somewhere else in each part of the file.
        let reached = kill(&world, run, customers * times / (kills + 1), &places)?;
        run = begin(&world, times + 1)?;
        again = again.max(read_again(&run, reached)?);
    }
    all_accounted(&to_the_end(&world, kills + 1, run)?, &planted)?;
    reported_once(&world, &planted)?;
    finish(&world)?;
    close(&world, &planted, kills + 1)?;
    Ok(Told {
        customers,
        hurts: kills,
        recovery: None,
        result: format!(
            "{} rows: {customers} taken in, {} duplicates, {} conflicts, {} refused; after a kill {again} rows at most were \
             read again",
            planted.rows, planted.duplicates, planted.conflicts, planted.refused
        ),
    })
}

/// In which row of the file each customer stands first; those who are planted as strangers are none. The rows of these
/// alone are written to `unique.csv`.
fn places(world: &World, customers: u64) -> Result<Vec<u64>> {
    let io = |source| Error::Io { action: "look for the customers in their file".to_owned(), source };
    let bytes = std::fs::read(world.path("customers.csv")).map_err(io)?;
    let (mut seen, mut places, mut unique, mut row) = (BTreeSet::new(), Vec::new(), Vec::new(), 0);
    // A cell of a planted row may hold a line break: a line that begins with no reference begins no row.
    for line in bytes.split(|byte| *byte == b'\n').skip(1) {
        let reference = line.split(|byte| *byte == b',').next().unwrap_or_default();
        if [b'C', b'X', b'R'].contains(reference.first().unwrap_or(&b' ')) {
            row += 1;
        }
        if reference.starts_with(b"C-") && seen.insert(reference.to_vec()) {
            places.push(row);
            unique.extend_from_slice(line);
            unique.push(b'\n');
        }
    }
    std::fs::write(world.path("unique.csv"), unique).map_err(io)?;
    same("customers found in the file", &(places.len() as u64), &customers)?;
    Ok(places)
}

/// A run of the import, and the row behind which it goes on.
struct Run {
    process: Process,
    from: u64,
}

/// Starts the run of that number, and waits until it has its turn: the one before might live yet.
fn begin(world: &World, number: u64) -> Result<Run> {
    let log = format!("import-{number}.log");
    let command = &mut world.command(&["import", "customers.csv", "--json"]);
    let process = Process::start_telling(command, &world.path(&answer(number)), &world.path(&log))?;
    let (mut follow, mut from) = (Follow::new(world, &log), None);
    within("the beginning of an import", Duration::from_mins(1), || {
        let lines = follow.lines()?;
        from = lines.iter().find(|line| logs::says(line, "import begins")).map(|line| line["rows"].as_u64());
        Ok(from.is_some())
    })?;
    let from =
        from.flatten().ok_or_else(|| Error::Broken("an import does not say where it begins".to_owned()))?;
    Ok(Run { process, from })
}

fn answer(number: u64) -> String {
    format!("import-{number}.json")
}

/// Lets a run go on until so many customers are there, and kills it; answers the row that it had come to.
fn kill(world: &World, mut run: Run, until: u64, places: &[u64]) -> Result<u64> {
    within("the place of a kill", Duration::from_mins(3), || {
        if let Some(status) = run.process.ended()? {
            return Err(Error::Broken(format!("the import ended with {status} before it could be killed")));
        }
        Ok(total(world)? >= until)
    })?;
    run.process.kill()?;
    let there = usize::try_from(total(world)?).unwrap_or(usize::MAX);
    Ok(places.get(there.saturating_sub(1)).copied().unwrap_or_default())
}

/// How many rows a run reads again of those before `reached`.
fn read_again(run: &Run, reached: u64) -> Result<u64> {
    let again = reached.saturating_sub(run.from);
    if again > AGAIN {
        let from = run.from;
        return Err(Error::Broken(format!("killed at row {reached}, the import goes on behind row {from}")));
    }
    Ok(again)
}

/// The last run, which nobody kills; answers what it says in the end.
fn to_the_end(world: &World, number: u64, mut run: Run) -> Result<Value> {
    let status = run.process.wait_at_most(Duration::from_mins(3))?;
    // Some rows are refused.
    same("the exit code of the last run", &status.code(), &Some(1))?;
    let text = std::fs::read_to_string(world.path(&answer(number))).unwrap_or_default();
    serde_json::from_str(&text).map_err(|_not_json| Error::Broken(format!("the import said {text:?}")))
}

/// All sums are those of the file, though no run saw all of it.
fn all_accounted(said: &Value, planted: &Planted) -> Result<()> {
    let expected = [
        ("rows", planted.rows),
        ("enqueued", planted.customers),
        ("duplicates", planted.duplicates),
        ("conflicts", planted.conflicts),
        ("refused", planted.refused),
        ("revived", 0),
    ];
    expected.into_iter().try_for_each(|(name, count)| {
        same(&format!("{name} of the import"), &number(said, &format!("/{name}"))?, &count)
    })
}

/// The report has each fault once, in the order of the file.
fn reported_once(world: &World, planted: &Planted) -> Result<()> {
    let path = world.path("customers.refused.csv");
    let report = std::fs::read_to_string(&path)
        .map_err(|source| Error::Io { action: format!("read {}", path.display()), source })?;
    let (mut codes, mut last): (BTreeMap<&str, u64>, u64) = (BTreeMap::new(), 0);
    for line in report.lines().skip(1) {
        let mut cells = line.split(',');
        let row = cells.next().and_then(|row| row.parse().ok()).unwrap_or_default();
        if row < last {
            return Err(Error::Broken(format!("row {row} is reported behind row {last}")));
        }
        last = row;
        *codes.entry(cells.nth(1).unwrap_or_default()).or_default() += 1;
    }
    let conflicts = codes.remove("conflict_content").unwrap_or_default()
        + codes.remove("conflict_email").unwrap_or_default();
    same("conflicts in the report", &conflicts, &planted.conflicts)?;
    same("faults in the report", &codes, &planted.codes)?;
    // Each address of the file ends so.
    same("addresses in the report", &report.contains(".example"), &false)
}

fn close(world: &World, planted: &Planted, runs: u64) -> Result<()> {
    let accounts = accounts::settle(world, planted.customers)?;
    same("dead", &accounts.ended("dead"), &0)?;
    same("customers at the API", &number(&accounts.audit, "/customers")?, &planted.customers)?;
    let logs: Vec<String> = (1..=runs).map(|number| format!("import-{number}.log")).collect();
    let logs: Vec<&str> = logs.iter().map(String::as_str).chain(["worker.log", "simulator.log"]).collect();
    accounts::nothing_personal(world, "unique.csv", &logs)
}
