//! The store's server away for a while: workers stay up, are quiet, and go on.

use std::time::Duration;

use gangway_producer::sample::SampleOptions;
use serde_json::json;

use super::accounts::{self, Accounts, number};
use super::crew::Crew;
use super::logs::{self, Follow};
use super::watch::{calls, time_until_calls, wait_until};
use crate::redis::Server;
use crate::{Error, Result, World, same};

/// So soon after the server's return the workers call the API again.
const SOON: Duration = Duration::from_secs(5);

/// So many lines may each worker log about one outage: a beginning and an end for each of its tasks.
const FEW_LINES: usize = 24;

/// How the server is away.
#[derive(Clone, Debug)]
pub struct Outage<'a> {
    /// Customers in the file.
    pub customers: u64,
    /// Calls a second, so that there is work left when the server comes back for the last time.
    pub rate: u32,
    /// How long a lease lasts.
    pub lease: Duration,
    /// How long the server is away, each time.
    pub away: &'a [Duration],
    /// Seed of file and simulator.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Survived {
    /// The accounts at the end.
    pub accounts: Accounts,
    /// How soon the workers went on, each time.
    pub back: Vec<Duration>,
    /// The most lines that a worker logged about one outage.
    pub lines: usize,
    /// Leases that nobody knew of, as the answer that told of them was lost; they ran out, at no cost but time.
    pub taken_back: u64,
}

/// The server is stopped and started again under two workers, some times.
///
/// # Errors
/// A worker ends, is loud, or does not go on; an outage costs an attempt or a lease; somebody is lost, dead, there twice, or
/// ended twice.
pub fn an_outage_costs_nothing(
    world: &mut World,
    server: &mut Server,
    outage: &Outage<'_>,
) -> Result<Survived> {
    let clean = SampleOptions::clean(outage.customers, outage.seed);
    let planted = accounts::write_sample(world, "customers.csv", &clean)?;
    world.set("GANGWAY__WORKER__LEASE", &format!("{}ms", outage.lease.as_millis()));
    world.set("GANGWAY__API__RATE_PER_SECOND", &outage.rate.to_string());
    logs::log_attempts(world);
    world.put("/_faults", &json!({"latency": {"kind": "fixed", "ms": 100.0}}))?;
    world.json(&["import", "customers.csv", "--json"])?;
    let mut crew = Crew::start(world, 2, true)?;
    let mut logs = [0, 1].map(|number| Book::new(world, number));
    wait_until(|| Ok(calls(world)? > outage.customers / 10))?;

    let (mut back, mut lines) = (Vec::new(), 0);
    for away in outage.away {
        // Long enough for each renewal and heartbeat to have worked again.
        std::thread::sleep(outage.lease.mul_f64(0.4));
        logs.iter_mut().try_for_each(|log| log.read().map(drop))?;
        server.stop_gracefully()?;
        std::thread::sleep(*away);
        crew.must_live()?;
        let before = calls(world)?;
        server.restart()?;
        back.push(time_until_calls(world, before, SOON)?);
        // The last of its tasks may sleep for two seconds before it finds out.
        std::thread::sleep(Duration::from_millis(2_500));
        for log in &mut logs {
            lines = lines.max(log.read()?);
            let what = format!(
                "the highest number of an attempt after {:.1} s without the server",
                away.as_secs_f64()
            );
            same(&what, &log.highest_attempt, &1)?;
        }
    }
    if lines > FEW_LINES {
        return Err(Error::Broken(format!("a worker logged {lines} lines about one outage")));
    }

    for (worker, counts) in crew.finish(world)?.into_iter().enumerate() {
        same(&format!("ends of worker {worker} that were refused"), &counts.lost, &0)?;
        same(&format!("attempts of worker {worker} that failed"), &counts.retried, &0)?;
    }
    for log in &mut logs {
        log.read()?;
        same("the highest number of an attempt", &log.highest_attempt, &1)?;
    }
    let accounts = accounts::settle(world, planted.customers)?;
    same("customers at the API", &number(&accounts.audit, "/customers")?, &planted.customers)?;
    same("dead", &accounts.ended("dead"), &0)?;
    accounts::nothing_personal(world, "customers.csv", &["worker-0.log", "worker-1.log"])?;
    let taken_back = logs.iter().map(|log| log.taken_back).sum();
    Ok(Survived { accounts, back, lines, taken_back })
}

/// What a worker's log tells, read as it grows.
struct Book {
    follow: Follow,
    highest_attempt: u64,
    /// Leases.
    taken_back: u64,
}

impl Book {
    fn new(world: &World, worker: usize) -> Self {
        let follow = Follow::new(world, &format!("worker-{worker}.log"));
        Self { follow, highest_attempt: 0, taken_back: 0 }
    }

    /// Reads on; answers the number of lines beside those of attempts.
    fn read(&mut self) -> Result<usize> {
        let mut others = 0;
        for line in self.follow.lines()? {
            match logs::finished_attempt(&line) {
                Some((_, _, attempt)) => self.highest_attempt = self.highest_attempt.max(attempt),
                None if line["level"] == "DEBUG" => {}
                None => {
                    others += 1;
                    if logs::says(&line, "took back leases that had run out") {
                        self.taken_back += number(&line, "/jobs")?;
                    }
                }
            }
        }
        Ok(others)
    }
}
