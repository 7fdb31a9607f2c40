//! Imports cut short, consumers that crash, clocks that jump, and people who press a button twice.

use std::time::Duration;

use serde_json::{Value, json};

use super::Scenario;
use crate::stories::logs;
use crate::{Error, Result, World, same};

mod s57_consumer_crash;
mod s58_redrive;
mod s59_clock_jumps;
mod s62_pause_and_replay;
mod shifted_clock;

/// In the order of their numbers.
pub(super) const SCENARIOS: &[Scenario] = &[
    s57_consumer_crash::SCENARIO,
    s58_redrive::SCENARIO,
    s59_clock_jumps::SCENARIO,
    s62_pause_and_replay::SCENARIO,
];

/// What takes longer does not end.
const LONGEST: Duration = Duration::from_mins(10);

/// Lets the API have room for so many customers.
fn make_room(world: &World, customers: u64) -> Result<()> {
    world.put("/_knobs", &json!({"limits": {"quota": customers}})).map(drop)
}

/// Lets a quota that is used up bury each row by itself; else it stops the work and buries nobody.
fn bury_without_room(world: &mut World) {
    world.set("GANGWAY__API__ROW_PHRASES", "quota");
    world.set("GANGWAY__API__SYSTEMIC_PHRASES", "nothing that this API says");
}

/// How many onboardings are at one of these stages.
fn at(world: &World, stages: &[&str]) -> Result<u64> {
    let status = world.status()?;
    let count = |stage| status["onboardings"]["by_stage"][stage].as_u64().unwrap_or_default();
    Ok(stages.iter().map(count).sum())
}

/// The events of logs in JSON; what a program says to a person stands between them.
fn events(world: &World, names: &[&str]) -> Result<Vec<Value>> {
    let mut events = Vec::new();
    for name in names {
        let path = world.path(name);
        let text = std::fs::read_to_string(&path)
            .map_err(|source| Error::Io { action: format!("read {}", path.display()), source })?;
        events.extend(text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()));
    }
    Ok(events)
}

/// Fails if an attempt was not its job's first, or a lease was taken from a worker.
fn nothing_was_taken_back(events: &[Value]) -> Result<()> {
    let highest = events.iter().filter_map(logs::finished_attempt).map(|(_, _, attempt)| attempt).max();
    same("the highest number of an attempt", &highest, &Some(1))?;
    let taken = events.iter().filter(|event| logs::says(event, "took back leases that had run out"));
    same("times that leases were taken back", &taken.count(), &0)
}

/// Ends of attempts at creating a customer.
fn creates(events: &[Value]) -> u64 {
    let kinds = events.iter().filter_map(logs::finished_attempt).map(|(_, kind, _)| kind);
    kinds.filter(|kind| kind == "customer.create").count() as u64
}
