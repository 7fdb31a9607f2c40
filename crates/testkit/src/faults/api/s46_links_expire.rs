//! 46: a link dies before its customer comes.

use std::collections::BTreeMap;
use std::time::Duration;

use gangway_producer::sample::SampleOptions;
use serde_json::{Value, json};

use super::ground::{all_well, broken, events, patient, seconds_between, until_all_ended};
use super::{Scenario, Stage, Told};
use crate::stories::accounts::{self, FILE, import, number, take_in};
use crate::stories::crew::Crew;
use crate::stories::watch::within;
use crate::{Backend, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s46_links_expire",
    shows: "customers come after two days, when their links of half an hour are dead: each who asks gets a fresh one, one is \
            alive at a time; and a link whose answer was lost is never published when it has got old",
    in_short_set: false,
    tell,
};

/// A published link has at least so long to live.
const SHORTEST_LIFE: f64 = 300.0;

fn tell(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let (late, lost) = (stage.pick(30, 300), stage.pick(20, 300));
    let fresh = they_come_too_late(stage.world_on(&server)?, stage, late)?;
    let kept_back = an_old_link_is_not_published(stage.world(Backend::Sqlite)?, stage, lost)?;
    Ok(Told {
        customers: late + lost,
        hurts: late + kept_back,
        recovery: None,
        result: format!("{fresh} fresh links on request, {kept_back} old ones kept back, 1 alive at a time"),
    })
}

/// The simulated time jumps by two days; the clocks of links and users run on it.
fn they_come_too_late(mut world: World, stage: &Stage, customers: u64) -> Result<u64> {
    patient(&mut world);
    let two_days = 172_800;
    let opens = |after: u64| json!({"lifecycle": {"opens_after": {"min_s": after, "max_s": after + 1}}});
    world.put("/_knobs", &opens(two_days))?;
    world.put("/_knobs", &json!({"links": {"clock": "simulated"}}))?;
    world.put("/_clock", &json!({"speed": 1}))?;
    take_in(&world, customers, stage.seed)?;
    let crew = Crew::start(&world, 1, false)?;
    within("a link for each", Duration::from_mins(1), || {
        Ok(number(&world.status()?, "/onboardings/by_stage/linked")? == customers)
    })?;
    world.put("/_clock", &json!({"advance_s": two_days + 2}))?;
    let audit = world.audit()?;
    same("links used", &number(&audit, "/links_used")?, &0)?;
    same("most links of one customer", &number(&audit, "/links_per_customer_max")?, &1)?;

    world.put("/_knobs", &opens(1))?;
    ask_for_links(&world, customers)?;
    // What follows is not about links: those that a question of compliance asks for live by the real clock.
    within("the customers with their fresh links", Duration::from_secs(30), || {
        Ok(number(&world.audit()?, "/links_used")? >= customers)
    })?;
    let audit = world.audit()?;
    same("links", &number(&audit, "/links")?, &(2 * customers))?;
    same("most links of one customer alive", &number(&audit, "/live_links_per_customer_max")?, &1)?;
    world.put("/_knobs", &json!({"links": {"clock": "wall"}}))?;
    world.put("/_clock", &json!({"speed": 20_000}))?;
    until_all_ended(&world, customers, Duration::from_mins(1))?;
    crew.stop(&world)?;
    let links = published(&world)?;
    links.iter().try_for_each(lives_long_enough)?;
    all_well(&world, customers, 1)?;
    Ok(customers)
}

/// Each asks; the last one waits, and gets another link than the first.
fn ask_for_links(world: &World, customers: u64) -> Result<()> {
    let before = published(world)?;
    same("links published", &(before.len() as u64), &customers)?;
    let ids: Vec<&str> = before.iter().filter_map(|link| link["subject"].as_str()).collect();
    let (last, others) = ids.split_last().ok_or_else(|| broken("no link"))?;
    for id in others {
        world.json(&["link", id, "--no-wait", "--json"])?;
    }
    let fresh = world.json(&["link", last, "--json"])?;
    if !fresh["url"].is_string() || before.iter().any(|link| link["data"]["url"] == fresh["url"]) {
        return Err(broken("no fresh link on request"));
    }
    Ok(())
}

/// Answers are lost, and the same link comes again when too little of its life is left.
fn an_old_link_is_not_published(mut world: World, stage: &Stage, customers: u64) -> Result<u64> {
    patient(&mut world);
    world.set("GANGWAY__RETRY__INITIAL", "6s");
    world.set("GANGWAY__RETRY__MAX", "6s");
    world.set("GANGWAY__RETRY__JITTER", "0");
    // Nobody opens a link before it is asked for again: ten seconds, at the speed of these customers.
    let later = json!({"min_s": 200_000, "max_s": 200_001});
    let lifecycle = json!({"opens_after": later, "pending_response": 0.0});
    world.put("/_knobs", &json!({"links": {"ttl_s": 303}, "lifecycle": lifecycle}))?;
    // Only at first: a third link is taken as it is, so that an API whose links are all short is not asked for ever.
    let rule =
        json!({"fault": {"kind": "reset_after"}, "routes": ["link"], "rate": 0.3, "times": customers / 5});
    world.put("/_faults", &json!({"name": "answers lost", "rules": [rule]}))?;
    accounts::write_sample(&world, FILE, &SampleOptions::clean(customers, stage.seed))?;
    import(&world, FILE, customers)?;
    Crew::start(&world, 1, true)?.finish(&world)?;
    all_well(&world, customers, 1)?;
    let links = published(&world)?;
    links.iter().try_for_each(lives_long_enough)?;
    let mut first = BTreeMap::new();
    for link in &links {
        first.entry(link["subject"].to_string()).or_insert(&link["data"]["ordinal"]);
    }
    let kept_back = first.values().filter(|ordinal| ***ordinal != 1).count() as u64;
    if kept_back < customers / 10 {
        return Err(broken(format!("{kept_back} old links of {customers} customers: too few")));
    }
    Ok(kept_back)
}

fn published(world: &World) -> Result<Vec<Value>> {
    let mut events = events(world)?;
    events.retain(|event| event["type"] == "onboarding.link_created");
    Ok(events)
}

fn lives_long_enough(link: &Value) -> Result<()> {
    let life = seconds_between(&link["time"], &link["data"]["expires_at"])?;
    // The worker looks at its own clock, the event has the store's, a moment later.
    if life < SHORTEST_LIFE - 1.5 {
        return Err(broken(format!("a link was published with {life:.1} s to live")));
    }
    Ok(())
}
