//! Clocks that are wrong and jump: first that of one worker, then that of the server.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::shifted_clock::ShiftedClock;
use super::{LONGEST, events, nothing_was_taken_back};
use crate::faults::{Scenario, Stage, Told};
use crate::process::Process;
use crate::redis::{Fsync, Options, Server};
use crate::stories::accounts::{self, number, take_in};
use crate::stories::crew::{Counts, Crew};
use crate::stories::logs;
use crate::stories::watch::{calls, within};
use crate::{Error, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s59_clock_jumps",
    shows: "one worker's clock jumps between 10 minutes fast and slow, then the server's 10 minutes ahead and 3 seconds back: no \
            lease is taken from anybody, nothing is polled before its time",
    in_short_set: true,
    tell,
};

const LOGS: [&str; 3] = ["worker-0.log", "worker-1.log", "worker-2.log"];

/// The worker whose clock is wrong.
const WRONG: usize = 2;

const TEN_MINUTES: i64 = 600;

/// How far the server's clock is set back. All that waits does so for as much longer: the store's time stands still until the
/// server's has come so far again.
const BACK: i64 = 3;

const LEASE: Duration = Duration::from_secs(1);

/// How large it is.
#[derive(Clone, Copy)]
struct Size {
    customers: u64,
    /// How often the worker's clock is set.
    jumps: u32,
    /// Between two polls of a customer.
    interval: Duration,
}

fn tell(stage: &Stage) -> Result<Told> {
    let short = Size { customers: 60, jumps: 8, interval: Duration::from_secs(1) };
    let full = Size { customers: 500, jumps: 30, interval: Duration::from_secs(5) };
    let size = stage.pick(short, full);
    let worked = under_a_wrong_worker(stage, size)?;
    let recovery = under_a_wrong_server(stage, size)?;
    Ok(Told {
        customers: 2 * size.customers,
        hurts: u64::from(size.jumps) + 2,
        recovery: Some(recovery),
        result: format!(
            "the worker's clock was set {} times and it ended {worked} attempts so; no lease taken back, no early poll, no \
             attempt spent",
            size.jumps
        ),
    })
}

/// One of three workers has a wrong clock. Answers how many attempts it ended while that jumped.
fn under_a_wrong_worker(stage: &Stage, size: Size) -> Result<usize> {
    let server = stage.server()?;
    let mut world = stage.world_on(&server)?;
    set_up(&mut world, size)?;
    take_in(&world, size.customers, stage.seed)?;
    let begun = Polls::now(&world)?;
    let clock = ShiftedClock::new()?;
    clock.shift(-TEN_MINUTES)?;
    let crew = Crew::start(&world, WRONG, true)?;
    let mut wrong = start_under(&clock, &world)?;

    // The API knows signatures by their time: it lets the others in, and they do the work.
    within("a refusal of its signature, and customers all the same", LONGEST, || {
        let audit = world.audit()?;
        Ok(number(&audit, "/unauthorized")? > 0 && number(&audit, "/customers")? == size.customers)
    })?;
    same("attempts that it could end", &ended_by_it(&world)?, &0)?;
    clock.shift(0)?;
    within("work of the worker whose clock was mended", LONGEST, || Ok(ended_by_it(&world)? > 0))?;
    // From here on the API does not look at the time, so that the worker works while its clock jumps.
    world.put("/_knobs", &json!({"auth": {"skew_s": 86_400}}))?;
    begun.wait_for_more(&world, size, 1)?;
    let (before, polls) = (ended_by_it(&world)?, Polls::now(&world)?);
    for jump in 0..size.jumps {
        clock.shift(if jump % 2 == 0 { TEN_MINUTES } else { -TEN_MINUTES })?;
        std::thread::sleep(LEASE.mul_f64(0.7));
    }
    // Ten minutes late would be as wrong as early.
    polls.none_was_early(&world, size, 0)?;
    polls.wait_for_more(&world, size, 1)?;
    let worked = ended_by_it(&world)? - before;
    if worked < 10 {
        return Err(Error::Broken(format!(
            "it ended {worked} attempts meanwhile: too few to prove anything"
        )));
    }
    let_users_act(&world)?;
    crew.finish(&world)?;
    same("its end", &wrong.wait_at_most(LONGEST)?.code(), &Some(0))?;
    close(&world, size, &LOGS)?;
    Ok(worked)
}

/// The server has a wrong clock. Answers how long nobody called after it was set back.
fn under_a_wrong_server(stage: &Stage, size: Size) -> Result<Duration> {
    let clock = ShiftedClock::new()?;
    let environment = clock.environment().into();
    let options = Options { appendonly: Some(Fsync::EverySec), environment, ..Options::default() };
    let server = Server::start(&options)?;
    let mut world = stage.world_on(&server)?;
    set_up(&mut world, size)?;
    take_in(&world, size.customers, stage.seed)?;
    let begun = Polls::now(&world)?;
    let mut crew = Crew::start(&world, WRONG, true)?;
    begun.wait_for_more(&world, size, 1)?;
    within("jobs that are held", LONGEST, || Ok(leases(&world)? > 0))?;
    let (polls, told) = (Polls::now(&world)?, server_time(&server)?);
    clock.shift(TEN_MINUTES)?;
    let ahead = server_time(&server)? - told;
    if ahead < TEN_MINUTES {
        return Err(Error::Broken(format!("the server's clock went on by {ahead} s only")));
    }
    // Whatever waited was due at once, when ten minutes were gone.
    polls.wait_for_more(&world, size, 1)?;
    within("jobs that are held", LONGEST, || Ok(leases(&world)? > 0))?;
    clock.shift(TEN_MINUTES - BACK)?;
    // What was held is done now, and then only what is due by a time that stands still.
    std::thread::sleep(LEASE);
    let before = calls(&world)?;
    let limit = Duration::from_secs(BACK.unsigned_abs()) + size.interval + LEASE + Duration::from_secs(5);
    let silent =
        within("a call after the server's clock was set back", limit, || Ok(calls(&world)? > before))?;
    crew.must_live()?;
    polls.none_was_early(&world, size, 1)?;
    let_users_act(&world)?;
    crew.finish(&world)?;
    close(&world, size, &LOGS[..WRONG])?;
    Ok(silent + LEASE)
}

/// Polls at one interval and no other; calls that take up to a lease, so that leases are renewed; forms that nobody touches.
fn set_up(world: &mut World, size: Size) -> Result<()> {
    let interval = format!("{}ms", size.interval.as_millis());
    for (name, value) in [
        ("GANGWAY__POLL__MIN_INTERVAL", interval.as_str()),
        ("GANGWAY__POLL__MAX_INTERVAL", &interval),
        ("GANGWAY__WORKER__CONCURRENCY", "48"),
        ("GANGWAY__WORKER__LEASE", "1s"),
        ("GANGWAY__WORKER__GRACE", "6s"),
        ("GANGWAY__WORKER__JOB_TIMEOUT", "8s"),
        ("GANGWAY__API__TIMEOUT", "3s"),
    ] {
        world.set(name, value);
    }
    logs::log_attempts(world);
    world.put("/_clock", &json!({"speed": 0.001}))?;
    world
        .put("/_faults", &json!({"latency": {"kind": "uniform", "min_ms": 50.0, "max_ms": 1_000.0}}))
        .map(drop)
}

fn let_users_act(world: &World) -> Result<()> {
    world.put("/_clock", &json!({"speed": 20_000})).map(drop)
}

fn start_under(clock: &ShiftedClock, world: &World) -> Result<Process> {
    let mut command: Command = world.command(&["worker", "--until-idle", "--json"]);
    command.envs(clock.environment());
    let name = |end| world.path(&format!("worker-{WRONG}.{end}"));
    Process::start_telling(&mut command, &name("json"), &name("log"))
}

/// Attempts that the worker with the wrong clock has ended; those that it had to give back are none.
fn ended_by_it(world: &World) -> Result<usize> {
    let ended = |event: &&Value| {
        logs::finished_attempt(event).is_some() && event["job.outcome"].as_str() != Some("give_back")
    };
    Ok(events(world, &LOGS[WRONG..])?.iter().filter(ended).count())
}

/// How often each customer was polled until a moment.
struct Polls {
    at: Instant,
    by_customer: BTreeMap<String, u64>,
}

impl Polls {
    fn now(world: &World) -> Result<Self> {
        let at = Instant::now();
        let audit = world.get("/_audit?full=1")?;
        let polls = audit.pointer("/full/polls_per_customer").and_then(Value::as_object);
        let count = |(id, count): (&String, &Value)| Some((id.clone(), count.as_u64()?));
        Ok(Self { at, by_customer: polls.into_iter().flatten().filter_map(count).collect() })
    }

    /// Waits until everybody was polled so often more.
    fn wait_for_more(&self, world: &World, size: Size, more: u64) -> Result<()> {
        let waited = within("polls of all customers", LONGEST, || {
            let since = self.since(world)?;
            Ok(since.len() as u64 == size.customers && since.iter().all(|count| *count >= more))
        });
        waited.map(drop)
    }

    /// Fails if somebody was polled more often since then than the interval allows.
    fn none_was_early(&self, world: &World, size: Size, jumps: u64) -> Result<()> {
        let highest = self.since(world)?.into_iter().max().unwrap_or_default();
        let intervals = self.at.elapsed().as_millis() / size.interval.as_millis();
        // One that was due then, and one more for each time that the store's own clock went ahead.
        let most = u64::try_from(intervals).unwrap_or(u64::MAX) + 1 + jumps;
        if highest > most {
            return Err(Error::Broken(format!("somebody was polled {highest} times where {most} were due")));
        }
        Ok(())
    }

    fn since(&self, world: &World) -> Result<Vec<u64>> {
        let before = |id| self.by_customer.get(id).copied().unwrap_or_default();
        Ok(Self::now(world)?.by_customer.iter().map(|(id, count)| count - before(id)).collect())
    }
}

fn leases(world: &World) -> Result<u64> {
    let status = world.status()?;
    status["workers"].as_array().into_iter().flatten().map(|worker| number(worker, "/leases")).sum()
}

/// Seconds since 1970, as the server says.
fn server_time(server: &Server) -> Result<i64> {
    let time = server.command(&["TIME"])?;
    let seconds = time.items().first().and_then(crate::redis::Reply::integer);
    seconds.ok_or_else(|| Error::Broken(format!("redis told the time as {time:?}")))
}

fn close(world: &World, size: Size, logs: &[&str]) -> Result<()> {
    nothing_was_taken_back(&events(world, logs)?)?;
    for worker in 0..logs.len() {
        let counts = Counts::of(world, worker)?;
        same(&format!("ends of worker {worker} that were refused"), &counts.lost, &0)?;
        same(&format!("attempts of worker {worker} that failed"), &counts.retried, &0)?;
    }
    let accounts = accounts::settle(world, size.customers)?;
    same("customers at the API", &number(&accounts.audit, "/customers")?, &size.customers)?;
    same("dead", &accounts.ended("dead"), &0)?;
    accounts::nothing_personal(world, "customers.csv", logs)
}
