//! Very many jobs due at one instant.

use std::time::{Duration, Instant};

use gangway_producer::sample::SampleOptions;

use super::accounts::{self, number};
use super::crew::Crew;
use crate::process::Process;
use crate::redis::{Server, Slow};
use crate::{Error, Result, World, same};

/// How many come at once.
#[derive(Clone, Copy, Debug)]
pub struct Stampede {
    /// Customers in the file.
    pub customers: u64,
    /// Seed of file and simulator.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Held {
    /// Jobs done, second by second.
    pub per_second: Vec<u64>,
    /// Commands that kept the server for longer than the limit while the file was imported, the slowest first.
    pub slow_in_import: Vec<Slow>,
    /// The same while the jobs were done.
    pub slow: Vec<Slow>,
    /// Of a thousand scripts that did the jobs, 999 took no longer. What the few others took is not all theirs: a busy machine
    /// stops the server in the middle of them, also where nothing runs before it, and its log then blames single commands
    /// such as `SET` too.
    pub nearly_all: Duration,
    /// From the resuming to the last job.
    pub took: Duration,
}

/// A file is imported while everything is paused; then two workers are let loose on it, each with room for more jobs than any
/// script may carry.
///
/// The creates alone are counted: links are made on demand, and nobody looks at a status for an hour.
///
/// # Errors
/// A second passes without a job done, or not every customer is created once.
pub fn many_jobs_at_once_are_done_steadily(
    world: &mut World,
    server: &Server,
    stampede: Stampede,
    limit: Duration,
) -> Result<Held> {
    for (setting, value) in [
        ("GANGWAY__LINK__POLICY", "on_demand"),
        ("GANGWAY__POLL__MIN_INTERVAL", "1h"),
        ("GANGWAY__POLL__MAX_INTERVAL", "2h"),
        ("GANGWAY__API__RATE_PER_SECOND", "4000"),
        ("GANGWAY__WORKER__CONCURRENCY", "512"),
        ("GANGWAY__WORKER__LEASE", "10s"),
    ] {
        world.set(setting, value);
    }
    world.put("/_clock", &serde_json::json!({"speed": 1}))?;
    let clean = SampleOptions::clean(stampede.customers, stampede.seed);
    let planted = accounts::write_sample(world, "customers.csv", &clean)?;
    favour(server)?;
    warm(server)?;
    server.note_slower_than(limit)?;
    let imported = world.json(&["import", "customers.csv", "--json"])?;
    same("rows taken in", &number(&imported, "/enqueued")?, &planted.customers)?;
    let slow_in_import = server.slow()?;
    world.json(&["queue", "pause", "--json"])?;
    server.forget_slow()?;
    server.command(&["CONFIG", "RESETSTAT"])?;
    let mut crew = Crew::start(world, 2, false)?;
    // Both have asked for work and got none.
    std::thread::sleep(Duration::from_millis(500));
    same(
        "jobs available",
        &number(&world.status()?, "/jobs/customer.create/available")?,
        &planted.customers,
    )?;
    let begun = Instant::now();
    world.json(&["queue", "resume", "--json"])?;
    let per_second = count(world, &mut crew, planted.customers)?;
    let took = begun.elapsed();
    crew.stop(world)?;
    let slow = server.slow()?;
    let nearly_all = nearly_all_within(server)?;
    let audit = world.audit()?;
    same("customers at the API", &number(&audit, "/customers")?, &planted.customers)?;
    same("e-mails with several customers", &number(&audit, "/emails_with_several_customers")?, &0)?;
    Ok(Held { per_second, slow_in_import, slow, nearly_all, took })
}

/// How long all scripts but one of a thousand took at most.
fn nearly_all_within(server: &Server) -> Result<Duration> {
    scripts_within(server, "p99.9")
}

/// How long that part of all scripts took at most, as the server counts since version 7: `p50`, `p99` or `p99.9`.
pub(crate) fn scripts_within(server: &Server, part: &str) -> Result<Duration> {
    let told = server.info("latency_percentiles_usec_evalsha")?;
    let micros = told
        .split(',')
        .find_map(|told| told.strip_prefix(part)?.strip_prefix('=')?.trim().parse::<f64>().ok());
    let micros = micros.ok_or_else(|| Error::Broken(format!("no {part} in {told:?}")))?;
    Ok(Duration::from_secs_f64(micros / 1e6))
}

/// Lets the server run before everybody else, where that is allowed: its log of slow commands counts time in which it was
/// kept from running too, and here several programs share few processors.
pub(crate) fn favour(server: &Server) -> Result<()> {
    let Some(pid) = server.pid().map(|pid| pid.to_string()) else { return Ok(()) };
    // Under the usual schedule even the first in line stands aside for three milliseconds now and then.
    let ways = [["chrt", "--fifo", "--pid", "1", &pid], ["renice", "-n", "-15", "-p", &pid]];
    for [program, arguments @ ..] in ways {
        if Process::run(std::process::Command::new(program).args(arguments))?.code == Some(0) {
            break;
        }
    }
    Ok(())
}

/// Lets the server touch the memory that it will need, and keep it if [`KEEPS_MEMORY`] says so: a virtual machine may have to
/// get each page from its host first, and that is counted as the time of whatever command meets it.
fn warm(server: &Server) -> Result<()> {
    let fill = "for n = 1, 400000 do redis.call('SET', 'warm' .. n, string.rep('x', 600)) end";
    server.command(&["EVAL", fill, "0"])?;
    server.command(&["FLUSHALL", "SYNC"]).map(drop)
}

/// A variable of a server's environment by which it gives no memory back.
pub const KEEPS_MEMORY: (&str, &str) = ("MALLOC_CONF", "dirty_decay_ms:-1,muzzy_decay_ms:-1");

/// Counts the jobs done in each second, the last one left out, as it is not a whole one.
fn count(world: &World, crew: &mut Crew, all: u64) -> Result<Vec<u64>> {
    let (begun, mut before, mut per_second) = (Instant::now(), 0, Vec::new());
    loop {
        let next = Duration::from_secs(per_second.len() as u64 + 1);
        std::thread::sleep(next.saturating_sub(begun.elapsed()));
        crew.must_live()?;
        let status = world.status()?;
        let count = |state: &str| number(&status, &format!("/jobs/customer.create/{state}"));
        let left = count("available")? + count("scheduled")? + count("running")? + count("retryable")?;
        let done = all - left;
        if left == 0 {
            return Ok(per_second);
        }
        if done == before {
            return Err(Error::Broken(format!(
                "no job was done in second {}; before: {per_second:?}",
                per_second.len() + 1
            )));
        }
        per_second.push(done - before);
        before = done;
    }
}
