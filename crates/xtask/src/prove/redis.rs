//! The proofs on Redis: each starts servers of its own.

use std::path::Path;
use std::time::Duration;

use gangway_testkit::redis::{Cluster, Fsync, Options, Sentinels, Server, Slow};
use gangway_testkit::stories::failover::{self, Moved};
use gangway_testkit::stories::frozen::{self, Rescued};
use gangway_testkit::stories::lost_second::{self, Loss};
use gangway_testkit::stories::stampede::{self, Held};
use gangway_testkit::stories::{fleet, kills, outage, refusals, repeats};
use gangway_testkit::{Backend, Error, Result, World};

use super::Proof;

/// In the order in which they are proved.
pub(super) const PROOFS: [Proof; 15] = [
    Proof { name: "fleet", shows: "4 workers on one Redis, 20,000 customers, a hostile API", run: a_fleet },
    Proof { name: "rescue", shows: "one of two workers killed: its jobs run again in time", run: rescue },
    Proof {
        name: "frozen",
        shows: "a worker frozen past its leases: its late ends are refused",
        run: freeze,
    },
    Proof { name: "outage", shows: "Redis away for 0, 8 and 60 s costs nothing", run: away },
    Proof {
        name: "lost-second",
        shows: "a crash takes Redis's last moments, and the import",
        run: |binary| lost(binary, true),
    },
    Proof {
        name: "unnoticed-loss",
        shows: "the same under an import that goes on; a second run mends it",
        run: |binary| lost(binary, false),
    },
    Proof {
        name: "stampede",
        shows: "200,000 jobs due at once: steady, scripts within 5 ms",
        run: many_at_once,
    },
    Proof { name: "sentinel", shows: "a failover in the middle of 1,000 customers", run: sentinel },
    Proof { name: "cluster", shows: "the slot of 1,000 customers moves in the middle", run: cluster },
    Proof {
        name: "redis-kills",
        shows: "a worker killed at 50 random instants, 2,000 customers, on Redis",
        run: killed,
    },
    Proof {
        name: "redis-lost",
        shows: "all keys deleted in the middle, the file imported again",
        run: emptied,
    },
    Proof {
        name: "redis-repeats",
        shows: "a file imported twice at once, again, and after pruning",
        run: repeated,
    },
    Proof { name: "redis-taken", shows: "500 taken e-mails, buried one by one, on Redis", run: taken },
    Proof { name: "redis-quota", shows: "a quota raised later buries nobody, on Redis", run: quota },
    Proof {
        name: "redis-late",
        shows: "creates that take effect 90 s after they timed out, on Redis",
        run: late,
    },
];

/// As `docs/deploy.md` asks for one: with a log of commands, written to disk each second.
fn options() -> Options {
    Options { appendonly: Some(Fsync::EverySec), ..Options::default() }
}

fn server() -> Result<Server> {
    Server::start(&options())
}

fn world(binary: &Path, seed: u64, server: &Server) -> Result<World> {
    World::on(binary, seed, Backend::Redis(server.url()))
}

fn a_fleet(binary: &Path) -> Result<String> {
    let server = server()?;
    let mut world = world(binary, 21, &server)?;
    world.set("GANGWAY__WORKER__LEASE", "10s");
    let size = fleet::Fleet { customers: 20_000, workers: 4, seed: 21 };
    let fleet::Shared { accounts, attempts, took } = fleet::a_fleet_shares_the_work(&world, size)?;
    let all: u64 = attempts.iter().sum();
    let seconds = took.as_secs_f64();
    Ok(format!(
        "{:?}, {} events, attempts {attempts:?}: {all} in {seconds:.0} s",
        accounts.ends, accounts.events
    ))
}

const ABSENCE: frozen::Absence = frozen::Absence {
    customers: 20_000,
    lease: Duration::from_secs(10),
    concurrency: 16,
    holds: 24,
    seed: 22,
};

fn rescue(binary: &Path) -> Result<String> {
    let server = server()?;
    let mut world = world(binary, ABSENCE.seed, &server)?;
    frozen::the_jobs_of_a_killed_worker_run_again(&mut world, &server, ABSENCE).map(|rescued| tell(&rescued))
}

fn freeze(binary: &Path) -> Result<String> {
    let server = server()?;
    let mut world = world(binary, ABSENCE.seed, &server)?;
    let rescued = frozen::what_a_frozen_worker_brings_late_is_refused(&mut world, &server, ABSENCE)?;
    Ok(format!("{}; {} late ends refused", tell(&rescued), rescued.refused))
}

fn tell(rescued: &Rescued) -> String {
    let Rescued { accounts, held, first, last, .. } = rescued;
    let (first, last) = (first.as_secs_f64(), last.as_secs_f64());
    let ends = &accounts.ends;
    format!("{held} jobs held under leases of 10 s, run again {first:.1} to {last:.1} s later; {ends:?}")
}

fn away(binary: &Path) -> Result<String> {
    let mut server = server()?;
    let away = [0, 8, 60].map(Duration::from_secs);
    let size =
        outage::Outage { customers: 3_000, rate: 120, lease: Duration::from_secs(10), away: &away, seed: 23 };
    let survived = outage::an_outage_costs_nothing(&mut world(binary, 23, &server)?, &mut server, &size)?;
    let back: Vec<u128> = survived.back.iter().map(Duration::as_millis).collect();
    Ok(format!(
        "{:?}; calls again after {back:?} ms, {} log lines of a worker at most, {} leases taken back at no cost",
        survived.accounts.ends, survived.lines, survived.taken_back
    ))
}

fn lost(binary: &Path, with_import: bool) -> Result<String> {
    let mut server = server()?;
    let loss = Loss { customers: 20_000, with_import, seed: 24 };
    let world = world(binary, 24, &server)?;
    let regained = lost_second::what_a_crash_took_is_imported_again(&world, &mut server, loss)?;
    Ok(format!(
        "{} of {} onboardings left; {} rows brought by the second run; {} epochs; {:?}",
        regained.left, regained.before, regained.again, regained.epochs, regained.accounts.ends
    ))
}

/// No script may keep the server for longer.
const LIMIT: Duration = Duration::from_millis(5);

/// Proved by a run in which none does. Up to five, as the log of slow commands counts time in which the machine stood still,
/// too; in each of them 999 of 1,000 keep the limit all the same.
fn many_at_once(binary: &Path) -> Result<String> {
    let mut told = Vec::new();
    for seed in 25..30 {
        let (name, value) = stampede::KEEPS_MEMORY;
        let environment = vec![(name.to_owned(), value.to_owned())];
        let server = Server::start(&Options { environment, ..options() })?;
        let mut world = world(binary, seed, &server)?;
        let size = stampede::Stampede { customers: 200_000, seed };
        let held = stampede::many_jobs_at_once_are_done_steadily(&mut world, &server, size, LIMIT)?;
        told.push(tell_stampede(&held));
        if held.nearly_all > LIMIT {
            break;
        }
        if held.slow.is_empty() {
            return Ok(told.join("; then: "));
        }
    }
    Err(Error::Broken(told.join("; again: ")))
}

fn tell_stampede(held: &Held) -> String {
    let least = held.per_second.iter().min().copied().unwrap_or_default();
    let most = held.per_second.iter().max().copied().unwrap_or_default();
    format!(
        "done in {:.0} s, {least} to {most} a second; p99.9 of scripts {:.1} ms; over {} ms: {}; while importing: {}",
        held.took.as_secs_f64(),
        held.nearly_all.as_secs_f64() * 1_000.0,
        LIMIT.as_millis(),
        tell_slow(&held.slow),
        tell_slow(&held.slow_in_import)
    )
}

/// How many, and the slowest with the beginning of its hash.
fn tell_slow(slow: &[Slow]) -> String {
    let told = slow.iter().take(4).map(|slow| {
        let words: Vec<&str> =
            slow.command.iter().take(2).map(|word| word.get(..8).unwrap_or(word)).collect();
        format!("{} {:.1} ms", words.join(" "), slow.took.as_secs_f64() * 1_000.0)
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() { "none".to_owned() } else { format!("{} ({})", slow.len(), told.join(", ")) }
}

const RUN: failover::Run = failover::Run { customers: 1_000, rate: 400, seed: 28 };

fn sentinel(binary: &Path) -> Result<String> {
    let mut sentinels = Sentinels::start(3, &options())?;
    let mut world = World::on(binary, RUN.seed, Backend::Redis(sentinels.url()))?;
    failover::a_failover_loses_nobody(&mut world, &mut sentinels, RUN).map(|moved| tell_moved(&moved))
}

fn cluster(binary: &Path) -> Result<String> {
    let cluster = Cluster::start(&options())?;
    let mut world = World::on(binary, RUN.seed, Backend::Redis(cluster.url()))?;
    failover::a_moved_slot_loses_nobody(&mut world, &cluster, RUN).map(|moved| tell_moved(&moved))
}

fn tell_moved(moved: &Moved) -> String {
    let Moved { accounts, ended_before, again } = moved;
    format!("{ended_before} had ended before; {again} rows had vanished; {:?}", accounts.ends)
}

fn killed(binary: &Path) -> Result<String> {
    let server = server()?;
    let story = kills::Kills { customers: 2_000, times: 50, within_ms: 600, seed: 11 };
    let accounts = kills::a_killed_worker_loses_and_doubles_nobody(&world(binary, 11, &server)?, story)?;
    Ok(format!("{:?}, {} events", accounts.ends, accounts.events))
}

fn emptied(binary: &Path) -> Result<String> {
    let server = server()?;
    let accounts = kills::a_lost_store_creates_nobody_twice(&world(binary, 12, &server)?, 2_000, 12)?;
    Ok(format!("{:?}", accounts.ends))
}

fn repeated(binary: &Path) -> Result<String> {
    let server = server()?;
    repeats::a_repeated_file_creates_nobody_again(&world(binary, 13, &server)?, 1_000, 13)?;
    Ok("no second create call".to_owned())
}

fn taken(binary: &Path) -> Result<String> {
    let server = server()?;
    let accounts = refusals::taken_emails_are_buried_one_by_one(&mut world(binary, 14, &server)?, 500, 14)?;
    Ok(format!("{:?}, circuit {}", accounts.ends, accounts.status["circuit"]["state"]))
}

fn quota(binary: &Path) -> Result<String> {
    let server = server()?;
    let accounts = refusals::a_quota_raised_later_buries_nobody(&world(binary, 15, &server)?, 400, 15)?;
    Ok(format!("{:?}", accounts.ends))
}

fn late(binary: &Path) -> Result<String> {
    let server = server()?;
    let accounts = refusals::a_late_effect_is_waited_for(&mut world(binary, 16, &server)?, 20, 90_000, 16)?;
    Ok(format!("{:?}, {} customers", accounts.ends, accounts.audit["customers"]))
}
