//! Workers die between the API's answer to a create and the settle that tells of it.

use super::ground::{self, KILLED, armed_worker, blame_no_job, close, take_in};
use crate::faults::{Scenario, Stage, Told};
use crate::stories::accounts::number;
use crate::stories::kills;
use crate::{Error, Result, World};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s02_killed_before_settle",
    shows: "500 customers exist at the API and their workers died before telling: none is created twice",
    in_short_set: true,
    tell,
};

/// So many creates run at once, and with the answer to the last of them the worker dies: most of the others are answered
/// by then and not settled, so one death makes many hits.
const AT_ONCE: u64 = 50;

fn tell(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    let (customers, hits) = (stage.pick(500, 3_000), stage.pick(40, 500));
    world.set("GANGWAY__WORKER__CONCURRENCY", &AT_ONCE.to_string());
    blame_no_job(&mut world);
    take_in(&world, customers, stage.seed)?;

    let plan = format!("create.answered=kill@{AT_ONCE}");
    let (mut deaths, mut unknown) = (0, 0);
    while unknown < hits {
        let mut worker = armed_worker(&world, &plan, "worker.log")?;
        if !ground::ended_by(&mut worker, KILLED)? {
            return Err(Error::Broken(format!("all was done after {deaths} deaths: only {unknown} hits")));
        }
        deaths += 1;
        unknown = customers_the_store_does_not_know(&world)?;
    }
    kills::finish(&world)?;
    let accounts = close(&world, customers, &["worker.log".to_owned()])?;
    let replays = number(&accounts.audit, "/replays")?;
    if replays < unknown {
        return Err(Error::Broken(format!("{unknown} creates had to be asked again, {replays} were")));
    }
    Ok(Told {
        customers,
        hurts: deaths,
        recovery: None,
        result: format!(
            "{unknown} answers lost in {deaths} deaths, {replays} creates replayed; {:?}",
            accounts.ends
        ),
    })
}

/// Customers at the API whose create is not settled. Nobody works at this moment.
fn customers_the_store_does_not_know(world: &World) -> Result<u64> {
    let status = world.status()?;
    let known = number(&status, "/onboardings/total")? - number(&status, "/onboardings/by_stage/accepted")?;
    let there = number(&world.audit()?, "/customers")?;
    there
        .checked_sub(known)
        .ok_or_else(|| Error::Broken(format!("the store tells of {known} customers, the API has {there}")))
}
