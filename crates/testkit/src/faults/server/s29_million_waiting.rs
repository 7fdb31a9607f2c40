//! A great many customers who wait between two polls.

use std::time::{Duration, Instant};

use gangway_producer::sample::SampleOptions;

use super::waiting::{self, Cadence};
use crate::faults::{Scenario, Stage, Told};
use crate::redis::{Reply, Server};
use crate::stories::accounts::{self, number};
use crate::stories::crew::Crew;
use crate::stories::watch::{left, within};
use crate::{Error, Result, World};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s29_million_waiting",
    shows: "200,000 wait between two polls (shortened from a million and a day): memory stays flat, each costs the same, \
            no poll is late",
    in_short_set: false,
    tell: million_waiting,
};

/// What one who waits may take, with indexes and the server's overhead, without the events. The benchmarks hold a million
/// to 700: the indexes are shared by many then, and by fewer here, where each of these was brought through real processes,
/// which for a million would take half an hour.
const BYTES_EACH: u64 = 1_100;

/// Memory is flat within so many per cent.
const FLAT: u64 = 5;

/// And within so many bytes: what connections hold comes and goes.
const NOISE: u64 = 1 << 20;

/// A lease, and somewhat longer than one.
const LEASE: &str = "2s";
const SETTLED: Duration = Duration::from_secs(3);

/// The oldest poll that is due may be so late. A second is the aim; the rest is for other programs on the machine.
const LATE: Duration = Duration::from_secs(3);

fn million_waiting(stage: &Stage) -> Result<Told> {
    let customers: u64 = stage.pick(2_000, 200_000);
    let cadence = stage.pick(Cadence { min: "2s", max: "4s" }, Cadence { min: "60s", max: "120s" });
    let watched = Duration::from_secs(stage.pick(8, 120));
    let server = stage.server()?;
    let mut world = waiting::world(stage, &server, cadence)?;
    // Each lease call leaves a note for as long as a lease: their number is the same only after that time.
    world.set("GANGWAY__WORKER__LEASE", LEASE);
    let mut crew = Crew::start(&world, 2, false)?;
    let few = SampleOptions::clean(customers / 2, stage.seed);
    waiting::bring(&world, &mut crew, "half.csv", &few)?;
    let half = without_events(&world, &server)?;
    // The same file with as many behind: its first half is there already.
    bring_rest(&world, &mut crew, &SampleOptions { customers, ..few })?;
    let all = without_events(&world, &server)?;
    let each = all.saturating_sub(half) / (customers - customers / 2);
    if each == 0 || each > BYTES_EACH {
        return Err(Error::Broken(format!("one who waits takes {each} bytes, more than {BYTES_EACH}")));
    }
    std::thread::sleep(SETTLED);
    let calm = watch(&world, &server, &mut crew, watched)?;
    crew.stop(&world)?;
    waiting::end(&mut world, cadence, customers)?;
    accounts::nothing_personal(&world, "customers.csv", &["worker-0.log", "worker-1.log", "simulator.log"])?;
    Ok(Told {
        customers,
        hurts: 0,
        recovery: None,
        result: format!(
            "{each} bytes each; {} polls in {} s, memory within {:.1} %, none later than {} ms",
            calm.polls,
            watched.as_secs(),
            calm.spread * 100.0,
            calm.latest.as_millis()
        ),
    })
}

fn bring_rest(world: &World, crew: &mut Crew, all: &SampleOptions) -> Result<()> {
    let planted = accounts::write_sample(world, "customers.csv", all)?;
    let before = number(&world.audit()?, "/polls")?;
    world.json(&["import", "customers.csv", "--json"])?;
    within("the first look at the other half", Duration::from_mins(10), || {
        crew.must_live()?;
        let audit = world.audit()?;
        let looked = number(&audit, "/polls")? >= before + planted.customers / 2;
        Ok(looked && left(&world.status()?, "customer.create")? == 0)
    })
    .map(drop)
}

/// How the time of waiting went.
struct Calm {
    polls: u64,
    /// The largest distance from the first measure of memory, as a part of it.
    spread: f64,
    /// How late the latest poll was.
    latest: Duration,
}

fn watch(world: &World, server: &Server, crew: &mut Crew, length: Duration) -> Result<Calm> {
    let (begun, polls) = (Instant::now(), number(&world.audit()?, "/polls")?);
    let first = without_events(world, server)?;
    let (mut most, mut least, mut latest) = (first, first, Duration::ZERO);
    while begun.elapsed() < length {
        std::thread::sleep(Duration::from_millis(250));
        let now = without_events(world, server)?;
        (most, least) = (most.max(now), least.min(now));
        latest = latest.max(late(world, server)?);
        crew.must_live()?;
    }
    let polls = number(&world.audit()?, "/polls")? - polls;
    let flat = NOISE.max(first * FLAT / 100);
    if most > first + flat || least + flat < first {
        return Err(Error::Broken(format!("memory was {first} bytes, then between {least} and {most}")));
    }
    if latest > LATE || polls == 0 {
        return Err(Error::Broken(format!("{polls} polls, one of them {} ms late", latest.as_millis())));
    }
    #[expect(clippy::cast_precision_loss, reason = "bytes of one machine's memory")]
    let spread = (most - first).max(first - least) as f64 / first as f64;
    Ok(Calm { polls, spread, latest })
}

/// Bytes in use but for the outbox, which is kept until its events are acknowledged and old.
fn without_events(world: &World, server: &Server) -> Result<u64> {
    let outbox = key(world, "outbox");
    let answer = server.command(&["MEMORY", "USAGE", &outbox, "SAMPLES", "0"])?;
    let outbox = answer.integer().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default();
    Ok(server.used_memory()?.saturating_sub(outbox))
}

/// How long the poll that has waited longest is due already.
fn late(world: &World, server: &Server) -> Result<Duration> {
    let mut connection = server.connect()?;
    let mut latest = Duration::ZERO;
    // The lanes of polls: two plain ones, two of the parked.
    for lane in 8..12 {
        let first =
            connection.command(&["ZRANGE", &key(world, &format!("due:{lane}")), "0", "0", "WITHSCORES"])?;
        let time = connection.command(&["TIME"])?;
        let [seconds, micros] = time.items() else {
            return Err(Error::Broken(format!("redis told {time:?} as the time")));
        };
        let now = number_of(seconds)? * 1_000 + number_of(micros)? / 1_000;
        if let Some(due) = first.items().get(1) {
            latest = latest.max(Duration::from_millis(now.saturating_sub(number_of(due)?)));
        }
    }
    Ok(latest)
}

fn number_of(reply: &Reply) -> Result<u64> {
    reply.text().parse().map_err(|_no_number| Error::Broken(format!("redis told {reply:?} as a number")))
}

fn key(world: &World, name: &str) -> String {
    format!("{{{}}}:{name}", world.namespace().unwrap_or_default())
}
