//! 42: polls alone take very long.

use std::time::{Duration, Instant};

use serde_json::json;

use super::ground::{all_well, broken, until_all_ended, write_rows};
use super::{Scenario, Stage, Told};
use crate::stories::accounts::{FILE, import, number};
use crate::stories::crew::Crew;
use crate::{Result, World};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s42_slow_polls",
    shows: "each poll takes 5 s (for 1 in 100 that takes 30 s) and creates do not: they keep at least 90 % of their rate",
    in_short_set: false,
    tell,
};

/// Customers that are polled already when the creates begin.
const POLLED: u64 = 100;

fn tell(stage: &Stage) -> Result<Told> {
    let creates = stage.pick(200, 500);
    let rates = [false, true].map(|slow| creates_a_second(stage, creates, slow));
    let [normal, beside_slow_polls] = rates;
    let (normal, beside_slow_polls) = (normal?, beside_slow_polls?);
    if beside_slow_polls < 0.9 * normal {
        return Err(broken(format!("{beside_slow_polls:.1} creates a second, against {normal:.1}")));
    }
    Ok(Told {
        customers: 2 * (creates + POLLED),
        hurts: 1,
        recovery: None,
        result: format!("{beside_slow_polls:.0} creates/s beside slow polls, {normal:.0} beside fast ones"),
    })
}

fn creates_a_second(stage: &Stage, creates: u64, slow: bool) -> Result<f64> {
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    for (setting, value) in [
        // The limit bounds both runs, and not what else this machine does.
        ("GANGWAY__API__RATE_PER_SECOND", "150"),
        ("GANGWAY__API__TIMEOUT", "20s"),
        ("GANGWAY__WORKER__LEASE", "10s"),
        ("GANGWAY__WORKER__GRACE", "25s"),
        ("GANGWAY__WORKER__JOB_TIMEOUT", "40s"),
        ("GANGWAY__CREATE__SETTLE_WINDOW", "30s"),
    ] {
        world.set(setting, value);
    }
    // Time stands still for the customers: each stays where it is, and is polled.
    world.put("/_clock", &json!({"speed": 0.001}))?;
    write_rows(&world, "polled.csv", "p", 0..POLLED, "Co")?;
    write_rows(&world, FILE, "c", 0..creates, "Co")?;
    import(&world, "polled.csv", POLLED)?;
    let mut crew = Crew::start(&world, 2, false)?;
    until_created(&world, &mut crew, POLLED)?;
    if slow {
        let rule = json!({"fault": {"kind": "slow_answer"}, "routes": ["get"]});
        world.put("/_faults", &json!({"name": "slow polls", "slow_ms": 5_000, "rules": [rule]}))?;
    }
    // Until polls are all that there is, and as slow as they will be.
    std::thread::sleep(Duration::from_secs(2));
    import(&world, FILE, creates)?;
    let begun = Instant::now();
    until_created(&world, &mut crew, POLLED + creates)?;
    let took = begun.elapsed();
    finish(&world, crew, POLLED + creates)?;
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let creates = creates as f64;
    Ok(creates / took.as_secs_f64())
}

fn until_created(world: &World, crew: &mut Crew, customers: u64) -> Result<()> {
    let begun = Instant::now();
    while number(&world.audit()?, "/customers")? < customers {
        crew.must_live()?;
        if begun.elapsed() > Duration::from_mins(2) {
            return Err(broken(format!("not {customers} customers after two minutes")));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Lets the customers go on, and the workers with another limit.
fn finish(world: &World, crew: Crew, customers: u64) -> Result<()> {
    world.put("/_faults", &json!({"plan": "none"}))?;
    world.put("/_clock", &json!({"speed": 20_000}))?;
    world.json(&["queue", "limits", "--rate", "5000", "--json"])?;
    // Under the limit of before, polls were spread over half a minute.
    until_all_ended(world, customers, Duration::from_secs(90))?;
    crew.stop(world)?;
    all_well(world, customers, 2).map(drop)
}
