//! `cargo xtask prove`: the promises at full size, with real processes and the release binary.

use std::path::{Path, PathBuf};
use std::time::Instant;

use gangway_testkit::stories::{kills, memory, refusals, repeats};
use gangway_testkit::{Process, Result, World, same};

use crate::{cargo, say};

mod redis;

/// A proof: its name, what it shows, and how. Answers a line for the table.
struct Proof {
    name: &'static str,
    shows: &'static str,
    run: fn(&Path) -> Result<String>,
}

/// Those on the embedded store; those on Redis stand in [`redis`].
const PROOFS: [Proof; 9] = [
    Proof { name: "demo", shows: "the demo, 1,000 customers, ends with the proof", run: demo },
    Proof { name: "hostile", shows: "2,000 customers through a hostile API, ten seeds", run: hostile },
    Proof { name: "kills", shows: "a worker killed at 50 random instants, 2,000 customers", run: killed },
    Proof {
        name: "lost-store",
        shows: "the store deleted in the middle, the file imported again",
        run: lost_store,
    },
    Proof {
        name: "repeats",
        shows: "a file imported twice at once, again, and after pruning",
        run: repeated,
    },
    Proof { name: "taken", shows: "500 taken e-mails, buried one by one", run: taken },
    Proof { name: "quota", shows: "a quota raised later buries nobody", run: quota },
    Proof { name: "late", shows: "creates that take effect 90 s after they timed out", run: late },
    Proof { name: "memory", shows: "1,000,000 rows in the memory of 1,000", run: large },
];

fn all() -> impl Iterator<Item = &'static Proof> {
    PROOFS.iter().chain(&redis::PROOFS)
}

pub(crate) fn run(arguments: &[String]) -> std::result::Result<(), String> {
    if arguments.iter().any(|argument| argument == "--list") {
        for proof in all() {
            say(&format!("{:<16} {}", proof.name, proof.shows));
        }
        return Ok(());
    }
    let wanted: Vec<&Proof> = all()
        .filter(|proof| arguments.is_empty() || arguments.iter().any(|name| name == proof.name))
        .collect();
    if wanted.is_empty() {
        return Err("no proof of that name; see `cargo xtask prove --list`".to_owned());
    }
    cargo("the release binary", &["build", "--release", "--quiet", "-p", "gangway"])?;
    let binary = binary();
    let mut failed = 0;
    for proof in wanted {
        let begun = Instant::now();
        let result = (proof.run)(&binary);
        let seconds = begun.elapsed().as_secs_f64();
        match result {
            Ok(line) => {
                say(&format!("proved   {:<16} {seconds:>6.1} s  {}: {line}", proof.name, proof.shows));
            }
            Err(error) => {
                failed += 1;
                say(&format!(
                    "BROKEN   {:<16} {seconds:>6.1} s  {}: {}",
                    proof.name,
                    proof.shows,
                    chain(&error)
                ));
            }
        }
    }
    if failed == 0 { Ok(()) } else { Err(format!("{failed} of the proofs failed")) }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Where cargo puts it: beside this program's own folder.
fn binary() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let target = own.ancestors().nth(2).unwrap_or(Path::new("target")).to_owned();
    target.join("release").join("gangway")
}

fn demo(binary: &Path) -> Result<String> {
    one_demo(binary, &["demo", "--json"])
}

fn hostile(binary: &Path) -> Result<String> {
    let mut lines = Vec::new();
    for seed in 1..=10 {
        let seed = seed.to_string();
        lines.push(one_demo(
            binary,
            &["demo", "--faults", "hostile", "--customers", "2000", "--seed", &seed, "--json"],
        )?);
    }
    Ok(format!("\n           {}", lines.join("\n           ")))
}

fn one_demo(binary: &Path, arguments: &[&str]) -> Result<String> {
    let folder = tempfile::tempdir()
        .map_err(|source| gangway_testkit::Error::Io { action: "make a folder".into(), source })?;
    let mut command = std::process::Command::new(binary);
    command.args(arguments).arg("--dir").arg(folder.path().join("demo")).env_clear();
    let answer = Process::run(&mut command)?.expect_code(0)?.json()?;
    same("lost", &answer["lost"], &0.into())?;
    same("duplicate customers", &answer["duplicate_customers"], &0.into())?;
    same("in progress", &answer["onboardings"]["in_progress"], &0.into())?;
    Ok(answer.to_string())
}

fn killed(binary: &Path) -> Result<String> {
    let world = World::new(binary, 11)?;
    let story = kills::Kills { customers: 2_000, times: 50, within_ms: 600, seed: 11 };
    let accounts = kills::a_killed_worker_loses_and_doubles_nobody(&world, story)?;
    Ok(format!("{:?}, {} events", accounts.ends, accounts.events))
}

fn lost_store(binary: &Path) -> Result<String> {
    let accounts = kills::a_lost_store_creates_nobody_twice(&World::new(binary, 12)?, 2_000, 12)?;
    Ok(format!("{:?}", accounts.ends))
}

fn repeated(binary: &Path) -> Result<String> {
    repeats::a_repeated_file_creates_nobody_again(&World::new(binary, 13)?, 1_000, 13)?;
    Ok("no second create call".to_owned())
}

fn taken(binary: &Path) -> Result<String> {
    let accounts = refusals::taken_emails_are_buried_one_by_one(&mut World::new(binary, 14)?, 500, 14)?;
    Ok(format!("{:?}, circuit {}", accounts.ends, accounts.status["circuit"]["state"]))
}

fn quota(binary: &Path) -> Result<String> {
    let accounts = refusals::a_quota_raised_later_buries_nobody(&World::new(binary, 15)?, 400, 15)?;
    Ok(format!("{:?}", accounts.ends))
}

fn late(binary: &Path) -> Result<String> {
    let accounts = refusals::a_late_effect_is_waited_for(&mut World::new(binary, 16)?, 20, 90_000, 16)?;
    Ok(format!("{:?}, {} customers", accounts.ends, accounts.audit["customers"]))
}

fn large(binary: &Path) -> Result<String> {
    let (small, large) =
        memory::a_large_import_takes_no_more_memory(&mut World::new(binary, 17)?, 1_000, 1_000_000)?;
    Ok(format!(
        "{} MiB at the peak against {} MiB; {:.1} s for 1,000,000 rows",
        large.peak_kib / 1024,
        small.peak_kib / 1024,
        large.time.as_secs_f64()
    ))
}
