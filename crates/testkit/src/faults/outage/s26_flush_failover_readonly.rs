//! What operators do to a server that works: they make it forget its scripts, make it a replica, and swap it with one.

use std::time::Duration;

use serde_json::json;

use super::load::{Load, SLOTS, nothing_was_spent};
use super::pulse::{SOON, Sums};
use crate::faults::{Scenario, Stage, Told};
use crate::redis::{Fsync, MASTER_NAME, Options, Sentinels, Server};
use crate::stories::crew::Crew;
use crate::stories::watch::{calls, time_until_calls, within};
use crate::{Backend, Error, Result, World};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s26_flush_failover_readonly",
    shows: "SCRIPT FLUSH again and again, READONLY answers of a master made a replica, FAILOVER there and back, SENTINEL \
            FAILOVER to the other server: workers wait and go on, and no attempt is spent where nothing can be lost",
    in_short_set: false,
    tell,
};

/// How long the server takes no writes.
const READONLY: Duration = Duration::from_millis(1_500);

/// Long enough for an outage to be over for all tasks of a worker before the next.
const PAUSE: Duration = Duration::from_secs(1);

fn tell(stage: &Stage) -> Result<Told> {
    let (alone, watched) = (alone(stage)?, watched(stage)?);
    Ok(Told {
        customers: alone.customers + watched.customers,
        hurts: alone.hurts + watched.hurts,
        recovery: alone.recovery.max(watched.recovery),
        result: format!("{}; {}", alone.result, watched.result),
    })
}

fn options() -> Options {
    Options { appendonly: Some(Fsync::EverySec), ..Options::default() }
}

fn load(stage: &Stage) -> Load {
    Load {
        customers: stage.pick(500, 6_000),
        seed: stage.seed,
        rate: stage.pick(350, 500),
        lease: Duration::from_secs(10),
        workers: 2,
    }
}

/// Takes all customers in and waits until the first of them have an end.
fn begin(world: &mut World, load: Load) -> Result<Crew> {
    load.prepare(world)?;
    load.take_in(world)?;
    let crew = Crew::start(world, load.workers, true)?;
    within("the first ends", SOON * 4, || Ok(Sums::of(world)?.ended > 0))?;
    Ok(crew)
}

/// A master and a replica over which nobody watches: workers know the master alone, and wait while it is none.
fn alone(stage: &Stage) -> Result<Told> {
    let load = load(stage);
    let master = Server::start(&options())?;
    let replica = Server::start(&Options { replica_of: Some(master.port()), ..options() })?;
    let mut world = stage.world_on(&master)?;
    let mut crew = begin(&mut world, load)?;
    let (flushes, rounds) = (stage.pick(5, 30), stage.pick(1, 3));
    flush(&world, &master, flushes)?;
    let mut worst = Duration::ZERO;
    for _ in 0..rounds {
        worst = worst.max(take_no_writes(&world, &master)?);
        std::thread::sleep(PAUSE);
        worst = worst.max(there_and_back(&world, &master, &replica)?);
        std::thread::sleep(PAUSE);
        crew.must_live()?;
    }
    must_be_under_way(&world, load)?;
    nothing_was_spent(&crew.finish(&world)?)?;
    load.close(&world, &[])?;
    let unknown = count(&master, "NOSCRIPT")?;
    let refused = count(&master, "READONLY")?;
    let result = format!(
        "{flushes} SCRIPT FLUSH, {unknown} calls met no script; {refused} READONLY answers; {rounds} times FAILOVER there \
         and back"
    );
    Ok(Told { customers: load.customers, hurts: flushes + 2 * rounds, recovery: Some(worst), result })
}

/// Work goes on between two of them.
fn flush(world: &World, master: &Server, times: u64) -> Result<()> {
    for _ in 0..times {
        let before = calls(world)?;
        master.command(&["SCRIPT", "FLUSH"])?;
        goes_on(world, before)?;
    }
    Ok(())
}

/// For a while it follows a port on which nobody listens, and so keeps its data and refuses writes.
fn take_no_writes(world: &World, master: &Server) -> Result<Duration> {
    master.command(&["REPLICAOF", "127.0.0.1", "1"])?;
    std::thread::sleep(READONLY);
    let before = calls(world)?;
    master.command(&["REPLICAOF", "NO", "ONE"])?;
    time_until_calls(world, before, SOON)
}

/// The server's own failover, which loses nothing: the master waits for its replica before it becomes one.
fn there_and_back(world: &World, master: &Server, replica: &Server) -> Result<Duration> {
    swap(master, replica)?;
    std::thread::sleep(READONLY);
    let before = calls(world)?;
    swap(replica, master)?;
    time_until_calls(world, before, SOON)
}

fn swap(from: &Server, to: &Server) -> Result<()> {
    let port = to.port().to_string();
    // Refused until the other one follows.
    within("the beginning of a failover", SOON * 2, || {
        Ok(from.command(&["FAILOVER", "TO", "127.0.0.1", &port, "TIMEOUT", "5000"]).is_ok())
    })?;
    within("the end of a failover", SOON * 2, || {
        Ok(to.info("role")? == "master" && from.info("role")? == "slave")
    })?;
    Ok(())
}

/// The pair that sentinels watch: they swap the two without asking the master, which may lose its last writes.
fn watched(stage: &Stage) -> Result<Told> {
    let load = load(stage);
    let mut sentinels = Sentinels::start(3, &options())?;
    let mut world = stage.world(Backend::Redis(sentinels.url()))?;
    // No questions: whoever has answered one by a link that the store forgot needs another, which nobody here knows.
    world.put("/_knobs", &json!({"lifecycle": {"pending_response": 0.0}}))?;
    let mut crew = begin(&mut world, load)?;
    let rounds = stage.pick(1, 3);
    let mut worst = Duration::ZERO;
    for _ in 0..rounds {
        let old = sentinels.wait_for_failover()?;
        sentinels.sentinels()[0].command(&["SENTINEL", "FAILOVER", MASTER_NAME])?;
        within("another master", SOON * 3, || Ok(sentinels.wait_for_failover()? != old))?;
        let before = calls(&world)?;
        worst = worst.max(goes_on(&world, before)?);
        sentinels.restore()?;
        crew.must_live()?;
    }
    must_be_under_way(&world, load)?;
    crew.finish(&world)?;
    load.close(&world, &[])?;
    let result =
        format!("{rounds} times SENTINEL FAILOVER; calls again within {} ms of each", worst.as_millis());
    Ok(Told { customers: load.customers, hurts: rounds, recovery: Some(worst), result })
}

/// Waits for calls that needed the store: more than the workers had in their slots.
fn goes_on(world: &World, before: u64) -> Result<Duration> {
    time_until_calls(world, before + 2 * SLOTS, SOON)
}

fn must_be_under_way(world: &World, load: Load) -> Result<()> {
    let ended = Sums::of(world)?.ended;
    if ended < load.customers {
        return Ok(());
    }
    Err(Error::Broken("all was done before the last of it: too little work".to_owned()))
}

/// How often a server has answered with that error; it must have.
fn count(server: &Server, error: &str) -> Result<u64> {
    let told = server.info(&format!("errorstat_{error}")).unwrap_or_default();
    let count = told.strip_prefix("count=").and_then(|count| count.trim().parse().ok());
    count
        .filter(|count| *count > 0)
        .ok_or_else(|| Error::Broken(format!("no call was answered with {error}: this proves nothing of it")))
}
