//! Workers killed without warning, and a store lost in the middle.

use std::time::Duration;

use gangway_producer::sample::SampleOptions;
use rand::RngExt as _;
use serde_json::json;

use super::accounts::{self, Accounts, number};
use super::watch::wait_until;
use crate::{Error, Result, World, same};

/// How a worker is hurt.
#[derive(Clone, Copy, Debug)]
pub struct Kills {
    /// Customers in the file.
    pub customers: u64,
    /// `kill -9` so often.
    pub times: u32,
    /// Within so many milliseconds after each start.
    pub within_ms: u64,
    /// Seed of file and simulator.
    pub seed: u64,
}

/// A worker is killed again and again while customers go through a hostile API; then one runs to the end.
///
/// # Errors
/// Somebody is lost, there twice, or ended twice.
pub fn a_killed_worker_loses_and_doubles_nobody(world: &World, kills: Kills) -> Result<Accounts> {
    let planted =
        accounts::write_sample(world, "customers.csv", &SampleOptions::clean(kills.customers, kills.seed))?;
    world.put("/_faults", &json!({"plan": "hostile", "slow_ms": 1_500}))?;
    let imported = world.json(&["import", "customers.csv", "--json"])?;
    same("rows taken in", &number(&imported, "/enqueued")?, &planted.customers)?;
    let mut random = rand::rng();
    let mut landed = 0;
    for _ in 0..kills.times {
        let mut worker = world.start(&["worker", "--until-idle"], "worker.log")?;
        std::thread::sleep(Duration::from_millis(random.random_range(20..kills.within_ms)));
        if worker.ended()?.is_some() {
            break;
        }
        worker.kill()?;
        landed += 1;
    }
    if landed < kills.times.min(3) {
        return Err(Error::Broken(format!(
            "the work was done after {landed} kills: too few to prove anything"
        )));
    }
    finish(world)?;
    let accounts = accounts::settle(world, planted.customers)?;
    accounts::nothing_personal(world, "customers.csv", &["worker.log", "simulator.log"])?;
    Ok(accounts)
}

/// The store vanishes in the middle; the same file is imported again into a new store.
///
/// # Errors
/// Somebody is created a second time.
pub fn a_lost_store_creates_nobody_twice(world: &World, customers: u64, seed: u64) -> Result<Accounts> {
    let planted = accounts::write_sample(world, "customers.csv", &SampleOptions::clean(customers, seed))?;
    world.put("/_faults", &json!({"plan": "hostile", "slow_ms": 1_500}))?;
    world.json(&["import", "customers.csv", "--json"])?;
    let mut worker = world.start(&["worker"], "worker.log")?;
    // In the middle: some customers exist at the API, some do not.
    wait_until(|| Ok(number(&world.audit()?, "/customers")? > customers / 3))?;
    worker.kill()?;
    world.lose_store()?;
    let before = number(&world.audit()?, "/customers")?;
    if before == 0 || before == customers {
        return Err(Error::Broken(format!(
            "the store was lost at {before} of {customers}: not in the middle"
        )));
    }
    let imported = world.json(&["import", "customers.csv", "--json"])?;
    same("rows taken in anew", &number(&imported, "/enqueued")?, &planted.customers)?;
    finish(world)?;
    accounts::settle(world, planted.customers)
}

/// No story works for longer: what takes that long does not end.
const LONGEST: Duration = Duration::from_mins(8);

/// Runs a worker until every onboarding has an end.
///
/// # Errors
/// It fails.
pub fn finish(world: &World) -> Result<()> {
    let mut worker = world.start(&["worker", "--until-idle"], "worker.log")?;
    let status = worker.wait_at_most(LONGEST)?;
    if status.success() || status.code() == Some(1) {
        return Ok(());
    }
    let log = std::fs::read_to_string(world.path("worker.log")).unwrap_or_default();
    let tail: Vec<&str> = log.lines().rev().take(20).collect();
    Err(Error::Broken(format!("the worker ended with {status}; its log, latest first:\n{}", tail.join("\n"))))
}
