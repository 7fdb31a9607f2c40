//! 45: the API refuses single rows.

use serde_json::{Value, json};

use super::ground::{broken, circuit, discreet, events, patient, read, without, write, write_rows};
use super::{Scenario, Stage, Told};
use crate::stories::accounts::{self, FILE, import, number};
use crate::stories::crew::Crew;
use crate::{Backend, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s45_one_bad_row",
    shows: "400 on three rows: each fails with the API's words, masked: at once if they are known as a row's fault, else after a second \
            look; the circuit stays closed and all others go on",
    in_short_set: true,
    tell,
};

/// Rows that the API will not have, as nobody else's: fewer than make a refusal everybody's.
const REFUSED: u64 = 3;

/// What would identify the refused: the API quotes all of it.
const PERSONAL: [&str; 3] = ["Zebulon", "Quandary", "@refused.example"];

fn tell(stage: &Stage) -> Result<Told> {
    let server = stage.server()?;
    let each = stage.pick(150, 3_000);
    // Words that nobody has named may be everybody's fault, so their rows are looked at a second time, behind all others.
    bad_rows(stage.world(Backend::Sqlite)?, each, 2)?;
    let mut world = stage.world(Backend::Redis(server.url()))?;
    world.set("GANGWAY__API__ROW_PHRASES", "cannot be accepted");
    bad_rows(world, each, 1)?;
    Ok(Told {
        customers: 2 * each,
        hurts: 2 * REFUSED,
        recovery: None,
        result: format!(
            "{} rows dead with the API's words and no name in them, the rest brought through",
            2 * REFUSED
        ),
    })
}

/// Each bad row is sent `looks` times.
fn bad_rows(mut world: World, good: u64, looks: u64) -> Result<()> {
    patient(&mut world);
    world.put("/_knobs", &json!({"create": {"refused_domain": "refused.example"}}))?;
    write_file(&world, good)?;
    import(&world, FILE, good + REFUSED)?;
    Crew::start(&world, 2, true)?.finish(&world)?;
    let accounts = accounts::settle(&world, good + REFUSED)?;
    same("dead", &accounts.ended("dead"), &REFUSED)?;
    same("customers at the API", &number(&accounts.audit, "/customers")?, &good)?;
    same("refused creates", &number(&accounts.audit, "/refused_creates")?, &(looks * REFUSED))?;
    same("circuit", &circuit(&world)?.0, &"closed".to_owned())?;
    the_words_are_masked(&world)?;
    nobody_waited(&world, good, looks == 1)?;
    discreet(&world, 2)
}

/// The bad rows stand in front, so that all others are still to come when the first is refused.
fn write_file(world: &World, good: u64) -> Result<()> {
    write_rows(world, FILE, "c", 0..good, "Co")?;
    let rows = read(world, FILE)?;
    let (head, good) = rows.split_once('\n').ok_or_else(|| broken("a file without a head"))?;
    let bad = |number| format!("bad-{number},z{number}@refused.example,Zebulon,Quandary,Co bad {number}\n");
    let bad: String = (0..REFUSED).map(bad).collect();
    write(world, FILE, &format!("{head}\n{bad}{good}"))
}

/// What people and programs get of the refusals.
fn the_words_are_masked(world: &World) -> Result<()> {
    let dead = world.run(&["dead", "list", "--json"])?.expect_code(0)?.stdout;
    let quoted = dead.matches("cannot be accepted").count() as u64;
    same("dead letters with the API's words", &quoted, &REFUSED)?;
    let outbox: Vec<String> = events(world)?.iter().map(Value::to_string).collect();
    write(world, "told.txt", &format!("{dead}\n{}", outbox.join("\n")))?;
    for output in ["told.txt", "worker-0.log", "worker-1.log"] {
        without(world, output, &PERSONAL)?;
    }
    Ok(())
}

/// The good rows are created whatever becomes of the bad ones; and a bad one whose words are known fails `at_once`, before
/// half of the good ones are through.
fn nobody_waited(world: &World, good: u64, at_once: bool) -> Result<()> {
    let mut created = 0;
    let mut dead_after = None;
    for event in events(world)? {
        match event["type"].as_str() {
            Some("customer.created") => created += 1,
            Some("onboarding.dead") => dead_after = Some(created),
            Some(_) | None => {}
        }
    }
    match dead_after {
        Some(before) if created == good && at_once && before > good / 2 => {
            Err(broken(format!("the last bad row died after {before} others were created")))
        }
        Some(_) if created == good => Ok(()),
        found => Err(broken(format!("{created} created; the last death after {found:?}"))),
    }
}
