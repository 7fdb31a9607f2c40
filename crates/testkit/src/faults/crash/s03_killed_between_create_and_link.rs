//! Workers die around the settle that turns a create into a link: it is one step, so there is no between.

use super::ground::{blame_no_job, close, take_in};
use super::torn::{self, tear};
use crate::backend::Backend;
use crate::faults::{Scenario, Stage, Told};
use crate::stories::accounts::number;
use crate::stories::kills;
use crate::{Error, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s03_killed_between_create_and_link",
    shows: "workers die around the settle of a create, on both stores: nobody is left without a link",
    in_short_set: true,
    tell,
};

fn tell(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let (customers, times) = (stage.pick(150, 8_000), stage.pick(4, 250));
    let stores = [(Backend::Redis(server.url()), torn::ON_REDIS), (Backend::Sqlite, torn::EMBEDDED)];
    let mut deaths = 0;
    for (backend, points) in stores {
        let mut world = stage.world(backend)?;
        blame_no_job(&mut world);
        take_in(&world, customers, stage.seed)?;
        deaths += tear(&world, points, times, who_has_a_customer_gets_a_link)?;
        kills::finish(&world)?;
        close(&world, customers, &[torn::LOG.to_owned()])?;
        everybody_has_one_link(&world, customers)?;
    }
    Ok(Told {
        customers: 2 * customers,
        hurts: deaths,
        recovery: None,
        result: format!("{deaths} deaths, a link job for each customer after each, one link each"),
    })
}

/// As many onboardings are created and not linked as there are jobs that make a link.
fn who_has_a_customer_gets_a_link(world: &World) -> Result<()> {
    let status = world.status()?;
    let jobs = |state: &str| number(&status, &format!("/jobs/link.create/{state}"));
    let live = jobs("available")? + jobs("scheduled")? + jobs("running")? + jobs("retryable")?;
    same(
        "jobs that make a link, against customers without one",
        &live,
        &number(&status, "/onboardings/by_stage/created")?,
    )?;
    same("dead jobs that make a link", &jobs("dead")?, &0)
}

/// A link that is asked for again is the same link.
fn everybody_has_one_link(world: &World, customers: u64) -> Result<()> {
    let audit = world.get("/_audit?full=1")?;
    let links = audit.pointer("/full/links_per_customer").and_then(serde_json::Value::as_object);
    let links = links.ok_or_else(|| Error::Broken("the audit tells of no links".to_owned()))?;
    let with_one = links.values().filter(|count| **count == 1).count() as u64;
    same("customers with exactly one link", &with_one, &customers)
}
