//! The attempts of which logs tell.

use serde_json::Value;

use crate::stories::logs;
use crate::{Error, Result, World};

/// All that some logs tell of attempts; they must be written as JSON, see [`logs::log_attempts`].
#[derive(Debug, Default)]
pub(super) struct Attempts {
    /// How many ended.
    pub(super) ended: u64,
    /// Those that were not the first since something last went well: onboarding, kind, number.
    pub(super) again: Vec<(String, String, u64)>,
    /// The codes with which handlers were stopped that did not come to their end.
    pub(super) stopped: Vec<String>,
}

impl Attempts {
    /// Reads logs from their beginnings.
    pub(super) fn read(world: &World, logs: &[String]) -> Result<Self> {
        let mut attempts = Self::default();
        for log in logs {
            for line in events(world, log)? {
                attempts.enter(&line);
            }
        }
        Ok(attempts)
    }

    fn enter(&mut self, line: &Value) {
        if let Some(attempt) = logs::finished_attempt(line) {
            self.ended += 1;
            self.again.extend((attempt.2 > 1).then_some(attempt));
        } else if logs::says(line, "a handler did not come to its end") {
            self.stopped.extend(line["code"].as_str().map(str::to_owned));
        }
    }

    /// How many handlers were stopped for that reason.
    pub(super) fn stopped_by(&self, code: &str) -> u64 {
        self.stopped.iter().filter(|stopped| *stopped == code).count() as u64
    }
}

/// The events of a log. What the program says to people, as when it is told to stop, stands between them.
fn events(world: &World, log: &str) -> Result<Vec<Value>> {
    let path = world.path(log);
    let text = std::fs::read_to_string(&path)
        .map_err(|source| Error::Io { action: format!("read {}", path.display()), source })?;
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}
