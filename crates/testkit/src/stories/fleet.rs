//! Many workers on one store.

use std::time::{Duration, Instant};

use gangway_producer::sample::SampleOptions;
use serde_json::json;

use super::accounts::{self, Accounts, number};
use super::crew::Crew;
use crate::{Error, Result, World, same};

/// How large the fleet is, and its work.
#[derive(Clone, Copy, Debug)]
pub struct Fleet {
    /// Customers in the file.
    pub customers: u64,
    /// Worker processes.
    pub workers: usize,
    /// Seed of file and simulator.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Shared {
    /// The accounts at the end.
    pub accounts: Accounts,
    /// Attempts of each worker.
    pub attempts: Vec<u64>,
    /// From the start of the workers to the end of the last one.
    pub took: Duration,
}

/// Several workers bring customers through a hostile API together, and each does a fair part.
///
/// # Errors
/// Somebody is lost, dead, there twice, or ended twice; or a worker did less than 40 % of an equal part.
pub fn a_fleet_shares_the_work(world: &World, fleet: Fleet) -> Result<Shared> {
    let planted =
        accounts::write_sample(world, "customers.csv", &SampleOptions::clean(fleet.customers, fleet.seed))?;
    world.put("/_faults", &json!({"plan": "hostile", "slow_ms": 1_500}))?;
    let imported = world.json(&["import", "customers.csv", "--json"])?;
    same("rows taken in", &number(&imported, "/enqueued")?, &planted.customers)?;

    let begun = Instant::now();
    let counts = Crew::start(world, fleet.workers, true)?.finish(world)?;
    let took = begun.elapsed();
    let attempts: Vec<u64> = counts.iter().map(|counts| counts.attempts).collect();
    each_did_a_part(&attempts)?;

    let accounts = accounts::settle(world, planted.customers)?;
    same("customers at the API", &number(&accounts.audit, "/customers")?, &planted.customers)?;
    same("dead", &accounts.ended("dead"), &0)?;
    let logs: Vec<String> = (0..fleet.workers).map(|number| format!("worker-{number}.log")).collect();
    let logs: Vec<&str> = logs.iter().map(String::as_str).collect();
    accounts::nothing_personal(world, "customers.csv", &logs)?;
    Ok(Shared { accounts, attempts, took })
}

/// At least 40 % of an equal part each: a tenth of all, if there are four.
fn each_did_a_part(attempts: &[u64]) -> Result<()> {
    let all: u64 = attempts.iter().sum();
    let least = all * 2 / (5 * attempts.len() as u64);
    match attempts.iter().position(|count| *count < least.max(1)) {
        Some(worker) => Err(Error::Broken(format!(
            "worker {worker} did less than {least} of {all} attempts: {attempts:?}"
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_did_next_to_nothing_breaks_the_story() {
        each_did_a_part(&[100, 100, 100, 40]).unwrap();
        each_did_a_part(&[100, 100, 100, 30]).unwrap_err();
        each_did_a_part(&[0, 0]).unwrap_err();
    }
}
