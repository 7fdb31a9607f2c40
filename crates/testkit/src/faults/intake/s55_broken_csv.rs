//! Files that are broken in every way that a spreadsheet, a person or a program can break them.

use std::collections::BTreeMap;

use gangway_producer::sample::Planted;
use serde_json::Value;

use super::broken::{self, Damage};
use super::watched::{self, Watched};
use crate::faults::{Scenario, Stage, Told};
use crate::stories::accounts::{self, number};
use crate::stories::kills::finish;
use crate::{Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s55_broken_csv",
    shows: "byte order marks, UTF-16, line breaks in cells, ragged rows, an endless line, repeated keys, formulas: each bad \
            row is reported, each good one comes in, in 150 MB",
    in_short_set: true,
    tell: broken_csv,
};

/// No file may take more.
const MOST_KIB: u64 = 150 * 1_024;

fn broken_csv(stage: &Stage) -> Result<Told> {
    let each = stage.pick(50, 2_000);
    let endless: u64 = stage.pick(64 << 20, 1 << 30);
    let server = stage.server()?;
    let world = stage.world_on(&server)?;
    let mut files = Vec::new();
    for damage in [Damage::Marked, Damage::Utf16, Damage::Endless { bytes: endless }] {
        broken::write(&world, damage, each, stage.seed)?;
        let bad = u64::from(matches!(damage, Damage::Endless { .. }));
        let watched = watched::import(&world, damage.file())?;
        same(&format!("exit code of {}", damage.file()), &watched.code, &Some(i32::from(bad > 0)))?;
        sums(
            &watched.said,
            &Planted { rows: each + bad, customers: each, refused: bad, ..Planted::default() },
        )?;
        files.push(watched);
    }
    endless_is_reported(&world, each)?;
    let planted = broken::write_planted(&world, each, stage.seed)?;
    files.push(planted_are_reported(&world, &planted)?);
    finish(&world)?;
    let customers = each * 4;
    close(&world, customers)?;
    let most = files.iter().map(|file| file.peak_kib).max().unwrap_or_default();
    within_memory(most)?;
    Ok(Told {
        customers,
        hurts: planted.refused + planted.conflicts + 1,
        recovery: None,
        result: format!(
            "{customers} good rows of 4 files came in, {} bad ones were reported, with one line of {} MB; {} MB at most",
            planted.refused + planted.conflicts + 1,
            endless >> 20,
            most / 1_024
        ),
    })
}

fn sums(said: &Value, planted: &Planted) -> Result<()> {
    for (name, count) in [
        ("rows", planted.rows),
        ("enqueued", planted.customers),
        ("duplicates", planted.duplicates),
        ("conflicts", planted.conflicts),
        ("refused", planted.refused),
    ] {
        same(&format!("{name} of the import"), &number(said, &format!("/{name}"))?, &count)?;
    }
    Ok(())
}

/// The endless line stands behind half of the good ones.
fn endless_is_reported(world: &World, each: u64) -> Result<()> {
    let report = watched::report(world, "endless.refused.csv")?;
    let told: Vec<(u64, &str)> = report.iter().map(|fault| (fault.row, fault.code.as_str())).collect();
    same("what is reported of the endless line", &told, &vec![(each / 2 + 1, "row_too_long")])
}

/// Each planted fault once, with its row and its column, and nothing that a spreadsheet would run.
fn planted_are_reported(world: &World, planted: &Planted) -> Result<Watched> {
    let watched = watched::import(world, "planted.csv")?;
    same("exit code of planted.csv", &watched.code, &Some(1))?;
    sums(&watched.said, planted)?;
    let (mut codes, mut conflicts) = (BTreeMap::<&'static str, u64>::new(), 0);
    for fault in watched::report(world, "planted.refused.csv")? {
        same(
            &format!("whether row {} is one of the file", fault.row),
            &(1..=planted.rows).contains(&fault.row),
            &true,
        )?;
        if fault.code.starts_with("conflict") {
            conflicts += 1;
            continue;
        }
        let code = planted.codes.keys().find(|code| **code == fault.code).copied().unwrap_or("unknown");
        // What is wrong with a row as a whole has no column.
        let whole = ["extra_cells", "row_too_long", "nul", "encoding"].contains(&code);
        same(&format!("whether {code} names its column"), &(whole || !fault.field.is_empty()), &true)?;
        *codes.entry(code).or_default() += 1;
    }
    same("conflicts in the report", &conflicts, &planted.conflicts)?;
    same("faults in the report", &codes, &planted.codes)?;
    Ok(watched)
}

fn within_memory(most: u64) -> Result<()> {
    same(
        &format!("whether an import that took {most} KiB stayed within {MOST_KIB}"),
        &(most <= MOST_KIB),
        &true,
    )
}

fn close(world: &World, customers: u64) -> Result<()> {
    let accounts = accounts::settle(world, customers)?;
    same("dead", &accounts.ended("dead"), &0)?;
    same("customers at the API", &number(&accounts.audit, "/customers")?, &customers)?;
    let outputs = ["import.log", "worker.log", "simulator.log", "planted.refused.csv", "endless.refused.csv"];
    accounts::nothing_personal(world, "people.csv", &outputs)
}
