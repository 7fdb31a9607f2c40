//! Workers that call themselves the same.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{close, log_of};
use crate::faults::{Scenario, Stage, Told};
use crate::stories::accounts::{number, take_in};
use crate::stories::crew::Counts;
use crate::stories::logs::{self, Follow};
use crate::stories::watch::{in_time, wait_until};
use crate::{Error, Process, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s11_same_name",
    shows: "replicas of one name, as the first process of a container each, and one that is killed and comes back under it: \
            all are told apart and work",
    // It needs namespaces of processes, which not every machine grants.
    in_short_set: false,
    tell,
};

const LEASE: Duration = Duration::from_secs(5);

/// A worker is named after its host and its process id, and all of these are on one host.
const NAME: &str = "pid 1";

fn tell(stage: &Stage) -> Result<Told> {
    let customers = stage.pick(400, 5_000);
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    world.set("GANGWAY__WORKER__LEASE", &format!("{}s", LEASE.as_secs()));
    logs::log_attempts(&mut world);
    world.put("/_faults", &json!({"latency": {"kind": "fixed", "ms": 100.0}}))?;
    take_in(&world, customers, stage.seed)?;
    let mut dies = contained(&world, 0)?;
    let mut stays = contained(&world, 1)?;
    let both = wait_for_busy(&world, 2)?;
    dies.kill()?;
    let comes_back = Instant::now();
    let mut heir = contained(&world, 2)?;
    let back = first_job(&world, 2, comes_back)?;
    // The dead one counts as alive until its heartbeat is old: so all three are there, under one name.
    let all = wait_for_busy(&world, 3)?;
    if !all.is_superset(&both) {
        return Err(Error::Broken("a worker changed its id while it worked".to_owned()));
    }
    world.put("/_faults", &json!({"plan": "none"}))?;
    for worker in [&mut stays, &mut heir] {
        let status = worker.wait_at_most(Duration::from_mins(5))?;
        same("the end of a worker", &status.code(), &Some(0))?;
    }
    let attempts: Vec<u64> = [1, 2]
        .map(|worker| Counts::of(&world, worker).map(|counts| counts.attempts))
        .into_iter()
        .collect::<Result<_>>()?;
    if attempts.contains(&0) {
        return Err(Error::Broken(format!("a worker did nothing: {attempts:?} attempts")));
    }
    close(&world, customers, &[0, 1, 2].map(log_of))?;
    let result = format!(
        "three called {NAME:?} had ids of their own; the one that came back worked after {:.1} s",
        back.as_secs_f64()
    );
    Ok(Told { customers, hurts: 1, recovery: Some(back), result })
}

/// Starts a worker as the first process of a namespace of its own, as a container does.
fn contained(world: &World, number: usize) -> Result<Process> {
    let plain = world.command(&["worker", "--until-idle", "--json"]);
    let mut command = Command::new("unshare");
    // Whoever is not root needs a namespace of users as well; the worker ends with the `unshare` before it.
    command.args(["--user", "--map-root-user", "--pid", "--fork", "--kill-child"]);
    command.arg(plain.get_program()).args(plain.get_args()).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(world.path(""));
    let output = world.path(&format!("worker-{number}.json"));
    Process::start_telling(&mut command, &output, &world.path(&log_of(number)))
}

/// Waits until so many live workers hold jobs, all of one name; tells their ids.
fn wait_for_busy(world: &World, count: usize) -> Result<BTreeSet<String>> {
    let mut ids = BTreeSet::new();
    wait_until(|| {
        let status = world.status()?;
        let workers = status["workers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let is_other = |worker: &&Value| !worker["name"].as_str().is_some_and(|name| name.ends_with(NAME));
        if let Some(other) = workers.iter().find(is_other) {
            return Err(Error::Broken(format!("a worker is called {}, not {NAME}", other["name"])));
        }
        let busy = workers.iter().filter(|worker| number(worker, "/leases").is_ok_and(|leases| leases > 0));
        ids = busy.filter_map(|worker| worker["id"].as_str().map(str::to_owned)).collect();
        Ok(ids.len() >= count)
    })?;
    same("workers that hold jobs", &ids.len(), &count)?;
    Ok(ids)
}

/// Waits for the first job of a worker.
fn first_job(world: &World, number: usize, begun: Instant) -> Result<Duration> {
    let mut log = Follow::new(world, &log_of(number));
    while !log.lines()?.iter().any(|line| logs::finished_attempt(line).is_some()) {
        // Before what its predecessor held can run out: it waits for nobody.
        in_time("the first job under a name that was in use", begun.elapsed(), LEASE)?;
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(begun.elapsed())
}
