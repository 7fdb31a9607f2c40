//! What a server tells about itself: its memory, and its slowest commands.

use std::time::Duration;

use super::server::Server;
use crate::{Error, Result};

/// A command that took long in the server: while it ran, no other did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slow {
    /// How long.
    pub took: Duration,
    /// Its words, the first of them if there are many; for a script its hash is the second.
    pub command: Vec<String>,
}

impl Server {
    /// A field of `INFO`, e.g. `redis_version` or `cmdstat_get`.
    ///
    /// # Errors
    /// There is none of that name, or the server does not answer.
    pub fn info(&self, field: &str) -> Result<String> {
        let answer = self.command(&["INFO", "all"])?.text();
        let found = answer.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        found.map(str::to_owned).ok_or_else(|| Error::Broken(format!("no {field} in redis's INFO")))
    }

    /// Bytes that the server has allocated, for data and all else.
    ///
    /// # Errors
    /// It does not answer.
    pub fn used_memory(&self) -> Result<u64> {
        let found = self.info("used_memory")?;
        found.parse().map_err(|_no_number| Error::Broken(format!("used_memory is {found:?}")))
    }

    /// Notes each command that takes so long from now on, and forgets those noted before.
    ///
    /// # Errors
    /// It does not answer.
    pub fn note_slower_than(&self, limit: Duration) -> Result<()> {
        self.configure("slowlog-max-len", "100000")?;
        self.configure("slowlog-log-slower-than", &limit.as_micros().to_string())?;
        self.forget_slow()
    }

    /// Forgets the slow commands noted so far.
    ///
    /// # Errors
    /// It does not answer.
    pub fn forget_slow(&self) -> Result<()> {
        self.command(&["SLOWLOG", "RESET"]).map(drop)
    }

    /// The commands noted by [`Self::note_slower_than`], the slowest first.
    ///
    /// # Errors
    /// It does not answer.
    pub fn slow(&self) -> Result<Vec<Slow>> {
        // More than there can be; -1 for all is known since version 7 only.
        let answer = self.command(&["SLOWLOG", "GET", "1000000"])?;
        let mut slow: Vec<Slow> = answer
            .items()
            .iter()
            .filter_map(|entry| match entry.items() {
                [_id, _at, micros, words, ..] => Some(Slow {
                    took: Duration::from_micros(u64::try_from(micros.integer()?).ok()?),
                    command: words.items().iter().map(super::Reply::text).collect(),
                }),
                _ => None,
            })
            .collect();
        slow.sort_by_key(|slow| std::cmp::Reverse(slow.took));
        Ok(slow)
    }

    /// How long the slowest noted command took; zero if none was noted.
    ///
    /// # Errors
    /// It does not answer.
    pub fn slowest(&self) -> Result<Duration> {
        Ok(self.slow()?.first().map(|slow| slow.took).unwrap_or_default())
    }
}
