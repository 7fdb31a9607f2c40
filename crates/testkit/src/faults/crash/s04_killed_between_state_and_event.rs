//! Workers die around a settle: what it changes and the event that tells of it are both there, or neither.

use std::collections::BTreeMap;

use serde_json::Value;

use super::ground::{blame_no_job, close, take_in};
use super::torn::{self, tear};
use crate::backend::Backend;
use crate::faults::{Scenario, Stage, Told};
use crate::stories::accounts::number;
use crate::stories::kills;
use crate::{Error, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s04_killed_between_state_and_event",
    shows: "workers die around a settle, on both stores: no state without its event, no event without its state",
    in_short_set: true,
    tell,
};

fn tell(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let (customers, times) = (stage.pick(150, 8_000), stage.pick(4, 250));
    let stores = [(Backend::Redis(server.url()), torn::ON_REDIS), (Backend::Sqlite, torn::EMBEDDED)];
    let (mut deaths, mut events) = (0, 0);
    for (backend, points) in stores {
        let mut world = stage.world(backend)?;
        blame_no_job(&mut world);
        take_in(&world, customers, stage.seed)?;
        deaths += tear(&world, points, times, every_state_has_its_event)?;
        kills::finish(&world)?;
        events += close(&world, customers, &[torn::LOG.to_owned()])?.events;
    }
    Ok(Told {
        customers: 2 * customers,
        hurts: deaths,
        recovery: None,
        result: format!("{deaths} deaths, states and events agreed after each; {events} events"),
    })
}

/// The outbox tells of as many creates, links and ends as the sums do, and numbers them without a gap.
fn every_state_has_its_event(world: &World) -> Result<()> {
    let status = world.status()?;
    let stage = |name: &str| number(&status, &format!("/onboardings/by_stage/{name}"));
    let outbox = world.run(&["outbox", "export"])?.expect_code(0)?;
    let told = count(&outbox.stdout)?;
    let of_type = |name: &str| told.get(name).copied().unwrap_or_default();

    let created = number(&status, "/onboardings/total")? - stage("accepted")?;
    same("events of a create, against customers", &of_type("customer.created"), &created)?;
    // Nobody is asked a question here, so each has one link.
    let linked = created - stage("created")?;
    same("events of a link, against onboardings with one", &of_type("onboarding.link_created"), &linked)?;
    for end in ["approved", "rejected", "expired", "dead"] {
        let events = of_type(&format!("onboarding.{end}"));
        same(&format!("events of {end}, against onboardings"), &events, &stage(end)?)?;
    }
    Ok(())
}

/// Events by their type.
fn count(outbox: &str) -> Result<BTreeMap<String, u64>> {
    let mut by_type = BTreeMap::new();
    let mut sequences: BTreeMap<String, u64> = BTreeMap::new();
    for line in outbox.lines() {
        let event: Value = serde_json::from_str(line)
            .map_err(|_not_json| Error::Broken("an event is no JSON".to_owned()))?;
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        *by_type.entry(text("type")).or_default() += 1;
        let last = sequences.entry(text("subject")).or_default();
        *last += 1;
        same(&format!("sequence of {}", text("subject")), &number(&event, "/sequence")?, last)?;
    }
    Ok(by_type)
}
