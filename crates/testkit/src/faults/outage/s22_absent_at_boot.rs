//! Workers that are started before their server.
//!
//! A worker has no port of its own; whether it is ready is asked by `gangway status`, which must reach the store with the
//! same settings. What a person started, an import, does not wait: it says what is wrong.

use std::time::{Duration, Instant};

use super::load::{Load, nothing_was_spent};
use super::pulse::{SOON, Sums};
use crate::faults::{Scenario, Stage, Told};
use crate::stories::accounts::FILE;
use crate::stories::crew::Crew;
use crate::stories::watch::{calls, time_until_calls, within};
use crate::{Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s22_absent_at_boot",
    shows: "workers are started while Redis is down: they wait, are not ready, end when told to, and go on when it is up; an \
            import says so and ends",
    in_short_set: true,
    tell,
};

fn tell(stage: &Stage) -> Result<Told> {
    let load = Load {
        customers: stage.pick(150, 3_000),
        seed: stage.seed,
        rate: 2_000,
        lease: Duration::from_secs(10),
        workers: 2,
    };
    let away = Duration::from_secs(stage.pick(4, 20));
    let mut server = stage.server()?;
    server.stop_gracefully()?;
    let mut world = stage.world_on(&server)?;
    load.prepare(&mut world)?;
    // So long a command waits before it says that nobody is there.
    world.set("GANGWAY__STORE__RESPONSE_TIMEOUT", "2s");
    let begun = Instant::now();
    let mut crew = Crew::start(&world, load.workers, false)?;
    one_that_is_told_to_stop_does(&world)?;
    // Exit code 2: could not run.
    for command in [&["status", "--json"][..], &["import", FILE, "--json"]] {
        world.run(command)?.expect_code(2)?;
    }
    std::thread::sleep(away.saturating_sub(begun.elapsed()));
    crew.must_live()?;
    same("calls of the API before there was a store", &calls(&world)?, &0)?;

    let waited = begun.elapsed();
    server.restart()?;
    let ready =
        within("the store, made by a worker, and all of them in it", SOON, || registered(&world, &load))?;
    let before = calls(&world)?;
    load.take_in(&world)?;
    time_until_calls(&world, before, SOON)?;
    crew.must_live()?;
    within("the end of all", Duration::from_mins(3), || Ok(Sums::of(&world)?.ended == load.customers))?;
    nothing_was_spent(&crew.stop(&world)?)?;
    load.close(&world, &["stopped.log"])?;
    let result = format!(
        "waited {:.1} s; ready {} ms after the server's start",
        waited.as_secs_f64(),
        ready.as_millis()
    );
    Ok(Told { customers: load.customers, hurts: 1, recovery: Some(ready), result })
}

/// A worker that waits for its server still hears a `SIGTERM`.
fn one_that_is_told_to_stop_does(world: &World) -> Result<()> {
    let mut worker = world.start(&["worker"], "stopped.log")?;
    // Until it has found out that nobody is there.
    within("a word of the waiting worker", SOON, || {
        let log = std::fs::read_to_string(world.path("stopped.log")).unwrap_or_default();
        Ok(log.contains("not reachable"))
    })?;
    worker.signal("TERM")?;
    worker.wait_at_most(SOON).map(drop)
}

/// Whether the store is there and all workers are.
fn registered(world: &World, load: &Load) -> Result<bool> {
    let status = world.run(&["status", "--json"])?;
    if status.code != Some(0) {
        return Ok(false);
    }
    let status = status.json()?;
    Ok(status["workers"].as_array().is_some_and(|workers| workers.len() == load.workers))
}
