//! The log of a program, read while it is written.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use serde_json::Value;

use crate::{Error, Result, World};

/// Lets the programs started from now on log as JSON, each attempt with a line of its own.
pub fn log_attempts(world: &mut World) {
    world.set("GANGWAY__LOG__FORMAT", "json");
    world.set("GANGWAY__LOG__FILTER", "info,gangway_worker=debug");
}

/// A place in a log; what lies before it was read.
#[derive(Debug)]
pub struct Follow {
    path: PathBuf,
    offset: u64,
}

impl Follow {
    /// From the beginning of a log in the world's folder.
    pub fn new(world: &World, log: &str) -> Self {
        Self { path: world.path(log), offset: 0 }
    }

    /// The lines that were finished since the last call.
    ///
    /// # Errors
    /// The log cannot be read, or a line is no JSON.
    pub fn lines(&mut self) -> Result<Vec<Value>> {
        let text = self
            .rest()
            .map_err(|source| Error::Io { action: format!("read {}", self.path.display()), source })?;
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        self.offset += whole.len() as u64;
        let read = |line: &str| {
            serde_json::from_str(line)
                .map_err(|_not_json| Error::Broken(format!("a log line is no JSON: {line}")))
        };
        whole.lines().map(read).collect()
    }

    fn rest(&self) -> std::io::Result<String> {
        let mut text = String::new();
        let mut file = std::fs::File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        file.read_to_string(&mut text)?;
        Ok(text)
    }
}

/// Whether a program has written that into its log, which lies in the world's folder.
pub fn holds(world: &World, log: &str, words: &str) -> bool {
    std::fs::read_to_string(world.path(log)).is_ok_and(|text| text.contains(words))
}

/// Whether a line has that message.
pub fn says(line: &Value, message: &str) -> bool {
    line["message"] == message
}

/// Onboarding and kind of the job whose attempt a line ends, and the attempt's number.
pub fn finished_attempt(line: &Value) -> Option<(String, String, u64)> {
    let span = says(line, "attempt finished").then(|| &line["span"])?;
    let text = |name: &str| span[name].as_str().map(str::to_owned);
    Some((text("job.id")?, text("job.kind")?, span["job.attempt"].as_u64()?))
}
