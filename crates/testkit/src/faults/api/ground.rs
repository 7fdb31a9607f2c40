//! What the scenarios of this group stand on: rows of its own, its events, the accounts at the end.

use std::ops::Range;
use std::time::Duration;

use gangway_jobs::clock::Timestamp;
use serde_json::Value;

use crate::stories::accounts::{self, Accounts, FILE, number};
use crate::stories::watch::{ended, within};
use crate::{Error, Result, World, same};

pub(super) fn broken(what: impl Into<String>) -> Error {
    Error::Broken(what.into())
}

/// Writes a file whose rows are told apart by a name and a number; `company` stands in front of each company's name.
pub(super) fn write_rows(
    world: &World,
    file: &str,
    name: &str,
    numbers: Range<u64>,
    company: &str,
) -> Result<()> {
    let row = |number| {
        format!(
            "{name}-{number},{name}{number}@customers.example,Ada,Byron {number},{company} {name} {number}\n"
        )
    };
    let rows: String = numbers.map(row).collect();
    write(world, file, &format!("reference,email,first_name,last_name,company_name\n{rows}"))
}

/// Writes a file into the world's folder.
pub(super) fn write(world: &World, file: &str, text: &str) -> Result<()> {
    let action = || format!("write {file}");
    std::fs::write(world.path(file), text).map_err(|source| Error::Io { action: action(), source })
}

/// How often a fault has struck so far.
pub(super) fn struck(audit: &Value, fault: &str) -> u64 {
    audit["faults"][fault].as_u64().unwrap_or_default()
}

/// The circuit as `gangway status` tells it: state and reason.
pub(super) fn circuit(world: &World) -> Result<(String, String)> {
    let circuit = world.status()?["circuit"].clone();
    let text = |name: &str| circuit[name].as_str().unwrap_or_default().to_owned();
    Ok((text("state"), text("reason")))
}

/// The events in the outbox, the oldest first.
pub(super) fn events(world: &World) -> Result<Vec<Value>> {
    let outbox = world.run(&["outbox", "export"])?.expect_code(0)?;
    let read = |line| serde_json::from_str(line).map_err(|_not_json| broken("an event is no JSON"));
    outbox.stdout.lines().map(read).collect()
}

/// The accounts of a world in which everybody has got an end and nobody died, and which so many workers worked in.
pub(super) fn all_well(world: &World, customers: u64, workers: usize) -> Result<Accounts> {
    let accounts = accounts::settle(world, customers)?;
    same("customers at the API", &number(&accounts.audit, "/customers")?, &customers)?;
    same("dead", &accounts.ended("dead"), &0)?;
    discreet(world, workers)?;
    Ok(accounts)
}

/// No log tells an e-mail or the credential.
pub(super) fn discreet(world: &World, workers: usize) -> Result<()> {
    let workers = (0..workers).map(|number| format!("worker-{number}.log"));
    let logs: Vec<String> = workers.chain(["simulator.log".to_owned()]).collect();
    let logs: Vec<&str> = logs.iter().map(String::as_str).collect();
    accounts::nothing_personal(world, FILE, &logs)?;
    logs.iter().try_for_each(|log| without(world, log, &[SECRET_KEY]))
}

/// The secret of a simulator that was given none.
pub(super) const SECRET_KEY: &str = "c2ltdWxhdG9yLXNlY3JldC1mb3ItZGVtby1hbmQtdGVzdHM";

/// Fails if a file of the world holds one of these words; does not repeat which.
pub(super) fn without(world: &World, file: &str, words: &[&str]) -> Result<()> {
    let text = read(world, file)?;
    match words.iter().position(|word| text.contains(word)) {
        Some(which) => Err(broken(format!("{file} holds what it must not, number {which}"))),
        None => Ok(()),
    }
}

/// A file of the world's folder.
pub(super) fn read(world: &World, file: &str) -> Result<String> {
    std::fs::read_to_string(world.path(file))
        .map_err(|source| Error::Io { action: format!("read {file}"), source })
}

/// Long limits, so that no call and no lease ends because the machine is busy with something else.
pub(super) fn patient(world: &mut World) {
    for (setting, value) in [
        ("GANGWAY__API__TIMEOUT", "10s"),
        ("GANGWAY__API__CONNECT_TIMEOUT", "5s"),
        ("GANGWAY__WORKER__LEASE", "10s"),
        ("GANGWAY__WORKER__GRACE", "12s"),
        ("GANGWAY__WORKER__JOB_TIMEOUT", "30s"),
        ("GANGWAY__CREATE__SETTLE_WINDOW", "20s"),
    ] {
        world.set(setting, value);
    }
}

/// Waits until so many onboardings have an end.
pub(super) fn until_all_ended(world: &World, customers: u64, limit: Duration) -> Result<()> {
    within("the last end", limit, || Ok(ended(&world.status()?) == customers)).map(drop)
}

/// From one moment to another, as events and the API write them, in seconds.
pub(super) fn seconds_between(earlier: &Value, later: &Value) -> Result<f64> {
    let millis = |moment: &Value| {
        let text = moment.as_str().unwrap_or_default();
        Timestamp::parse(text)
            .map(Timestamp::as_millis)
            .map_err(|_no_moment| broken(format!("{moment} is no moment")))
    };
    #[expect(clippy::cast_precision_loss, reason = "a few days in milliseconds")]
    let between = (millis(later)? - millis(earlier)?) as f64;
    Ok(between / 1e3)
}
