//! What the scenarios of this group have in common: the file they begin with, workers that hurt themselves, the accounts.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use serde_json::json;

use crate::stories::accounts::{self, Accounts, FILE, number};
use crate::{Error, Process, Result, World, same};

/// No worker needs longer for what a scenario waits for.
const LONGEST: Duration = Duration::from_mins(5);

/// `SIGKILL` and `SIGABRT`, as an exit status tells them.
pub(super) const KILLED: i32 = 9;
pub(super) const ABORTED: i32 = 6;

/// Takes in so many customers, all new, for an API that answers after 25 ms and asks no questions: so each job has
/// exactly one follow-up until its onboarding ends, and every call is worth killing somebody over.
pub(super) fn take_in(world: &World, customers: u64, seed: u64) -> Result<()> {
    world.put("/_knobs", &json!({"lifecycle": {"pending_response": 0.0}}))?;
    world.put("/_faults", &json!({"latency": {"kind": "fixed", "ms": 25.0}}))?;
    accounts::take_in(world, customers, seed)
}

/// Lets jobs outlive more deaths than the three that make one poison: here workers are killed so often that a job can
/// meet three by chance. The rule itself is told by `s07_poison_pill`.
pub(super) fn blame_no_job(world: &mut World) {
    world.set("GANGWAY__WORKER__MAX_LEASE_LOSSES", "100");
}

/// Starts a worker that works to the end, unless the plan hurts it before.
pub(super) fn armed_worker(world: &World, plan: &str, log: &str) -> Result<Process> {
    let mut command = world.command(&["worker", "--until-idle"]);
    Process::start(command.env("GANGWAY_FAULTPOINTS", plan), &world.path(log))
}

/// Waits for the end of a worker: whether that signal ended it, or all its work was done.
pub(super) fn ended_by(worker: &mut Process, signal: i32) -> Result<bool> {
    is_ended_by(worker.wait_at_most(LONGEST)?, signal)
}

/// Whether a worker that has ended was ended by that signal, or all its work was done.
pub(super) fn is_ended_by(status: ExitStatus, signal: i32) -> Result<bool> {
    // 1 says that an onboarding died, which is for the accounts to judge.
    match (status.signal(), status.code()) {
        (Some(found), _) if found == signal => Ok(true),
        (None, Some(0 | 1)) => Ok(false),
        _ => Err(Error::Broken(format!("a worker ended with {status}"))),
    }
}

/// Settles the accounts of a world in which everybody got a customer and nobody died, and looks through its logs.
pub(super) fn close(world: &World, customers: u64, logs: &[String]) -> Result<Accounts> {
    let accounts = accounts::settle(world, customers)?;
    same("customers at the API", &number(&accounts.audit, "/customers")?, &customers)?;
    same("e-mails with several keys", &number(&accounts.audit, "/emails_with_several_keys")?, &0)?;
    same("dead", &accounts.ended("dead"), &0)?;
    let mut outputs: Vec<&str> = logs.iter().map(String::as_str).collect();
    outputs.push("simulator.log");
    accounts::nothing_personal(world, FILE, &outputs)?;
    Ok(accounts)
}
