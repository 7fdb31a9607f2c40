//! The sums of a world, while it works.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::stories::accounts::number;
use crate::{Error, Result, World};

/// Onboardings in the store; 0 as long as there is none.
pub(in crate::faults) fn total(world: &World) -> Result<u64> {
    let status = world.run(&["status", "--json"])?;
    if status.code != Some(0) {
        return Ok(0);
    }
    number(&status.json()?, "/onboardings/total")
}

/// Onboardings with an end.
pub(in crate::faults) fn ended(status: &Value) -> u64 {
    let count = |stage: &str| number(status, &format!("/onboardings/by_stage/{stage}")).unwrap_or_default();
    ["approved", "rejected", "expired", "dead", "cancelled", "erased"].into_iter().map(count).sum()
}

/// Jobs of a kind that are not done, whatever they wait for.
pub(in crate::faults) fn left(sums: &Value, kind: &str) -> Result<u64> {
    let all = ["available", "scheduled", "running", "retryable"];
    all.into_iter().map(|state| number(sums, &format!("/jobs/{kind}/{state}"))).sum()
}

/// Asks again and again until it comes true; answers how long that took.
pub(in crate::faults) fn wait_for(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> Result<bool>,
) -> Result<Duration> {
    let begun = Instant::now();
    while !condition()? {
        if begun.elapsed() > limit {
            return Err(Error::Broken(format!("{what} did not come within {} s", limit.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(begun.elapsed())
}

/// Whether a program has written that into its log.
pub(in crate::faults) fn log_says(world: &World, log: &str, words: &str) -> bool {
    std::fs::read_to_string(world.path(log)).is_ok_and(|text| text.contains(words))
}

/// A setting of the server, for the time being.
pub(in crate::faults) fn configure(server: &crate::redis::Server, setting: &str, value: &str) -> Result<()> {
    server.command(&["CONFIG", "SET", setting, value]).map(drop)
}

/// Fails unless an output names all of these.
pub(in crate::faults) fn tells(output: &crate::Finished, words: &[&str]) -> Result<()> {
    match words.iter().find(|word| !output.stderr.contains(**word)) {
        None => Ok(()),
        Some(word) => {
            Err(Error::Broken(format!("{} does not tell of {word:?}: {}", output.name, output.stderr)))
        }
    }
}
