//! A great many polls due at one instant, and customers who come at that moment.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gangway_producer::sample::SampleOptions;
use serde_json::{Value, json};

use super::waiting::{self, Cadence};
use crate::faults::{Scenario, Stage, Told};
use crate::redis::{Connection, Server};
use crate::stories::accounts::{self, number};
use crate::stories::crew::Crew;
use crate::stories::stampede::{favour, scripts_within};
use crate::stories::watch::{ended, in_time, left, within};
use crate::{Error, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s28_stampede",
    shows: "200,000 polls due at one instant, and creates beside them: no script keeps the server, creates get their share, \
            each is polled once",
    in_short_set: false,
    tell: stampede,
};

/// Whoever is polled after this time has waited for too long, and ends: so one poll each is all there is to do.
const CADENCE: Cadence = Cadence { min: "1s", max: "2s" };

/// Of a hundred scripts 99 take less by the wall; of a thousand, 999 on a machine that does nothing else, which is told
/// and not judged: where other programs have the processors, the server itself is stopped in the middle of its scripts.
const SCRIPT: Duration = Duration::from_millis(5);

/// The same for other commands: they are answered within 50 ms where nothing else runs, and within this time anywhere.
const ANSWER: Duration = Duration::from_millis(250);

/// What creates must have of the calls, at least.
const SHARE: f64 = 0.2;

/// How many, and how fast.
#[derive(Clone, Copy)]
struct Crowd {
    polls: u64,
    creates: u64,
    rate: u64,
    seed: u64,
}

fn stampede(stage: &Stage) -> Result<Told> {
    let crowd = Crowd {
        polls: stage.pick(2_000, 200_000),
        creates: stage.pick(400, 20_000),
        rate: stage.pick(800, 8_000),
        seed: stage.seed,
    };
    let server = stage.server()?;
    let mut world = set_up(stage, &server, crowd)?;
    let mut crew = Crew::start(&world, 2, false)?;
    gather(&world, &mut crew, crowd)?;
    favour(&server)?;
    server.command(&["CONFIG", "RESETSTAT"])?;
    let (rush, answers) = watched(&server, || rush(&world, &mut crew, crowd))?;
    let (most, nearly_all) = (scripts_within(&server, "p99")?, scripts_within(&server, "p99.9")?);
    in_time("99 % of all scripts", most, SCRIPT)?;
    in_time("99 % of other commands", answers, ANSWER)?;
    polled_once(&world, crowd)?;
    let all = crowd.polls + crowd.creates;
    within("the end of all", Duration::from_mins(3), || Ok(ended(&world.status()?) == all))?;
    same("ends that were refused", &crew.stop(&world)?.iter().map(|counts| counts.lost).sum(), &0)?;
    close(&mut world, all)?;
    Ok(Told {
        customers: all,
        hurts: 1,
        recovery: None,
        result: format!(
            "done in {:.0} s; 99 % of scripts within {:.1} ms, 99.9 % within {:.1} ms, 99 % of other commands within \
             {:.1} ms; creates had {:.0} % of the calls while they waited; the API never said 429",
            rush.took.as_secs_f64(),
            most.as_secs_f64() * 1e3,
            nearly_all.as_secs_f64() * 1e3,
            answers.as_secs_f64() * 1e3,
            rush.creates * 100.0
        ),
    })
}

/// The API lets through what the program may send: two seconds' worth at once, and as much again that was on its way.
fn set_up(stage: &Stage, server: &Server, crowd: Crowd) -> Result<World> {
    let mut world = waiting::world(stage, server, CADENCE)?;
    world.set("GANGWAY__POLL__GIVE_UP_AFTER", CADENCE.max);
    world.set("GANGWAY__API__RATE_PER_SECOND", &crowd.rate.to_string());
    let limit = json!({"per_second": crowd.rate, "burst": crowd.rate * 4});
    world.put("/_knobs", &json!({"limits": {"rate": limit}}))?;
    Ok(world)
}

/// Creates all who will be polled, while polls are paused; then pauses creates too, and takes some more in.
fn gather(world: &World, crew: &mut Crew, crowd: Crowd) -> Result<()> {
    write_files(world, crowd)?;
    // A worker makes it.
    within("the store", Duration::from_secs(20), || Ok(world.run(&["status"])?.code == Some(0)))?;
    world.json(&["queue", "pause", "status.poll", "--json"])?;
    let imported = world.json(&["import", "first.csv", "--json"])?;
    same("rows taken in", &number(&imported, "/enqueued")?, &crowd.polls)?;
    within("the creation of all", Duration::from_mins(10), || {
        crew.must_live()?;
        Ok(left(&world.status()?, "customer.create")? == 0)
    })?;
    world.json(&["queue", "pause", "--json"])?;
    let imported = world.json(&["import", "late.csv", "--json"])?;
    same("rows taken in beside those", &number(&imported, "/enqueued")?, &crowd.creates)?;
    // So long ago was the youngest created that its poll is its last.
    std::thread::sleep(Duration::from_millis(2_500));
    let status = world.status()?;
    same("polls before the instant", &number(&world.audit()?, "/polls")?, &0)?;
    same("polls that are due", &number(&status, "/jobs/status.poll/available")?, &crowd.polls)?;
    same("creates that are due", &number(&status, "/jobs/customer.create/available")?, &crowd.creates)
}

/// `customers.csv` with all, `first.csv` with those who will be polled, `late.csv` with the others.
fn write_files(world: &World, crowd: Crowd) -> Result<()> {
    let all = SampleOptions::clean(crowd.polls + crowd.creates, crowd.seed);
    accounts::write_sample(world, "customers.csv", &all)?;
    accounts::write_sample(world, "first.csv", &SampleOptions { customers: crowd.polls, ..all })?;
    let io = |source| Error::Io { action: "write the file of those who come late".to_owned(), source };
    let text = std::fs::read_to_string(world.path("customers.csv")).map_err(io)?;
    let first = usize::try_from(crowd.polls).unwrap_or(usize::MAX);
    let lines = text.split_inclusive('\n').enumerate();
    let late: String = lines.filter(|(row, _)| *row == 0 || *row > first).map(|(_, line)| line).collect();
    std::fs::write(world.path("late.csv"), late).map_err(io)
}

/// What was seen of the rush.
struct Rush {
    took: Duration,
    /// The creates' largest part of all calls so far.
    creates: f64,
}

fn rush(world: &World, crew: &mut Crew, crowd: Crowd) -> Result<Rush> {
    let (begun, mut creates) = (Instant::now(), 0.0_f64);
    world.json(&["queue", "resume", "--json"])?;
    loop {
        crew.must_live()?;
        let (status, audit) = (world.status()?, world.audit()?);
        creates = creates.max(share_of_creates(&audit, crowd)?);
        if ended(&status) >= crowd.polls && left(&status, "customer.create")? == 0 {
            let took = begun.elapsed();
            return if creates < SHARE { Err(starved(creates)) } else { Ok(Rush { took, creates }) };
        }
        if begun.elapsed() > Duration::from_mins(10) {
            return Err(Error::Broken(format!("after 10 min this was left: {status}")));
        }
    }
}

/// The creates' part of the calls so far, once half of them were made. If they came behind all polls, it would never be
/// more than a sixth; and it falls again when there are none left.
fn share_of_creates(audit: &Value, crowd: Crowd) -> Result<f64> {
    let creates = number(audit, "/customers")?.saturating_sub(crowd.polls);
    let polls = number(audit, "/polls")?;
    if creates < crowd.creates / 2 {
        return Ok(0.0);
    }
    #[expect(clippy::cast_precision_loss, reason = "some hundred thousand at most")]
    let share = creates as f64 / (creates + polls) as f64;
    Ok(share)
}

fn starved(share: f64) -> Error {
    Error::Broken(format!("creates had {:.0} % of the calls at most while polls were due", share * 100.0))
}

/// Those who were there at the instant were looked at once; who came later was looked at until the end.
fn polled_once(world: &World, crowd: Crowd) -> Result<()> {
    let audit = world.get("/_audit?full=1")?;
    same("answers of 429", &number(&audit, "/rate_limited")?, &0)?;
    let ids = audit.pointer("/full/customer_ids").and_then(Value::as_array).cloned().unwrap_or_default();
    let polls = &audit["full"]["polls_per_customer"];
    let first = usize::try_from(crowd.polls).unwrap_or(usize::MAX);
    let once = ids.iter().take(first).filter(|id| polls[id.as_str().unwrap_or_default()] == 1).count();
    same("customers polled once", &(once as u64), &crowd.polls)
}

/// Does something, and asks the server for a small thing all the time meanwhile; answers how long 99 % of these took.
fn watched<T>(server: &Server, work: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let (mut connection, done) = (server.connect()?, AtomicBool::new(false));
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask(&mut connection, &done));
        let worked = work();
        done.store(true, Ordering::Relaxed);
        let times = asking.join().map_err(|_panic| Error::Broken("the asking thread panicked".to_owned()))?;
        Ok((worked?, percentile(times?)))
    })
}

fn ask(connection: &mut Connection, done: &AtomicBool) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    while !done.load(Ordering::Relaxed) {
        let begun = Instant::now();
        connection.command(&["EXISTS", "nothing"])?;
        times.push(begun.elapsed());
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(times)
}

fn percentile(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() * 99 / 100).copied().unwrap_or_default()
}

fn close(world: &mut World, customers: u64) -> Result<()> {
    let accounts = accounts::settle(world, customers)?;
    same("expired", &accounts.ended("expired"), &customers)?;
    same("customers at the API", &number(&accounts.audit, "/customers")?, &customers)?;
    accounts::nothing_personal(world, "customers.csv", &["worker-0.log", "worker-1.log", "simulator.log"])
}
