//! Planted bugs: each must be found.

use gangway_jobs::planted::{Bug, plant};
use gangway_simulation::{Kind, Options, run};

use crate::say;

fn named(name: &str) -> Result<Vec<Bug>, String> {
    if name == "all" {
        return Ok(Bug::ALL.to_vec());
    }
    let names = Bug::ALL.map(Bug::as_str).join(", ");
    Bug::parse(name).map(|bug| vec![bug]).ok_or(format!("{name:?} is no planted bug; there are {names}"))
}

/// Looks for the first seed that finds each.
pub(crate) fn search(name: &str, from: u64, seeds: u64, store: Kind) -> Result<(), String> {
    let mut missed = Vec::new();
    for bug in named(name)? {
        plant(Some(bug));
        let found = (from..from.saturating_add(seeds)).find_map(|seed| {
            let report = run(seed, Options { store, trace: false });
            report.violation.map(|violation| (seed, violation))
        });
        plant(None);
        match found {
            Some((seed, violation)) => say(&format!("{bug}: found by seed {seed}: {violation}")),
            None => missed.push(bug.as_str()),
        }
    }
    if missed.is_empty() { Ok(()) } else { Err(format!("NOT found by {seeds} seeds: {}", missed.join(", "))) }
}

/// One run with a bug, and its trace.
pub(crate) fn tell(name: &str, seed: u64, store: Kind) -> Result<(), String> {
    for bug in named(name)? {
        plant(Some(bug));
        let report = run(seed, Options { store, trace: true });
        plant(None);
        report.trace.iter().for_each(|line| say(line));
        if report.violation.is_none() {
            return Err(format!("{bug} is NOT found by seed {seed}"));
        }
    }
    Ok(())
}
