//! 41: the API answers 5xx for a long time.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::ground::{all_well, broken, circuit, patient, struck};
use super::{Scenario, Stage, Told};
use crate::stories::accounts::{number, take_in};
use crate::stories::crew::Crew;
use crate::stories::watch::{calls, calls_in, within};
use crate::{Result, World};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s41_api_down",
    shows: "503 for 20 min with three attempts a job: the circuit opens within 5 s, one probe an interval for two workers \
            together, closed within 10 s of the recovery, no herd, no dead letter",
    in_short_set: true,
    tell,
};

/// How long a call takes while there is nothing to look at.
const QUICK: Duration = Duration::from_millis(100);

/// And while those are counted that come before the first of them is answered.
const SLOW: Duration = Duration::from_millis(2_100);

/// The probe has succeeded once: four calls of each kind may be under way. And the probe itself. Without a bound, two workers
/// make up to 96.
const MOST_AT_ONCE: u64 = 3 * 4 + 1;

fn tell(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    patient(&mut world);
    let interval = Duration::from_secs(stage.pick(1, 5));
    world.set("GANGWAY__CIRCUIT__PROBE_INTERVAL", &format!("{}s", interval.as_secs()));
    // One probe alone would use these up, if it cost anything.
    world.set("GANGWAY__RETRY__MAX_ATTEMPTS", "3");
    let customers = stage.pick(300, 2_000);
    take_in(&world, customers, stage.seed)?;
    world.put("/_faults", &answering_in(QUICK))?;
    let crew = Crew::start(&world, 2, true)?;
    within("work", Duration::from_secs(30), || Ok(number(&world.audit()?, "/customers")? > customers / 10))?;

    world.put("/_faults", &json!({"name": "down", "outage": "unavailable"}))?;
    let opened = within("an open circuit", Duration::from_secs(5), || {
        Ok(circuit(&world)?.1.contains("the API does not answer"))
    })?;
    let probes = probes(&world, Duration::from_secs(stage.pick(6, 1_200)), interval)?;
    let (closed, at_once) = recovery(&world, interval)?;
    crew.finish(&world)?;
    all_well(&world, customers, 2)?;
    Ok(Told {
        customers,
        hurts: 1,
        recovery: Some(closed),
        result: format!(
            "open after {:.1} s, {probes} probes, one every {} s at most; {at_once} calls at first when it closed",
            opened.as_secs_f64(),
            interval.as_secs()
        ),
    })
}

fn answering_in(latency: Duration) -> Value {
    json!({"name": "well", "latency": {"kind": "fixed", "ms": latency.as_secs_f64() * 1e3}})
}

/// Counts the probes of an outage.
fn probes(world: &World, outage: Duration, interval: Duration) -> Result<u64> {
    // What was in flight when the circuit opened.
    std::thread::sleep(Duration::from_secs(1));
    let (begun, before) = (Instant::now(), calls(world)?);
    std::thread::sleep(outage);
    let (probes, took) = (calls(world)? - before, begun.elapsed());
    let fitting = took.as_secs() / interval.as_secs();
    // The first may come at once, the last just before the count; and each is made by a worker that looks every now and then.
    if !(fitting / 2..=fitting + 2).contains(&probes) {
        return Err(broken(format!("{probes} probes in {:.1} s: about {fitting}", took.as_secs_f64())));
    }
    Ok(probes)
}

/// How long until the circuit lets others through than probes, and how many calls came then before any of them was answered.
///
/// What the outage did not refuse is counted, from the API's side: the first such call is the probe that finds it well, and
/// after its answer no other comes for as long again.
fn recovery(world: &World, interval: Duration) -> Result<(Duration, u64)> {
    let before = served(world)?;
    world.put("/_faults", &answering_in(SLOW))?;
    let begun = Instant::now();
    let limit = interval + Duration::from_secs(5);
    within("a probe of the API that is well", limit, || Ok(served(world)? > before))?;
    let probe = Instant::now();
    let closed = within("a circuit that is open no more", limit, || {
        Ok(matches!(circuit(world)?.0.as_str(), "ramping" | "closed"))
    })?;
    let closed = closed + (probe - begun);
    std::thread::sleep((SLOW + SLOW / 2).saturating_sub(probe.elapsed()));
    let (at_once, late) = (served(world)? - before, probe.elapsed());
    if late > SLOW * 2 {
        return Err(broken(format!("counted {:.1} s after the probe, too late to tell", late.as_secs_f64())));
    }
    if !(2..=MOST_AT_ONCE).contains(&at_once) {
        return Err(broken(format!("{at_once} calls at once after the recovery: 2 to {MOST_AT_ONCE}")));
    }
    world.put("/_faults", &answering_in(QUICK))?;
    Ok((closed, at_once))
}

/// Calls that the outage did not refuse.
fn served(world: &World) -> Result<u64> {
    let audit = world.audit()?;
    Ok(calls_in(&audit).saturating_sub(struck(&audit, "outage")))
}
