//! Runs simulations: `gangway-simulate --seeds 10000`, or one again with its trace: `--seed 17`.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Instant;

use gangway_simulation::{Kind, Options, Report, run};

#[cfg(feature = "planted")]
mod plant;

const HELP: &str =
    "gangway-simulate [--seeds N] [--from N] [--seed N] [--store sqlite|model] [--planted NAME|all]";

/// What is asked for.
struct Asked {
    from: u64,
    seeds: u64,
    /// One seed, with its trace.
    one: Option<u64>,
    store: Kind,
    planted: Option<String>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match Asked::read(&arguments).and_then(|asked| answer(&asked)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            say(&message);
            ExitCode::FAILURE
        }
    }
}

impl Asked {
    fn read(arguments: &[String]) -> Result<Self, String> {
        let mut asked = Self { from: 1, seeds: 10_000, one: None, store: Kind::Sqlite, planted: None };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let value = arguments.next().ok_or(HELP)?;
            let number = || value.parse::<u64>().map_err(|error| format!("{argument} {value}: {error}"));
            match argument.as_str() {
                "--from" => asked.from = number()?,
                "--seeds" => asked.seeds = number()?,
                "--seed" => asked.one = Some(number()?),
                "--store" => asked.store = Kind::parse(value).ok_or(HELP)?,
                "--planted" => asked.planted = Some(value.clone()),
                _ => return Err(HELP.to_owned()),
            }
        }
        Ok(asked)
    }
}

#[cfg(not(feature = "planted"))]
fn answer(asked: &Asked) -> Result<(), String> {
    match (&asked.planted, asked.one) {
        (Some(_), _) => Err("this build has no planted bugs; build it with --features planted".to_owned()),
        (None, Some(seed)) => tell(seed, asked.store),
        (None, None) => search(asked),
    }
}

#[cfg(feature = "planted")]
fn answer(asked: &Asked) -> Result<(), String> {
    match (&asked.planted, asked.one) {
        (Some(name), Some(seed)) => plant::tell(name, seed, asked.store),
        (Some(name), None) => plant::search(name, asked.from, asked.seeds, asked.store),
        (None, Some(seed)) => tell(seed, asked.store),
        (None, None) => search(asked),
    }
}

/// One run with its trace.
fn tell(seed: u64, store: Kind) -> Result<(), String> {
    let report = run(seed, Options { store, trace: true });
    for line in &report.trace {
        say(line);
    }
    match report.violation {
        None => {
            say(&format!("seed {seed}: all held; trace {:016x}", report.hash));
            Ok(())
        }
        Some(violation) => Err(format!("seed {seed} BROKEN: {violation}")),
    }
}

/// Many runs; stops at the first violation.
fn search(asked: &Asked) -> Result<(), String> {
    let begun = Instant::now();
    let (mut leases, mut hash) = (0, 0_u64);
    for seed in asked.from..asked.from.saturating_add(asked.seeds) {
        let report: Report = run(seed, Options { store: asked.store, trace: false });
        if let Some(violation) = report.violation {
            return Err(format!("seed {seed} BROKEN: {violation}\nsee `cargo xtask simulate --seed {seed}`"));
        }
        leases += report.leases;
        hash = hash.rotate_left(1) ^ report.hash;
    }
    let seconds = begun.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = asked.seeds as f64 / seconds.max(0.001);
    say(&format!(
        "{} seeds from {}: no violation; {leases} leases; {rate:.0} seeds per second, {seconds:.1} s; all traces {hash:016x}",
        asked.seeds, asked.from
    ));
    Ok(())
}

fn say(text: &str) {
    // A closed terminal is no reason to fail.
    writeln!(std::io::stdout(), "{text}").unwrap_or_default();
}
