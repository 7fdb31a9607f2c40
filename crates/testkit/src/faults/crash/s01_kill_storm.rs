//! One of four workers is killed again and again, until nothing is left to do.

use std::time::{Duration, Instant};

use rand::RngExt as _;
use serde_json::json;

use super::ground::{self, blame_no_job, close, take_in};
use super::orphans::Orphans;
use crate::faults::{Scenario, Stage, Told};
use crate::redis::Server;
use crate::stories::watch::wait_until;
use crate::stories::{held, logs};
use crate::{Error, Process, Result, World};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s01_kill_storm",
    shows: "one of four workers is killed each 3 s for 2 min: all that it held runs again within the lease and 5 s",
    in_short_set: true,
    tell,
};

const WORKERS: usize = 4;

fn tell(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    let (customers, kills) = (stage.pick(400, 15_000), stage.pick(4, 40));
    let (lease, every) =
        (Duration::from_secs(stage.pick(2, 10)), Duration::from_millis(stage.pick(1_500, 3_000)));
    world.set("GANGWAY__WORKER__LEASE", &format!("{}s", lease.as_secs()));
    world.set("GANGWAY__WORKER__CONCURRENCY", "8");
    blame_no_job(&mut world);
    logs::log_attempts(&mut world);
    take_in(&world, customers, stage.seed)?;
    // So slow that each worker holds some jobs at any time, and that the work outlasts the storm.
    world.put("/_faults", &json!({"latency": {"kind": "fixed", "ms": stage.pick(100.0, 250.0)}}))?;

    let mut storm = Storm {
        world: &world,
        server: &server,
        workers: Vec::new(),
        started: 0,
        orphans: Orphans::new(lease + Duration::from_secs(5)),
    };
    let landed = storm.blow(kills, every)?;
    storm.calm()?;
    let Storm { started, orphans, .. } = storm;
    let logs: Vec<String> = (0..started).map(log_of).collect();
    let accounts = close(&world, customers, &logs)?;
    Ok(Told {
        customers,
        hurts: landed,
        recovery: Some(orphans.longest),
        result: format!(
            "{landed} workers killed each {:.1} s, {} jobs orphaned, all ran again; {:?}",
            every.as_secs_f64(),
            orphans.count,
            accounts.ends
        ),
    })
}

/// The workers of a moment, and what those before them have left.
struct Storm<'a> {
    world: &'a World,
    server: &'a Server,
    workers: Vec<Process>,
    started: usize,
    orphans: Orphans,
}

impl Storm<'_> {
    /// Kills so often; answers how often it did, as the work may be done before.
    fn blow(&mut self, kills: u64, every: Duration) -> Result<u64> {
        while self.workers.len() < WORKERS {
            let worker = self.start()?;
            self.workers.push(worker);
        }
        let mut landed = 0;
        while landed < kills && self.wait(every)? {
            landed += u64::from(self.strike()?);
        }
        if landed < kills / 2 {
            return Err(Error::Broken(format!("the work was done after {landed} kills: too few")));
        }
        Ok(landed)
    }

    /// Waits; answers whether all workers are still at work.
    fn wait(&mut self, pause: Duration) -> Result<bool> {
        let until = Instant::now() + pause;
        while Instant::now() < until {
            self.orphans.look()?;
            for worker in &mut self.workers {
                if let Some(status) = worker.ended()? {
                    ground::is_ended_by(status, ground::KILLED)?;
                    return Ok(false);
                }
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(true)
    }

    /// Kills one and starts another; answers whether it was one that had begun to work.
    fn strike(&mut self) -> Result<bool> {
        let victim = rand::rng().random_range(0..WORKERS);
        let Some((id, _leases)) = held::worker_of(self.world, self.workers[victim].pid())? else {
            return Ok(false);
        };
        self.workers[victim].kill()?;
        let since = Instant::now();
        // What it had sent already is still carried out.
        std::thread::sleep(Duration::from_millis(50));
        self.orphans.look()?;
        self.orphans.add(held::held_by(self.world, self.server, &id)?, since);
        self.workers[victim] = self.start()?;
        Ok(true)
    }

    fn start(&mut self) -> Result<Process> {
        let log = log_of(self.started);
        let worker = self.world.start(&["worker", "--until-idle"], &log)?;
        self.orphans.follow(self.world, &log);
        self.started += 1;
        Ok(worker)
    }

    /// Waits until every orphan has run, and then for the end of all work.
    fn calm(&mut self) -> Result<()> {
        wait_until(|| Ok(self.orphans.look()? == 0))?;
        for worker in &mut self.workers {
            ground::ended_by(worker, ground::KILLED)?;
        }
        if self.orphans.count == 0 {
            return Err(Error::Broken("no worker that was killed held a job".to_owned()));
        }
        Ok(())
    }
}

fn log_of(worker: usize) -> String {
    format!("worker-{worker}.log")
}
