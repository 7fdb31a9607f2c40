//! Dead letters by the thousand are put back while only half of their cause is mended.

use serde_json::{Value, json};

use super::{LONGEST, at, bury_without_room, creates, events, make_room};
use crate::faults::{Scenario, Stage, Told};
use crate::redis::Server;
use crate::stories::accounts::{self, Accounts, number, take_in};
use crate::stories::crew::Crew;
use crate::stories::logs;
use crate::stories::watch::within;
use crate::{Error, Process, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s58_redrive",
    shows: "all dead letters are put back under running workers while half of the cause is mended: each runs once more, half \
            come through, the rest are dead letters again, with their history",
    in_short_set: true,
    tell,
};

/// Of one that was refused, put back, looked up under the key that was refused, and refused under the next.
const TIMELINE: [&str; 5] = ["accepted", "dead", "round 2", "dead", "next generation of the key"];

const LOGS: [&str; 2] = ["worker-0.log", "worker-1.log"];

fn tell(stage: &Stage) -> Result<Told> {
    let (customers, room) = stage.pick((2_400, 1_200), (20_000, 10_000));
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    bury_without_room(&mut world);
    logs::log_attempts(&mut world);
    approve_at_once(&world)?;
    make_room(&world, 0)?;
    take_in(&world, customers, stage.seed)?;
    Crew::start(&world, LOGS.len(), true)?.finish(&world)?;
    same("dead before", &at(&world, &["dead"])?, &customers)?;
    let before = creates(&events(&world, &LOGS)?);

    make_room(&world, room)?;
    let mut crew = Crew::start(&world, LOGS.len(), false)?;
    within("the workers", LONGEST, || {
        Ok(world.status()?["workers"].as_array().map_or(0, Vec::len) == LOGS.len())
    })?;
    let pressed = press_slowly(&world, &server, customers, room)?;
    within("an end of each that was put back", LONGEST, || {
        crew.must_live()?;
        Ok(at(&world, &["approved", "dead"])? == customers)
    })?;
    crew.stop(&world)?;

    same("put back by one press", &number(&pressed, "/redriven")?, &customers)?;
    same("creates that ran after it", &(creates(&events(&world, &LOGS)?) - before), &customers)?;
    let accounts = accounts::settle(&world, customers)?;
    same("approved", &accounts.ended("approved"), &room)?;
    same("dead again", &accounts.ended("dead"), &(customers - room))?;
    history_is_kept(&world, &accounts)?;
    accounts::nothing_personal(&world, "customers.csv", &LOGS)?;
    Ok(Told {
        customers,
        hurts: customers,
        recovery: None,
        result: format!(
            "{customers} put back by one press, each ran once; {room} approved, {} dead again with their history",
            customers - room
        ),
    })
}

/// Presses the button, and lets the press stand still when it has put back more than there is room for: until some of those
/// are dead again, while others are not put back yet. A press that was quicker than that is one all the same.
fn press_slowly(world: &World, server: &Server, customers: u64, room: u64) -> Result<Value> {
    let refused = || number(&world.audit()?, "/refused_creates");
    let before = refused()?;
    let mut command = world.command(&["dead", "redrive", "--all", "--json"]);
    let (answer, log) = (world.path("press.json"), world.path("press.log"));
    let mut press = Process::start_telling(&mut command, &answer, &log)?;
    let mut connection = server.connect()?;
    let dead = format!("{{{}}}:dead", world.namespace().unwrap_or_default());
    // Asked of the server itself, and without a pause: the press takes a second.
    while press.ended()?.is_none() {
        let left = connection.command(&["ZCARD", &dead])?.integer().and_then(|left| u64::try_from(left).ok());
        if left.is_some_and(|left| left < customers - room - 100) {
            press.signal("STOP")?;
            break;
        }
    }
    if press.ended()?.is_none() {
        within("some that are dead again", LONGEST, || Ok(refused()? > before + 50))?;
        press.signal("CONT")?;
    }
    same("the end of the press", &press.wait_at_most(LONGEST)?.code(), &Some(0))?;
    let told = std::fs::read_to_string(&answer).unwrap_or_default();
    serde_json::from_str(&told).map_err(|_not_json| Error::Broken(format!("the press said {told:?}")))
}

/// What comes after the create is no part of this: users and compliance take no time.
fn approve_at_once(world: &World) -> Result<()> {
    let at_once = json!({"min_s": 0.0, "max_s": 0.0});
    let mut lifecycle = json!({"pending_response": 0.0, "rejected": 0.0});
    for span in ["opens_after", "fills_in", "pending_review", "under_review"] {
        lifecycle[span] = at_once.clone();
    }
    world.put("/_knobs", &json!({"lifecycle": lifecycle})).map(drop)
}

/// Each letter says why, and each onboarding when it died, was put back, and died again.
fn history_is_kept(world: &World, accounts: &Accounts) -> Result<()> {
    let dead = accounts.ended("dead");
    let listed = world.json(&["dead", "list", "--json", "--limit", &(dead + 1).to_string()])?;
    let letters: &[Value] = listed["dead"].as_array().map_or(&[], Vec::as_slice);
    same("dead letters", &(letters.len() as u64), &dead)?;
    let unclear = letters.iter().filter(|letter| letter["code"] != "email_taken" || letter["attempts"] != 1);
    same("dead letters that do not say why", &unclear.count(), &0)?;
    // Some twenty of them: each is asked for by a process of its own.
    for letter in letters.iter().step_by(letters.len().div_ceil(20).max(1)) {
        let id = letter["onboarding"].as_str().unwrap_or_default();
        let shown = world.json(&["show", id, "--json"])?;
        let changes = shown["timeline"].as_array().into_iter().flatten();
        let told: Vec<&str> = changes.filter_map(|change| change["what"].as_str()).collect();
        same(&format!("the timeline of {id}"), &told.as_slice(), &TIMELINE.as_slice())?;
    }
    Ok(())
}
