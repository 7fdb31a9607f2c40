//! Jobs whose worker has died, until another one has run them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::stories::held::Job;
use crate::stories::logs::{self, Follow};
use crate::{Error, Result, World};

/// What is orphaned, and what was seen of it in the logs of all workers.
#[derive(Debug)]
pub(super) struct Orphans {
    /// An orphan runs again within that.
    limit: Duration,
    since: BTreeMap<Job, Instant>,
    logs: Vec<Follow>,
    /// The longest that one waited.
    pub(super) longest: Duration,
    /// How many there were.
    pub(super) count: u64,
}

impl Orphans {
    pub(super) const fn new(limit: Duration) -> Self {
        Self { limit, since: BTreeMap::new(), logs: Vec::new(), longest: Duration::ZERO, count: 0 }
    }

    /// Reads that log too from now on.
    pub(super) fn follow(&mut self, world: &World, log: &str) {
        self.logs.push(Follow::new(world, log));
    }

    /// A worker has died at that time with these jobs. What it had run before must have been looked at.
    pub(super) fn add(&mut self, jobs: BTreeSet<Job>, since: Instant) {
        self.count += jobs.len() as u64;
        // One that is orphaned again waits anew.
        self.since.extend(jobs.into_iter().map(|job| (job, since)));
    }

    /// Reads on in the logs; answers how many have still not run again.
    ///
    /// # Errors
    /// One waits for too long.
    pub(super) fn look(&mut self) -> Result<usize> {
        for log in &mut self.logs {
            for line in log.lines()? {
                let ran = logs::finished_attempt(&line);
                let since = ran.and_then(|(id, kind, _attempt)| self.since.remove(&(id, kind)));
                self.longest = self.longest.max(since.map(|since| since.elapsed()).unwrap_or_default());
            }
        }
        self.longest = self.longest.max(self.waited());
        if self.longest > self.limit {
            return Err(Error::Broken(format!(
                "a job had not run again {:.1} s after its worker's death; {} wait",
                self.longest.as_secs_f64(),
                self.since.len()
            )));
        }
        Ok(self.since.len())
    }

    /// How long the one has waited that waits for the longest.
    fn waited(&self) -> Duration {
        self.since.values().map(Instant::elapsed).max().unwrap_or_default()
    }
}
