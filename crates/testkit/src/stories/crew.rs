//! Several workers at once, with their counts at the end.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use super::accounts::number;
use crate::{Error, Process, Result, World};

/// No story works for longer: what takes that long does not end.
const LONGEST: Duration = Duration::from_mins(15);

/// Workers, numbered from 0.
#[derive(Debug)]
pub struct Crew {
    workers: Vec<Process>,
    logs: Vec<PathBuf>,
}

impl Crew {
    /// Starts so many; with `until_idle` each ends when every onboarding has an end.
    ///
    /// # Errors
    /// One cannot be started.
    pub fn start(world: &World, count: usize, until_idle: bool) -> Result<Self> {
        let workers = (0..count).map(|number| world.counted_worker(number, until_idle));
        let logs = (0..count).map(|number| world.counted_worker_log(number)).collect();
        Ok(Self { workers: workers.collect::<Result<_>>()?, logs })
    }

    /// The workers.
    pub fn workers(&mut self) -> &mut [Process] {
        &mut self.workers
    }

    /// Fails if one has ended.
    ///
    /// # Errors
    /// One has; says how.
    pub fn must_live(&mut self) -> Result<()> {
        for (number, worker) in self.workers.iter_mut().enumerate() {
            if let Some(status) = worker.ended()? {
                return Err(ended(number, status, &self.logs[number]));
            }
        }
        Ok(())
    }

    /// Waits until all have ended of themselves; tells their counts.
    ///
    /// # Errors
    /// One does not end, or fails.
    pub fn finish(mut self, world: &World) -> Result<Vec<Counts>> {
        self.wait(world)
    }

    /// Asks all to stop; tells their counts.
    ///
    /// # Errors
    /// One does not stop, or fails.
    pub fn stop(mut self, world: &World) -> Result<Vec<Counts>> {
        for worker in &self.workers {
            worker.signal("TERM")?;
        }
        self.wait(world)
    }

    fn wait(&mut self, world: &World) -> Result<Vec<Counts>> {
        let mut counts = Vec::new();
        for (number, worker) in self.workers.iter_mut().enumerate() {
            let status = worker.wait_at_most(LONGEST)?;
            // 1 says that an onboarding died, which is for the accounts to judge.
            if !matches!(status.code(), Some(0 | 1)) {
                return Err(ended(number, status, &self.logs[number]));
            }
            counts.push(Counts::of(world, number)?);
        }
        Ok(counts)
    }
}

/// What a worker counted until its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Attempts that ended.
    pub attempts: u64,
    /// Of these: failed, to be tried again.
    pub retried: u64,
    /// Settles refused because the lease was gone.
    pub lost: u64,
}

impl Counts {
    /// What the worker of that number said at its end.
    ///
    /// # Errors
    /// It said nothing.
    pub fn of(world: &World, worker: usize) -> Result<Self> {
        let said = world.closing_counts(worker)?;
        let count = |name: &str| number(&said, name);
        Ok(Self { attempts: count("/attempts")?, retried: count("/retried")?, lost: count("/lost")? })
    }
}

/// That a worker has ended, and the last that it logged.
fn ended(number: usize, status: ExitStatus, log: &Path) -> Error {
    let log = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    let tail = lines[lines.len().saturating_sub(10)..].join("\n");
    Error::Broken(format!("worker {number} ended with {status}; its log ends so:\n{tail}"))
}
