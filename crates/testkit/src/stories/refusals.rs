//! Refusals by the API: a row's own, everybody's, and one that is none.

use gangway_producer::sample::SampleOptions;
use serde_json::json;

use super::accounts::{self, Accounts, number};
use super::kills::finish;
use super::watch::wait_until;
use crate::{Error, Result, World, same};

/// Every e-mail of a file belongs to another customer already: each row is buried by itself, nothing stops.
///
/// # Errors
/// One is not buried, or the circuit opens.
pub fn taken_emails_are_buried_one_by_one(world: &mut World, customers: u64, seed: u64) -> Result<Accounts> {
    accounts::write_sample(world, "customers.csv", &SampleOptions::clean(customers, seed))?;
    // Another store for another entity: other keys, and the same e-mails at the API.
    world.set("GANGWAY__API__ENTITY", "somebody-else");
    world.json(&["import", "customers.csv", "--json"])?;
    finish(world)?;
    let theirs = number(&world.audit()?, "/customers")?;
    same("customers of the other entity", &theirs, &customers)?;
    world.set("GANGWAY__API__ENTITY", "default");
    world.move_to_new_store("ours");

    world.json(&["import", "customers.csv", "--json"])?;
    finish(world)?;
    let status = world.status()?;
    same("dead by status", &number(&status, "/onboardings/by_stage/dead")?, &customers)?;
    same("circuit", &status["circuit"]["state"], &json!("closed"))?;
    same("customers at the API", &number(&world.audit()?, "/customers")?, &theirs)?;
    let dead = world.run(&["dead", "list", "--json"])?.expect_code(0)?;
    if !dead.stdout.contains("email_taken") {
        return Err(Error::Broken("the dead letters do not say email_taken".to_owned()));
    }
    Ok(Accounts { status, audit: world.audit()?, ends: [("dead".to_owned(), customers)].into(), events: 0 })
}

/// The API's quota is used up in the middle and raised later: nobody is buried.
///
/// # Errors
/// Somebody is, or the work does not go on by itself.
pub fn a_quota_raised_later_buries_nobody(world: &World, customers: u64, seed: u64) -> Result<Accounts> {
    let planted = accounts::write_sample(world, "customers.csv", &SampleOptions::clean(customers, seed))?;
    world.put("/_knobs", &json!({"limits": {"quota": customers / 2}}))?;
    world.json(&["import", "customers.csv", "--json"])?;
    let mut worker = world.start(&["worker", "--until-idle"], "worker.log")?;
    wait_until(|| {
        let status = world.status()?;
        Ok(status["circuit"]["state"] != "closed"
            && status["circuit"]["reason"].to_string().contains("quota"))
    })?;
    // Long enough for several probes.
    std::thread::sleep(std::time::Duration::from_secs(1));
    let status = world.status()?;
    same(
        "dead while the quota is used up",
        &number(&status, "/onboardings/by_stage/dead").unwrap_or_default(),
        &0,
    )?;
    world.put("/_knobs", &json!({"limits": {"quota": customers}}))?;
    let ended = worker.wait()?;
    if !ended.success() {
        return Err(Error::Broken(format!("the worker ended with {ended}")));
    }
    let accounts = accounts::settle(world, planted.customers)?;
    same("dead", &accounts.ended("dead"), &0)?;
    Ok(accounts)
}

/// A create that times out and takes effect long after, while the API says that its key is in use.
///
/// # Errors
/// The customer is refused, or made twice.
pub fn a_late_effect_is_waited_for(
    world: &mut World,
    customers: u64,
    after_ms: u64,
    seed: u64,
) -> Result<Accounts> {
    let planted = accounts::write_sample(world, "customers.csv", &SampleOptions::clean(customers, seed))?;
    world.set("GANGWAY__CREATE__SETTLE_WINDOW", "10m");
    world.put("/_knobs", &json!({"keys": {"concurrent": "conflict"}}))?;
    let rule = json!({"fault": {"kind": "late_effect", "after_ms": after_ms}, "routes": ["create"], "times": customers});
    world.put("/_faults", &json!({"name": "late", "rules": [rule]}))?;
    world.json(&["import", "customers.csv", "--json"])?;
    finish(world)?;
    let accounts = accounts::settle(world, planted.customers)?;
    same("dead", &accounts.ended("dead"), &0)?;
    same("effects still on their way", &number(&accounts.audit, "/late_effects_pending")?, &0)?;
    Ok(accounts)
}
