//! Customers who wait between two polls, as many as wanted, and the end of their waiting.
//!
//! Links are made on demand, so nobody fills in a form: each customer is created and then polled, `INIT` every time, until
//! the form was untouched for too long.

use std::time::Duration;

use gangway_producer::sample::SampleOptions;

use crate::faults::Stage;
use crate::redis::Server;
use crate::stories::accounts::{self, number};
use crate::stories::crew::Crew;
use crate::stories::watch::{ended, left, within};
use crate::{Result, World, same};

/// How often they are looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cadence {
    /// Between two polls, at least.
    pub(super) min: &'static str,
    /// At most, but for the random part.
    pub(super) max: &'static str,
}

/// Until then they must be there, or have ended.
const LONGEST: Duration = Duration::from_mins(10);

/// A world without users, whose customers wait.
pub(super) fn world(stage: &Stage, server: &Server, cadence: Cadence) -> Result<World> {
    let mut world = stage.world_on(server)?;
    for (setting, value) in [
        ("GANGWAY__LINK__POLICY", "on_demand"),
        ("GANGWAY__POLL__MIN_INTERVAL", cadence.min),
        ("GANGWAY__POLL__MAX_INTERVAL", cadence.max),
        ("GANGWAY__POLL__GIVE_UP_AFTER", "1h"),
        ("GANGWAY__API__RATE_PER_SECOND", "100000"),
        // On a busy machine a second is no time.
        ("GANGWAY__API__TIMEOUT", "10s"),
        ("GANGWAY__WORKER__JOB_TIMEOUT", "30s"),
        ("GANGWAY__CREATE__SETTLE_WINDOW", "30s"),
        ("GANGWAY__WORKER__GRACE", "15s"),
        ("GANGWAY__WORKER__CONCURRENCY", "64"),
        ("GANGWAY__WORKER__LEASE", "10s"),
    ] {
        world.set(setting, value);
    }
    world.put("/_clock", &serde_json::json!({"speed": 1}))?;
    Ok(world)
}

/// Imports a file and waits until each of its customers is created and was looked at.
pub(super) fn bring(world: &World, crew: &mut Crew, file: &str, clean: &SampleOptions) -> Result<()> {
    let planted = accounts::write_sample(world, file, clean)?;
    let before = number(&world.audit()?, "/polls")?;
    let imported = world.json(&["import", file, "--json"])?;
    same("rows taken in", &number(&imported, "/enqueued")?, &planted.customers)?;
    within("the first look at each customer", LONGEST, || {
        crew.must_live()?;
        let polls = number(&world.audit()?, "/polls")?;
        Ok(left(&world.status()?, "customer.create")? == 0 && polls >= before + planted.customers)
    })
    .map(drop)
}

/// Lets their patience end with the next poll of each, and settles the accounts.
pub(super) fn end(world: &mut World, cadence: Cadence, customers: u64) -> Result<()> {
    world.set("GANGWAY__POLL__GIVE_UP_AFTER", cadence.max);
    let crew = Crew::start(world, 2, true)?;
    crew.finish(world)?;
    same("onboardings with an end", &ended(&world.status()?), &customers)?;
    let accounts = accounts::settle(world, customers)?;
    same("expired", &accounts.ended("expired"), &customers)?;
    same("customers at the API", &number(&accounts.audit, "/customers")?, &customers)
}
