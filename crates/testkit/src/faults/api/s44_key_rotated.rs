//! 44: the credential is revoked in the middle and replaced later.

use std::time::{Duration, Instant};

use serde_json::json;

use super::ground::{SECRET_KEY, all_well, broken, circuit, patient, read, without, write};
use super::{Scenario, Stage, Told};
use crate::stories::accounts::{number, take_in};
use crate::stories::crew::Crew;
use crate::stories::watch::{calls, within};
use crate::{Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s44_key_rotated",
    shows: "the API refuses the credential in the middle: work stops and says so, a half-written new key is not taken, and with \
            the new one it goes on without a restart; one attempt a job is enough",
    in_short_set: true,
    tell,
};

const KEYS: &str = "keys.env";
const NEW_ACCESS_KEY: &str = "sim_access_key_of_tomorrow";
const NEW_SECRET_KEY: &str = "dG9tb3Jyb3dzLXNlY3JldC1mb3Itc2ltdWxhdG9ycy1hbG9uZQ";

/// Files are read again each second, and the next probe follows.
const INTERVAL: Duration = Duration::from_secs(1);

fn tell(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    patient(&mut world);
    let customers = stage.pick(80, 1_000);
    settings(&mut world, stage.pick("100", "300"))?;
    take_in(&world, customers, stage.seed)?;
    let crew = Crew::start(&world, 2, true)?;
    within("work", Duration::from_secs(30), || Ok(number(&world.audit()?, "/customers")? > customers / 10))?;

    let keys = json!({"access_key": NEW_ACCESS_KEY, "secret_key": NEW_SECRET_KEY});
    world.put("/_credentials", &keys)?;
    within("an open circuit", Duration::from_secs(5), || Ok(circuit(&world)?.1.contains("(401)")))?;
    let probes = probes(&world, Duration::from_secs(stage.pick(3, 20)))?;
    write(&world, KEYS, &format!("ONEMONEY_ACCESS_KEY={NEW_ACCESS_KEY}\n"))?;
    std::thread::sleep(2 * INTERVAL);
    let before = number(&world.audit()?, "/customers")?;
    write_keys(&world, NEW_ACCESS_KEY, NEW_SECRET_KEY)?;
    let back = within("another customer", 2 * INTERVAL + Duration::from_secs(5), || {
        Ok(number(&world.audit()?, "/customers")? > before)
    })?;

    for (worker, counts) in crew.finish(&world)?.into_iter().enumerate() {
        same(&format!("attempts of worker {worker} that failed"), &counts.retried, &0)?;
        the_log_tells(&world, worker)?;
    }
    all_well(&world, customers, 2)?;
    Ok(Told {
        customers,
        hurts: 1,
        recovery: Some(back),
        result: format!("{probes} probes while it was refused, no attempt failed"),
    })
}

fn settings(world: &mut World, rate: &str) -> Result<()> {
    world.unset("ONEMONEY_ACCESS_KEY");
    world.unset("ONEMONEY_SECRET_KEY");
    world.set("GANGWAY__API__CREDENTIALS_FILE", KEYS);
    world.set("GANGWAY__API__RATE_PER_SECOND", rate);
    world.set("GANGWAY__CIRCUIT__PROBE_INTERVAL", "1s");
    world.set("GANGWAY__RETRY__MAX_ATTEMPTS", "1");
    write_keys(world, "sim_access_key", SECRET_KEY)
}

fn write_keys(world: &World, access_key: &str, secret_key: &str) -> Result<()> {
    write(world, KEYS, &format!("ONEMONEY_ACCESS_KEY={access_key}\nONEMONEY_SECRET_KEY={secret_key}\n"))
}

/// While nobody is let in, the fleet probes and does nothing else.
fn probes(world: &World, refused: Duration) -> Result<u64> {
    // What was in flight.
    std::thread::sleep(Duration::from_secs(1));
    let (begun, before) = (Instant::now(), calls(world)?);
    std::thread::sleep(refused);
    let (probes, took) = (calls(world)? - before, begun.elapsed());
    let most = took.as_secs() / INTERVAL.as_secs() + 2;
    if probes == 0 || probes > most {
        return Err(broken(format!("{probes} probes in {:.1} s: at most {most}", took.as_secs_f64())));
    }
    Ok(probes)
}

/// An alarm when it began, and no key.
fn the_log_tells(world: &World, worker: usize) -> Result<()> {
    let log = format!("worker-{worker}.log");
    let text = read(world, &log)?;
    let alarms: Vec<&str> =
        text.lines().filter(|line| line.contains("the API refuses the credential")).collect();
    if alarms.len() != 1 {
        return Err(broken(format!("not one alarm in {log}, but {alarms:?}")));
    }
    without(world, &log, &[NEW_ACCESS_KEY, NEW_SECRET_KEY])
}
