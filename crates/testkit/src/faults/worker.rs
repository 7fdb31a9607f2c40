//! Workers that meet odd payloads, panic, hang, or are replaced.

use super::Scenario;
use crate::stories::accounts::{self, Accounts, FILE, number};
use crate::{Result, World, same};

mod attempts;
mod ground;
mod s09_undecodable_payload;
mod s10_panic_and_hang;
mod s11_same_name;
mod s12_crash_loop;
mod s13_rolling_restart;
mod s14_slow_call_at_shutdown;
mod s31_retention_and_retries;
mod s32_reclaimed_in_batch;

/// In the order of their numbers.
pub(super) const SCENARIOS: &[Scenario] = &[
    s09_undecodable_payload::SCENARIO,
    s10_panic_and_hang::SCENARIO,
    s11_same_name::SCENARIO,
    s12_crash_loop::SCENARIO,
    s13_rolling_restart::SCENARIO,
    s14_slow_call_at_shutdown::SCENARIO,
    s31_retention_and_retries::SCENARIO,
    s32_reclaimed_in_batch::SCENARIO,
];

/// Settles the accounts of a world in which nobody died, and looks through its logs.
fn close(world: &World, customers: u64, logs: &[String]) -> Result<Accounts> {
    let accounts = accounts::settle(world, customers)?;
    same("customers at the API", &number(&accounts.audit, "/customers")?, &customers)?;
    same("dead", &accounts.ended("dead"), &0)?;
    nothing_personal(world, logs)?;
    Ok(accounts)
}

fn nothing_personal(world: &World, logs: &[String]) -> Result<()> {
    let mut outputs: Vec<&str> = logs.iter().map(String::as_str).collect();
    outputs.push("simulator.log");
    accounts::nothing_personal(world, FILE, &outputs)
}

/// The log of the worker of that number.
fn log_of(worker: usize) -> String {
    format!("worker-{worker}.log")
}
