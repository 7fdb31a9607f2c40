//! Old records and events deleted all the time while jobs wait for their next attempt.

use std::time::{Duration, Instant};

use gangway_producer::sample::SampleOptions;
use serde_json::json;

use super::ground::Ground;
use super::{log_of, nothing_personal};
use crate::faults::{Scenario, Stage, Told};
use crate::stories::accounts::{self, FILE, number};
use crate::stories::kills::finish;
use crate::stories::watch::wait_until;
use crate::{Error, Process, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s31_retention_and_retries",
    shows: "everything that ended is pruned each second while 5,000 creates wait for a retry, in both stores: none of them is deleted",
    in_short_set: false,
    tell,
};

/// From one pruning to the next.
const EACH: Duration = Duration::from_secs(1);

fn tell(stage: &Stage) -> Result<Told> {
    let (waiting, ended) = (stage.pick(300, 5_000), stage.pick(50, 500));
    let grounds = Ground::both(stage)?;
    // At once, as most of the time is spent waiting.
    let told = std::thread::scope(|scope| {
        let tell = |ground| scope.spawn(move || tell_on(ground, stage, waiting, ended));
        grounds.each_ref().map(tell).map(std::thread::ScopedJoinHandle::join)
    });
    let mut prunings = 0;
    for ground in told {
        prunings += ground.map_err(|_panic| Error::Broken("a thread panicked".to_owned()))??;
    }
    let customers = 2 * (waiting + ended);
    let result =
        format!("{prunings} prunings took what had ended, and none of 2 × {waiting} waiting creates");
    Ok(Told { customers, hurts: prunings, recovery: None, result })
}

fn tell_on(ground: &Ground, stage: &Stage, waiting: u64, ended: u64) -> Result<u64> {
    let mut world = ground.world(stage)?;
    // Nothing takes part in the failures but the creates, and they wait long enough to be looked at.
    world.set("GANGWAY__CIRCUIT__THRESHOLD", "1000000");
    world.set("GANGWAY__RETRY__MAX", stage.pick("8s", "30s"));
    world.set("GANGWAY__RETRY__INITIAL", stage.pick("8s", "30s"));
    world.set("GANGWAY__RETRY__JITTER", "0");
    bring_to_their_ends(&world, stage, ended, ended + waiting)?;
    let mut worker = let_all_creates_fail(&world, waiting)?;
    let mut pruner = Pruner { world: &world, records: 0, rounds: 0 };
    let until = Instant::now() + Duration::from_secs(stage.pick(3, 10));
    while Instant::now() < until {
        pruner.prune()?;
        same("creates that were not deleted", &unfinished(&world)?, &waiting)?;
    }
    same("records pruned meanwhile", &pruner.records, &ended)?;
    world.put("/_faults", &json!({"plan": "none"}))?;
    pruner.until_ended(&mut worker)?;
    let rounds = pruner.rounds;
    let accounts = accounts::settle(&world, waiting + ended)?;
    same("customers at the API", &number(&accounts.audit, "/customers")?, &(waiting + ended))?;
    same("dead", &accounts.ended("dead"), &0)?;
    nothing_personal(&world, &[log_of(0), "worker.log".to_owned()])?;
    Ok(rounds)
}

/// Customers whose records may be pruned; that they are shows that the pruning works. They come from the head of the file.
fn bring_to_their_ends(world: &World, stage: &Stage, ended: u64, all: u64) -> Result<()> {
    accounts::write_sample(world, FILE, &SampleOptions::clean(all, stage.seed))?;
    let io = |source| Error::Io { action: format!("copy the head of {FILE}"), source };
    let text = std::fs::read_to_string(world.path(FILE)).map_err(io)?;
    let rows = text.lines().zip(0..=ended).flat_map(|(line, _)| [line, "\n"]);
    std::fs::write(world.path("head.csv"), rows.collect::<String>()).map_err(io)?;
    world.json(&["import", "head.csv", "--json"])?;
    finish(world)?;
    accounts::settle(world, ended).map(drop)
}

/// Imports the whole file and lets each new create fail once.
fn let_all_creates_fail(world: &World, waiting: u64) -> Result<Process> {
    let failure = json!({"kind": "server_error", "status": 503, "body": "json"});
    world.put("/_faults", &json!({"rules": [{"fault": failure, "routes": ["create"]}]}))?;
    let imported = world.json(&["import", FILE, "--json"])?;
    same("rows taken in", &number(&imported, "/enqueued")?, &waiting)?;
    let worker = world.counted_worker(0, true)?;
    wait_until(|| Ok(retryable(world)? == waiting))?;
    Ok(worker)
}

fn retryable(world: &World) -> Result<u64> {
    number(&world.status()?, "/jobs/customer.create/retryable")
}

/// Creates that wait, for a retry or for their turn, or run: on a slow machine some are due again before the end.
fn unfinished(world: &World) -> Result<u64> {
    let status = world.status()?;
    let count = |state: &&str| number(&status, &format!("/jobs/customer.create/{state}"));
    ["available", "scheduled", "running", "retryable"].iter().map(count).sum()
}

/// Deletes everything that may be deleted, whatever its age.
struct Pruner<'a> {
    world: &'a World,
    /// Records pruned so far.
    records: u64,
    rounds: u64,
}

impl Pruner<'_> {
    /// Once, and the rest of a second.
    fn prune(&mut self) -> Result<()> {
        let begun = Instant::now();
        let pruned = self.world.json(&["prune", "--records", "0s", "--events", "0s", "--json"])?;
        self.records += number(&pruned, "/records")?;
        self.rounds += 1;
        // Nobody has read one yet.
        same("events deleted", &number(&pruned, "/events")?, &0)?;
        std::thread::sleep(EACH.saturating_sub(begun.elapsed()));
        Ok(())
    }

    /// Again and again, until the worker has brought everybody to an end.
    fn until_ended(&mut self, worker: &mut Process) -> Result<()> {
        let deadline = Instant::now() + Duration::from_mins(5);
        loop {
            if let Some(status) = worker.ended()? {
                return same("the end of the worker", &status.code(), &Some(0));
            }
            if Instant::now() > deadline {
                return Err(Error::Broken(format!("the worker had not ended {FILE} after five minutes")));
            }
            self.prune()?;
        }
    }
}
