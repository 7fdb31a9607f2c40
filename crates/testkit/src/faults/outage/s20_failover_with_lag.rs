//! A failover to a replica that is two seconds behind: what the master took in last is gone with it.
//!
//! The replica follows its master through a proxy that delays. Sentinels would lead it back to the master's own port; so
//! they are told to wait with that, until the master is killed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::import::{self, Import};
use super::load::Load;
use super::pulse::{SOON, Sums};
use crate::faults::{Scenario, Stage, Told};
use crate::proxy::{Conduct, Proxy};
use crate::redis::{Fsync, MASTER_NAME, Options, Sentinels};
use crate::stories::accounts::{FILE, number};
use crate::stories::crew::Crew;
use crate::stories::watch::{calls, time_until_calls, within};
use crate::{Backend, Error, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s20_failover_with_lag",
    shows: "Sentinel fails over to a replica that lags 2 s, during an import: workers follow, the loss shows in the epoch, \
            the import run again brings what was lost, and nobody is there twice",
    in_short_set: false,
    tell,
};

/// How far the replica is behind.
const LAG: Duration = Duration::from_secs(2);

fn tell(stage: &Stage) -> Result<Told> {
    let load = Load {
        customers: stage.pick(1_000, 5_000),
        seed: stage.seed,
        rate: stage.pick(400, 600),
        lease: Duration::from_secs(5),
        workers: 2,
    };
    let options = Options { appendonly: Some(Fsync::EverySec), ..Options::default() };
    let mut sentinels = Sentinels::start(3, &options)?;
    let mut world = stage.world(Backend::Redis(sentinels.url()))?;
    load.prepare(&mut world)?;
    // No questions: whoever has answered one by a link that the store forgot needs another, which nobody here knows.
    world.put("/_knobs", &json!({"lifecycle": {"pending_response": 0.0}}))?;
    load.take_in_half(&world)?;
    let mut crew = Crew::start(&world, load.workers, false)?;
    within("the first ends", SOON * 4, || Ok(Sums::of(&world)?.ended > 0))?;

    let line = follow_through_proxy(&sentinels)?;
    let import = Import::start(&world)?;
    let before = stop_in_the_middle(&world, &import, load)?;
    let back = fail_over(&world, &mut sentinels, &line)?;
    let left = Sums::of(&world)?;
    if left.onboardings >= before.onboardings {
        return Err(Error::Broken(format!("{left:?} of {before:?} were left: nothing was lost")));
    }
    crew.must_live()?;
    import.signal("CONT")?;
    import.finish(&world)?;

    let missing = load.customers - Sums::of(&world)?.onboardings;
    let again = number(&world.json(&["import", FILE, "--json"])?, "/enqueued")?;
    same("rows that the second run says it took in", &again, &missing)?;
    within("the end of all", Duration::from_mins(3), || Ok(Sums::of(&world)?.ended == load.customers))?;
    crew.must_live()?;
    crew.stop(&world)?;
    load.close(&world, &[import::LOG])?;
    let epochs = epochs(&world)?;
    let result = format!(
        "{} of {} onboardings left, {again} rows brought by the second run, {epochs} epochs; calls again {} ms after the \
         master's death",
        left.onboardings,
        before.onboardings,
        back.as_millis()
    );
    Ok(Told { customers: load.customers, hurts: 1, recovery: Some(back), result })
}

/// Stops the import when it has taken some of the second half in; tells what was there then.
fn stop_in_the_middle(world: &World, import: &Import, load: Load) -> Result<Sums> {
    for _ in 0..1_000 {
        import.signal("STOP")?;
        // What it had sent already is still carried out.
        std::thread::sleep(Duration::from_millis(20));
        let sums = Sums::of(world)?;
        if sums.onboardings > load.customers / 2 {
            return Ok(sums);
        }
        import.signal("CONT")?;
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(Error::Broken("the import took nothing in".to_owned()))
}

/// Lets the replica follow its master through a proxy, and be late from then on.
fn follow_through_proxy(sentinels: &Sentinels) -> Result<Proxy> {
    // After so long they would lead a replica that follows somebody else back to its master.
    set_failover_timeout(sentinels, Duration::from_mins(1))?;
    let [master, replica] = sentinels.servers();
    let line = Proxy::start(master.port())?;
    replica.command(&["REPLICAOF", "127.0.0.1", &line.port().to_string()])?;
    within("the replica's link through the proxy", SOON * 2, || {
        Ok(line.connections() > 0 && replica.info("master_link_status")? == "up")
    })?;
    line.set(Conduct::slow(LAG));
    Ok(line)
}

/// Kills the master; tells how long it took until workers went on at the replica.
fn fail_over(world: &World, sentinels: &mut Sentinels, line: &Proxy) -> Result<Duration> {
    // As it was: an election that comes to nothing is repeated after twice as long.
    set_failover_timeout(sentinels, Duration::from_millis(1_500))?;
    // What is on its way to the replica dies with the master.
    line.set(Conduct::cut_off());
    sentinels.kill_master()?;
    let begun = Instant::now();
    sentinels.wait_for_failover()?;
    time_until_calls(world, calls(world)?, SOON)?;
    Ok(begun.elapsed())
}

fn set_failover_timeout(sentinels: &Sentinels, timeout: Duration) -> Result<()> {
    let timeout = timeout.as_millis().to_string();
    let set = ["SENTINEL", "SET", MASTER_NAME, "failover-timeout", &timeout];
    sentinels.sentinels().iter().try_for_each(|sentinel| sentinel.command(&set).map(drop))
}

/// Lives of the store that wrote events; a loss that was noticed began another.
fn epochs(world: &World) -> Result<usize> {
    let outbox = world.run(&["outbox", "export"])?.expect_code(0)?;
    let epoch = |line: &str| serde_json::from_str::<Value>(line).ok()?["epoch"].as_str().map(str::to_owned);
    let epochs = outbox.stdout.lines().filter_map(epoch).collect::<BTreeSet<_>>().len();
    if epochs < 2 {
        return Err(Error::Broken("all events are of one epoch, though the store lost some".to_owned()));
    }
    Ok(epochs)
}
