//! 38: the API says that a key is in use, or was used with another body.

use serde_json::json;

use super::ground::{all_well, broken, discreet, patient, struck, write_rows};
use super::{Scenario, Stage, Told};
use crate::stories::accounts::{self, FILE, import, number, take_in};
use crate::stories::crew::Crew;
use crate::{Backend, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s38_key_in_use",
    shows: "409 to a repeated key: looked up, not dead; a row that comes with other content is a conflict of the import, and \
            where the store is new and the API says 409 or 422, one look-up settles it without a blind retry",
    in_short_set: true,
    tell,
};

fn tell(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let each = stage.pick(100, 3_000);
    let mut world = stage.world_on(&server)?;
    patient(&mut world);
    let used = a_used_key_is_looked_up(&world, stage, each)?;
    let mut world = stage.world(Backend::Sqlite)?;
    patient(&mut world);
    another_body(&mut world, each)?;
    Ok(Told {
        customers: 2 * each,
        hurts: used + 2 * each,
        recovery: None,
        result: format!("{used} used keys and {} other bodies, one look-up each, no blind retry", 2 * each),
    })
}

/// Answers are lost, and the key of what they told of is refused ever after.
fn a_used_key_is_looked_up(world: &World, stage: &Stage, customers: u64) -> Result<u64> {
    take_in(world, customers, stage.seed)?;
    world.put("/_knobs", &json!({"keys": {"window_s": 0, "after_window": "conflict"}}))?;
    let rule = json!({"fault": {"kind": "reset_after"}, "routes": ["create"], "rate": 0.2});
    world.put("/_faults", &json!({"name": "answers lost", "rules": [rule]}))?;
    Crew::start(world, 2, true)?.finish(world)?;
    let audit = all_well(world, customers, 2)?.audit;
    let lost = struck(&audit, "reset_after");
    if lost < customers / 10 {
        return Err(broken(format!("{lost} answers lost of {customers}: too few")));
    }
    same(
        "creates: one each, and one for each lost answer",
        &number(&audit, "/creates")?,
        &(customers + lost),
    )?;
    // An answer of 409 may be lost too, and is asked for again: then there is no look-up after it.
    let (used, look_ups) = (number(&audit, "/refused_creates")?, number(&audit, "/lookups")?);
    same("used keys", &used, &lost)?;
    if look_ups > used || look_ups < used / 2 {
        return Err(broken(format!("{look_ups} look-ups after {used} used keys")));
    }
    Ok(used)
}

/// Rows that were changed since: in the same store, and in two new ones.
fn another_body(world: &mut World, customers: u64) -> Result<()> {
    write_rows(world, FILE, "c", 0..customers, "Old")?;
    import(world, FILE, customers)?;
    Crew::start(world, 1, true)?.finish(world)?;
    let creates = number(&world.audit()?, "/creates")?;
    write_rows(world, FILE, "c", 0..customers, "New")?;
    let again = world.run(&["import", FILE, "--json"])?.expect_code(1)?.json()?;
    same("conflicts", &number(&again, "/conflicts")?, &customers)?;
    same("rows taken in", &number(&again, "/enqueued")?, &0)?;
    Crew::start(world, 1, true)?.finish(world)?;
    same("creates after the conflicts", &number(&world.audit()?, "/creates")?, &creates)?;
    accounts::settle(world, customers)?;
    for answer in ["unprocessable", "conflict"] {
        world.move_to_new_store(answer);
        world.put("/_knobs", &json!({"keys": {"other_body": answer}}))?;
        refused_and_found(world, customers)?;
    }
    discreet(world, 1)
}

fn refused_and_found(world: &World, customers: u64) -> Result<()> {
    let before = world.audit()?;
    import(world, FILE, customers)?;
    let counts = Crew::start(world, 1, true)?.finish(world)?;
    let audit = all_well(world, customers, 1)?.audit;
    for what in ["/creates", "/refused_creates", "/lookups"] {
        same(what, &(number(&audit, what)? - number(&before, what)?), &customers)?;
    }
    same("attempts that failed", &counts.iter().map(|counts| counts.retried).sum::<u64>(), &0)
}
