//! A server that is set up so that it can lose jobs: refused at the start, told of when it comes about later.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use gangway_producer::sample::SampleOptions;

use crate::faults::{Scenario, Stage, Told};
use crate::redis::{Fsync, Options, Server};
use crate::stories::accounts;
use crate::stories::crew::Crew;
use crate::stories::kills::finish;
use crate::stories::logs::{self, Follow};
use crate::stories::watch::wait_until;
use crate::{Backend, Error, Finished, Process, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s24_unsafe_policy",
    shows: "a server that evicts keys, or writes no log of commands, is refused; made so at run time, it raises an alert within 30 s",
    in_short_set: true,
    tell: unsafe_policy,
};

/// An alert may come so late.
const ALERT: Duration = Duration::from_secs(30);

/// Room for all that is done here: eviction is a danger only where memory has a limit.
const MAXMEMORY: u64 = 1 << 30;

fn unsafe_policy(stage: &Stage) -> Result<Told> {
    let clean = SampleOptions::clean(stage.pick(80, 1_000), stage.seed);
    let refused = refuse_all(stage, &clean)?;

    let server = Server::start(&safe())?;
    let mut world = stage.world_on(&server)?;
    logs::log_attempts(&mut world);
    // There shall be work at the moment of each change.
    world.set("GANGWAY__API__RATE_PER_SECOND", &stage.pick(60, 400).to_string());
    let customers = accounts::write_sample(&world, "customers.csv", &clean)?.customers;
    world.json(&["import", "customers.csv", "--json"])?;
    let mut crew = Crew::start(&world, 2, false)?;
    let mut alerts = Alerts::new(&world);
    wait_until(|| Ok(accounts::number(&world.audit()?, "/customers")? > 0))?;
    // A watch compares with what it found first, which is right behind the start.
    std::thread::sleep(Duration::from_secs(2));
    alerts.none_yet()?;
    let alert = endanger(&server, &mut alerts, &mut crew)?;
    let mended = mend(&server, &mut alerts, stage.pick(false, true))?;
    crew.stop(&world)?;
    world.set("GANGWAY__API__RATE_PER_SECOND", "5000");
    finish(&world)?;
    close(&world, customers)?;
    Ok(Told {
        customers,
        hurts: refused + 2,
        recovery: mended,
        result: format!(
            "{refused} starts refused with code 2; each of 2 workers told of both changes within {:.0} s, and went on",
            alert.as_secs_f64()
        ),
    })
}

fn safe() -> Options {
    Options { appendonly: Some(Fsync::EverySec), maxmemory: Some(MAXMEMORY), ..Options::default() }
}

/// Each way to be unsafe, and what a person is told of it; answers how many starts were refused.
fn refuse_all(stage: &Stage, clean: &SampleOptions) -> Result<u64> {
    let set_up = [
        (
            safe().with("maxmemory-policy", "allkeys-lru"),
            ["redis_eviction", "maxmemory-policy is allkeys-lru"],
        ),
        (Options { appendonly: None, ..safe() }, ["redis_persistence", "no append-only file"]),
        (
            Options { appendonly: Some(Fsync::No), ..safe() },
            ["redis_persistence", "whenever the system likes to"],
        ),
    ];
    let mut refused = 0;
    for (options, words) in &set_up {
        let server = Server::start(options)?;
        let mut world = stage.world(Backend::Redis(server.url()))?;
        accounts::write_sample(&world, "customers.csv", clean)?;
        for command in [&["worker"][..], &["import", "customers.csv"]] {
            refuses(&world, command, words)?;
            refused += 1;
        }
        same("keys at a server that was refused", &server.command(&["DBSIZE"])?.integer(), &Some(0))?;
        accepted_if_asked(&mut world)?;
    }
    Ok(refused)
}

/// It ends at once, with code 2 and one sentence a danger, which names the remedy.
fn refuses(world: &World, command: &[&str], words: &[&str]) -> Result<()> {
    let log = format!("refused-{}.log", command[0]);
    let mut process: Process = world.start(command, &log)?;
    let code = process.wait_at_most(Duration::from_secs(20))?.code();
    let stderr = std::fs::read_to_string(world.path(&log)).unwrap_or_default();
    let ended = Finished { name: command.join(" "), code, stdout: String::new(), stderr };
    let ended = ended.expect_code(2)?;
    ended.expect_words(words)?;
    ended.expect_words(&["Remedy", "CONFIG SET", "store.durability"])
}

/// Who does not mind says so, and is only warned.
fn accepted_if_asked(world: &mut World) -> Result<()> {
    world.set("GANGWAY__STORE__DURABILITY", "best-effort");
    let imported = world.run(&["import", "customers.csv"])?.expect_code(0)?;
    imported.expect_words(&["can lose jobs"])
}

/// Makes the server unsafe under the workers; answers how long it took until each had told of both changes.
fn endanger(server: &Server, alerts: &mut Alerts, crew: &mut Crew) -> Result<Duration> {
    let begun = Instant::now();
    server.configure("maxmemory-policy", "allkeys-lru")?;
    server.configure("appendonly", "no")?;
    alerts.wait(CHANGED, &["redis_eviction", "redis_persistence"], begun)?;
    crew.must_live()?;
    Ok(begun.elapsed())
}

/// Makes it safe again; if asked, waits for the word that it is.
fn mend(server: &Server, alerts: &mut Alerts, wait: bool) -> Result<Option<Duration>> {
    let begun = Instant::now();
    server.configure("maxmemory-policy", "noeviction")?;
    server.configure("appendonly", "yes")?;
    if !wait {
        return Ok(None);
    }
    alerts.wait(MENDED, &["redis_eviction", "redis_persistence"], begun)?;
    Ok(Some(begun.elapsed()))
}

const CHANGED: (&str, &str) = ("ERROR", "the store's server has changed and can lose jobs or not work");
const MENDED: (&str, &str) = ("INFO", "the store's server is mended");

/// The logs of both workers.
struct Alerts {
    logs: [Follow; 2],
}

impl Alerts {
    fn new(world: &World) -> Self {
        Self { logs: [0, 1].map(|worker| Follow::new(world, &format!("worker-{worker}.log"))) }
    }

    fn none_yet(&mut self) -> Result<()> {
        for log in &mut self.logs {
            let alerts = log.lines()?.iter().filter(|line| logs::says(line, CHANGED.1)).count();
            same("alerts before anything was changed", &alerts, &0)?;
        }
        Ok(())
    }

    /// Until each worker has said it of each check.
    fn wait(&mut self, said: (&str, &str), checks: &[&str], begun: Instant) -> Result<()> {
        let mut missing: BTreeSet<(usize, String)> =
            (0..2).flat_map(|worker| checks.iter().map(move |check| (worker, (*check).to_owned()))).collect();
        loop {
            for (worker, log) in self.logs.iter_mut().enumerate() {
                for line in
                    log.lines()?.iter().filter(|line| logs::says(line, said.1) && line["level"] == said.0)
                {
                    missing.remove(&(worker, line["check"].as_str().unwrap_or_default().to_owned()));
                }
            }
            if missing.is_empty() {
                return Ok(());
            }
            if begun.elapsed() > ALERT {
                return Err(Error::Broken(format!(
                    "after {} s workers had not said {:?} of {missing:?}",
                    ALERT.as_secs(),
                    said.1
                )));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn close(world: &World, customers: u64) -> Result<()> {
    let accounts = accounts::settle(world, customers)?;
    same("dead", &accounts.ended("dead"), &0)?;
    let logs = ["worker.log", "worker-0.log", "worker-1.log", "simulator.log"];
    accounts::nothing_personal(world, "customers.csv", &logs)
}
