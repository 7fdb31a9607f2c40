//! A worker that is gone, killed or frozen, while it holds jobs: another one does them, and what comes too late is refused.
//!
//! To know what it holds, the worker is frozen first in both stories (`SIGSTOP`), and its leases are read in the store.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use gangway_producer::sample::SampleOptions;
use serde_json::json;

use super::accounts::{self, Accounts, number};
use super::crew::Counts;
use super::held::{self, Job};
use super::logs::{self, Follow};
use super::watch::wait_until;
use crate::redis::Server;
use crate::{Error, Process, Result, World, same};

/// What the worker is taken out of.
#[derive(Clone, Copy, Debug)]
pub struct Absence {
    /// Customers in the file.
    pub customers: u64,
    /// How long a lease lasts.
    pub lease: Duration,
    /// How many jobs of each kind a worker runs at once. Those of a dead worker run again one after the other.
    pub concurrency: u32,
    /// How many jobs the worker shall hold at least.
    pub holds: u64,
    /// Seed of file and simulator.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Rescued {
    /// The accounts at the end.
    pub accounts: Accounts,
    /// How many jobs the worker held.
    pub held: usize,
    /// From its last moment until the first of them had been run again.
    pub first: Duration,
    /// And the last.
    pub last: Duration,
    /// Ends that it brought too late, and that were refused; none of a worker that was killed.
    pub refused: u64,
}

/// One of two workers is killed in the middle; the other one does all that it held, soon after its leases ran out.
///
/// # Errors
/// A job waits for longer than the lease and five seconds; somebody is lost, dead, there twice, or ended twice.
pub fn the_jobs_of_a_killed_worker_run_again(
    world: &mut World,
    server: &Server,
    absence: Absence,
) -> Result<Rescued> {
    let Scene { mut gone, mut stays, held, since } = freeze_one_of_two(world, server, absence)?;
    gone.kill()?;
    let (first, last) = all_run_again(world, &held, since, absence.lease + Duration::from_secs(5))?;
    end(&mut stays)?;
    let accounts = close(world, absence)?;
    Ok(Rescued { accounts, held: held.len(), first, last, refused: 0 })
}

/// One of two workers is frozen for longer than its leases last, and thaws when the other one has done its jobs: what it
/// brings then is refused.
///
/// # Errors
/// A job waits for longer than the lease and five seconds; a late end is not refused; somebody is lost, dead, there twice,
/// or ended twice.
pub fn what_a_frozen_worker_brings_late_is_refused(
    world: &mut World,
    server: &Server,
    absence: Absence,
) -> Result<Rescued> {
    let Scene { mut gone, mut stays, held, since } = freeze_one_of_two(world, server, absence)?;
    let (first, last) = all_run_again(world, &held, since, absence.lease + Duration::from_secs(5))?;
    gone.signal("CONT")?;
    let mut log = Follow::new(world, "worker-0.log");
    let mut told = 0;
    wait_until(|| {
        told += log.lines()?.iter().filter(|line| says_lost(line)).count();
        Ok(told > 0)
    })?;
    end(&mut gone)?;
    end(&mut stays)?;
    let refused = Counts::of(world, 0)?.lost;
    told += log.lines()?.iter().filter(|line| says_lost(line)).count();
    same("refused ends in the log, against the worker's count", &(told as u64), &refused)?;
    let accounts = close(world, absence)?;
    Ok(Rescued { accounts, held: held.len(), first, last, refused })
}

fn says_lost(line: &serde_json::Value) -> bool {
    logs::says(line, "lease lost: the attempt's end was refused")
}

/// Two workers, one of which does not move any more.
struct Scene {
    gone: Process,
    stays: Process,
    held: BTreeSet<Job>,
    since: Instant,
}

fn freeze_one_of_two(world: &mut World, server: &Server, absence: Absence) -> Result<Scene> {
    let clean = SampleOptions::clean(absence.customers, absence.seed);
    let planted = accounts::write_sample(world, "customers.csv", &clean)?;
    world.set("GANGWAY__WORKER__LEASE", &format!("{}ms", absence.lease.as_millis()));
    world.set("GANGWAY__WORKER__CONCURRENCY", &absence.concurrency.to_string());
    logs::log_attempts(world);
    // No questions: a job that is leased is then the only one of its onboarding, and always worth running again.
    world.put("/_knobs", &json!({"lifecycle": {"pending_response": 0.0}}))?;
    world.put("/_faults", &json!({"latency": {"kind": "fixed", "ms": 25.0}}))?;
    let imported = world.json(&["import", "customers.csv", "--json"])?;
    same("rows taken in", &number(&imported, "/enqueued")?, &planted.customers)?;
    let (gone, stays) = (world.counted_worker(0, true)?, world.counted_worker(1, true)?);
    wait_until(|| {
        let leases = held::worker_of(world, gone.pid())?.map_or(0, |(_, leases)| leases);
        Ok(leases >= absence.holds && number(&world.audit()?, "/customers")? > absence.customers / 4)
    })?;
    let (held, since) = freeze(world, server, &gone, absence.holds)?;
    Ok(Scene { gone, stays, held, since })
}

/// Freezes the worker at a moment at which it holds enough.
fn freeze(world: &World, server: &Server, worker: &Process, least: u64) -> Result<(BTreeSet<Job>, Instant)> {
    for _ in 0..50 {
        let Some((id, _)) = held::worker_of(world, worker.pid())? else { break };
        worker.signal("STOP")?;
        let since = Instant::now();
        // What it had sent already is still carried out.
        std::thread::sleep(Duration::from_millis(50));
        let held = held::held_by(world, server, &id)?;
        if held.len() as u64 >= least {
            return Ok((held, since));
        }
        worker.signal("CONT")?;
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(Error::Broken(format!("the worker never held {least} jobs: too few to prove anything")))
}

/// Waits until the other worker has run all of these; tells when the first and when the last.
fn all_run_again(
    world: &World,
    held: &BTreeSet<Job>,
    since: Instant,
    limit: Duration,
) -> Result<(Duration, Duration)> {
    let mut log = Follow::new(world, "worker-1.log");
    // What it did before is no second run.
    log.lines()?;
    let (mut left, mut first) = (held.clone(), None);
    loop {
        for line in log.lines()? {
            if let Some((id, kind, _attempt)) = logs::finished_attempt(&line)
                && left.remove(&(id, kind))
            {
                first.get_or_insert_with(|| since.elapsed());
            }
        }
        let passed = since.elapsed();
        if left.is_empty() {
            return Ok((first.unwrap_or(passed), passed));
        }
        if passed > limit {
            return Err(Error::Broken(format!(
                "{} of {} jobs had not run again after {:.1} s",
                left.len(),
                held.len(),
                passed.as_secs_f64()
            )));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn end(worker: &mut Process) -> Result<()> {
    let status = worker.wait_at_most(Duration::from_mins(5))?;
    if status.success() { Ok(()) } else { Err(Error::Broken(format!("a worker ended with {status}"))) }
}

fn close(world: &World, absence: Absence) -> Result<Accounts> {
    let accounts = accounts::settle(world, absence.customers)?;
    same("customers at the API", &number(&accounts.audit, "/customers")?, &absence.customers)?;
    same("dead", &accounts.ended("dead"), &0)?;
    accounts::nothing_personal(world, "customers.csv", &["worker-0.log", "worker-1.log"])?;
    Ok(accounts)
}
