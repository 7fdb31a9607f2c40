//! Payloads that a worker cannot read, among others of the same batch.

use std::collections::BTreeSet;

use super::attempts::Attempts;
use super::ground::Ground;
use super::{log_of, nothing_personal};
use crate::faults::{Scenario, Stage, Told};
use crate::stories::accounts::{self, FILE, number, take_in};
use crate::stories::crew::Crew;
use crate::stories::kills::finish;
use crate::stories::logs;
use crate::{Error, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s09_undecodable_payload",
    shows: "one payload of a hundred is damaged or a newer release's, in both stores: it alone becomes a dead letter, \
            and is redriven when it can be read",
    in_short_set: true,
    tell,
};

/// Jobs are leased in batches of so many, each with one odd payload.
const BATCH: usize = 100;

/// How a payload is made odd: what is written over what, and what its dead letter says then.
#[derive(Clone, Copy)]
struct Oddity {
    was: &'static str,
    is: &'static str,
    says: &'static str,
}

const DAMAGED: Oddity = Oddity { was: r#""customer":{"#, is: r#""customer":["#, says: "damaged" };
const NEWER: Oddity = Oddity { was: r#"{"v":1,"#, is: r#"{"v":9,"#, says: "version 9" };

fn tell(stage: &Stage) -> Result<Told> {
    let customers = stage.pick(200, 2_000);
    let mut odd = 0;
    for ground in Ground::both(stage)? {
        odd += tell_on(&ground, stage, customers)?;
    }
    let of = customers * 2;
    let result =
        format!("{odd} odd payloads of {of} were dead letters, the others done at once; all came back");
    Ok(Told { customers: of, hurts: odd, recovery: None, result })
}

fn tell_on(ground: &Ground, stage: &Stage, customers: u64) -> Result<u64> {
    let mut world = ground.world(stage)?;
    world.set("GANGWAY__WORKER__CONCURRENCY", &BATCH.to_string());
    logs::log_attempts(&mut world);
    take_in(&world, customers, stage.seed)?;
    let rows = odd_rows(&world)?;
    let (damaged, newer): (Vec<_>, Vec<_>) = rows.iter().enumerate().partition(|(place, _)| place % 2 == 0);
    let odd = [(DAMAGED, damaged), (NEWER, newer)].map(|(oddity, rows)| {
        let rows: Vec<&Row> = rows.into_iter().map(|(_, row)| row).collect();
        (oddity, rows)
    });
    for (Oddity { was, is, .. }, rows) in &odd {
        ground.rewrite(&world, &emails(rows), was, is)?;
    }
    let count = rows.len() as u64;
    only_they_die(&world, customers, count)?;
    for (oddity, rows) in &odd {
        letters_say(&world, *oddity, rows)?;
        ground.rewrite(&world, &emails(rows), oddity.is, oddity.was)?;
    }
    let redriven = world.json(&["dead", "redrive", "--all", "--code", "undecodable", "--json"])?;
    same("dead letters redriven", &number(&redriven, "/redriven")?, &count)?;
    finish(&world)?;
    super::close(&world, customers, &[log_of(0), "worker.log".to_owned()])?;
    Ok(count)
}

/// A row of the file.
struct Row {
    reference: String,
    email: String,
}

/// One row of each hundred, from its middle.
fn odd_rows(world: &World) -> Result<Vec<Row>> {
    let path = world.path(FILE);
    let text = std::fs::read_to_string(&path)
        .map_err(|source| Error::Io { action: format!("read {}", path.display()), source })?;
    let middle = text.lines().skip(1 + BATCH / 2).step_by(BATCH);
    let row = |line: &str| {
        let mut cells = line.split(',').map(|cell| cell.trim_matches('"').to_owned());
        Some(Row { reference: cells.next()?, email: cells.next()? })
    };
    middle.map(row).collect::<Option<_>>().ok_or_else(|| Error::Broken("a row has too few cells".to_owned()))
}

fn emails<'a>(rows: &[&'a Row]) -> Vec<&'a str> {
    rows.iter().map(|row| row.email.as_str()).collect()
}

/// A worker works to the end: nobody but the odd ones is harmed, or even tried twice.
fn only_they_die(world: &World, customers: u64, odd: u64) -> Result<()> {
    let counts = Crew::start(world, 1, true)?.finish(world)?;
    for counts in counts {
        same("attempts that failed", &counts.retried, &0)?;
        same("ends that were refused", &counts.lost, &0)?;
    }
    let accounts = accounts::settle(world, customers)?;
    same("dead", &accounts.ended("dead"), &odd)?;
    same("creates at the API", &number(&accounts.audit, "/creates")?, &(customers - odd))?;
    let again = Attempts::read(world, &[log_of(0)])?.again;
    same("attempts beyond the first", &again.len(), &0)?;
    nothing_personal(world, &[log_of(0)])
}

/// The dead letters that say so are exactly those of these rows, after one attempt each.
fn letters_say(world: &World, oddity: Oddity, rows: &[&Row]) -> Result<()> {
    let listed = world.json(&["dead", "list", "--code", "undecodable", "--limit", "10000", "--json"])?;
    let letters = listed["dead"].as_array().cloned().unwrap_or_default();
    let says_so = letters
        .iter()
        .filter(|letter| letter["message"].as_str().is_some_and(|message| message.contains(oddity.says)));
    let mut references = BTreeSet::new();
    for letter in says_so {
        same("the kind of a dead letter", &letter["kind"].as_str(), &Some("customer.create"))?;
        same("attempts of a dead letter", &number(letter, "/attempts")?, &1)?;
        references.extend(letter["reference"].as_str().map(str::to_owned));
    }
    let expected = rows.iter().map(|row| row.reference.clone()).collect();
    same(&format!("dead letters that say {:?}", oddity.says), &references, &expected)
}
