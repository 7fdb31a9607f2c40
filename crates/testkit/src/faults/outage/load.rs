//! Customers on their way under some workers, and their accounts at the end.

use std::time::Duration;

use gangway_producer::sample::SampleOptions;
use serde_json::json;

use crate::stories::accounts::{self, Accounts, FILE, number};
use crate::stories::crew::Counts;
use crate::{Result, World, same};

/// What there is to do, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) customers: u64,
    /// Of the file.
    pub(super) seed: u64,
    /// Calls a second of all workers; a customer takes about five.
    pub(super) rate: u32,
    /// How long a lease lasts.
    pub(super) lease: Duration,
    /// Worker processes, each with [`SLOTS`] places for jobs.
    pub(super) workers: usize,
}

/// How many jobs a worker runs at once: sixteen of each of three kinds, as the world is set.
pub(super) const SLOTS: u64 = 3 * 16;

impl Load {
    /// Sets the world up and writes the file.
    pub(super) fn prepare(self, world: &mut World) -> Result<()> {
        world.set("GANGWAY__API__RATE_PER_SECOND", &self.rate.to_string());
        world.set("GANGWAY__WORKER__LEASE", &format!("{}ms", self.lease.as_millis()));
        world.set("GANGWAY__LOG__FORMAT", "json");
        // Here the store is hurt and not the API: no call of it may be late because this machine is busy.
        world.set("GANGWAY__API__TIMEOUT", "10s");
        world.set("GANGWAY__CREATE__SETTLE_WINDOW", "10s");
        world.set("GANGWAY__WORKER__GRACE", "12s");
        world.set("GANGWAY__WORKER__JOB_TIMEOUT", "25s");
        world.put("/_faults", &json!({"latency": {"kind": "fixed", "ms": 20.0}}))?;
        accounts::write_sample(world, FILE, &SampleOptions::clean(self.customers, self.seed)).map(drop)
    }

    /// Imports all of them.
    pub(super) fn take_in(self, world: &World) -> Result<()> {
        accounts::import(world, FILE, self.customers)
    }

    /// Imports the first half of them, so that there is work while the rest is taken in.
    pub(super) fn take_in_half(self, world: &World) -> Result<()> {
        let half = SampleOptions::clean(self.half(), self.seed);
        accounts::write_sample(world, "half.csv", &half)?;
        accounts::import(world, "half.csv", self.half())
    }

    /// How many that are.
    pub(super) fn half(self) -> u64 {
        self.customers / 2
    }

    /// The accounts, when all is done: nobody lost, dead, there twice or ended twice, and nothing personal in a log.
    pub(super) fn close(self, world: &World, more_logs: &[&str]) -> Result<Accounts> {
        let accounts = accounts::settle(world, self.customers)?;
        same("customers at the API", &number(&accounts.audit, "/customers")?, &self.customers)?;
        same("dead", &accounts.ended("dead"), &0)?;
        let logs: Vec<String> = (0..self.workers).map(|worker| format!("worker-{worker}.log")).collect();
        let logs: Vec<&str> = logs.iter().map(String::as_str).chain(more_logs.iter().copied()).collect();
        accounts::nothing_personal(world, FILE, &logs)?;
        Ok(accounts)
    }
}

/// No lease was lost and no attempt failed: the outage was nobody's fault and cost nothing.
pub(super) fn nothing_was_spent(counts: &[Counts]) -> Result<()> {
    for (worker, counts) in counts.iter().enumerate() {
        same(&format!("ends of worker {worker} that were refused"), &counts.lost, &0)?;
        same(&format!("attempts of worker {worker} that failed"), &counts.retried, &0)?;
    }
    Ok(())
}
