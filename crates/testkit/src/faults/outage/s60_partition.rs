//! One of two workers is cut off from the store for longer than its leases last, and not from the API.
//!
//! Its calls go on and their answers wait in it. Meanwhile the other worker does the same jobs again, under the same keys.
//! What was sent to the store before and during the partition arrives after it, as TCP delivers it: long after its sender has
//! given it up, and after the jobs have gone on.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;

use super::load::Load;
use super::pulse::{SOON, Sums};
use crate::faults::{Scenario, Stage, Told};
use crate::proxy::{Conduct, Proxy};
use crate::redis::Server;
use crate::stories::crew::Counts;
use crate::stories::held::{self, Job};
use crate::stories::logs::{self, Follow};
use crate::stories::watch::within;
use crate::{Error, Process, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s60_partition",
    shows: "one of two workers is cut off from Redis for three leases while its calls of the API go on: the other one does \
            its jobs, what it brings late is refused, it works on, and each customer is there once",
    in_short_set: true,
    tell,
};

/// The worker that is cut off, and the one that is not.
const CUT: usize = 0;
const STAYS: usize = 1;

/// How soon the jobs of the one are done by the other, once their leases have run out.
const RESCUE: Duration = SOON;

fn tell(stage: &Stage) -> Result<Told> {
    let load = Load {
        customers: stage.pick(500, 5_000),
        seed: stage.seed,
        rate: stage.pick(200, 500),
        lease: Duration::from_secs(stage.pick(2, 10)),
        workers: 2,
    };
    let server = stage.server()?;
    let proxy = Proxy::start(server.port())?;
    let mut world = stage.world_on(&server)?;
    load.prepare(&mut world)?;
    logs::log_attempts(&mut world);
    // Long enough for some calls to be under way at every moment.
    world.put("/_faults", &json!({"latency": {"kind": "fixed", "ms": 60.0}}))?;
    load.take_in(&world)?;
    let cut = start_behind(&mut world, &server, &proxy)?;
    let stays = world.counted_worker(STAYS, false)?;
    within("the first ends", SOON * 4, || Ok(Sums::of(&world)?.ended > load.customers / 20))?;

    let mut attempts = [CUT, STAYS].map(|worker| Attempts::new(&world, worker));
    let held = partition(&world, &server, &cut, &proxy, stage.pick(3, 8))?;
    let begun = Instant::now();
    let rescued = attempts[STAYS].wait_for(held.clone(), load.lease + RESCUE)?;
    std::thread::sleep((load.lease * 3).saturating_sub(begun.elapsed()));
    attempts[CUT].read()?;
    proxy.set(Conduct::default());
    let back = within("an attempt of the worker that was cut off", SOON * 2, || {
        Ok(!attempts[CUT].read()?.is_empty())
    })?;

    within("the end of all", Duration::from_mins(3), || Ok(Sums::of(&world)?.ended == load.customers))?;
    [cut, stays].into_iter().try_for_each(stop)?;
    let refused = [CUT, STAYS].map(|worker| Counts::of(&world, worker).map(|counts| counts.lost));
    let [late, others] = refused;
    same("refused ends of the worker that was not cut off", &others?, &0)?;
    let late = late?;
    if late == 0 {
        return Err(Error::Broken("nothing that came late was refused".to_owned()));
    }
    load.close(&world, &[])?;
    let result = format!(
        "{} jobs held, all done by the other worker {:.1} s after the cut (lease {} s); {late} late ends refused; at work again \
         within {} ms",
        held.len(),
        rescued.as_secs_f64(),
        load.lease.as_secs(),
        back.as_millis()
    );
    Ok(Told { customers: load.customers, hurts: 1, recovery: Some(back), result })
}

/// A worker whose way to the store leads through the proxy.
fn start_behind(world: &mut World, server: &Server, proxy: &Proxy) -> Result<Process> {
    world.set("GANGWAY__STORE__URL", &format!("redis://127.0.0.1:{}", proxy.port()));
    let worker = world.counted_worker(CUT, false);
    world.set("GANGWAY__STORE__URL", &server.url());
    worker
}

/// Cuts the worker off at a moment at which it holds enough; tells its jobs.
fn partition(
    world: &World,
    server: &Server,
    worker: &Process,
    proxy: &Proxy,
    least: usize,
) -> Result<BTreeSet<Job>> {
    let id = held::worker_of(world, worker.pid())?.map(|(id, _leases)| id);
    let id = id.ok_or_else(|| Error::Broken("the worker is not among those that live".to_owned()))?;
    for _ in 0..50 {
        proxy.set(Conduct::partition());
        // What had arrived is still carried out.
        std::thread::sleep(Duration::from_millis(50));
        let held = held::held_by(world, server, &id)?;
        if held.len() >= least {
            return Ok(held);
        }
        proxy.set(Conduct::default());
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(Error::Broken(format!("the worker never held {least} jobs: too few to prove anything")))
}

fn stop(mut worker: Process) -> Result<()> {
    worker.signal("TERM")?;
    let status = worker.wait_at_most(Duration::from_mins(1))?;
    if status.success() { Ok(()) } else { Err(Error::Broken(format!("a worker ended with {status}"))) }
}

/// The attempts that a worker ends, as its log tells them.
struct Attempts(Follow);

impl Attempts {
    fn new(world: &World, worker: usize) -> Self {
        Self(Follow::new(world, &format!("worker-{worker}.log")))
    }

    /// Those since the last call.
    fn read(&mut self) -> Result<Vec<Job>> {
        let lines = self.0.lines()?;
        let ended = lines.iter().filter_map(logs::finished_attempt);
        Ok(ended.map(|(onboarding, kind, _attempt)| (onboarding, kind)).collect())
    }

    /// Waits until it has run all of these after this call; tells how long it took.
    fn wait_for(&mut self, mut jobs: BTreeSet<Job>, limit: Duration) -> Result<Duration> {
        self.read()?;
        within("the last of the jobs of the worker that was cut off", limit, || {
            for job in self.read()? {
                jobs.remove(&job);
            }
            Ok(jobs.is_empty())
        })
    }
}
