//! What happened, line by line, and one number that tells two runs apart.

use std::fmt::Display;
use std::time::Duration;

/// The trace of a run.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    lines: Vec<String>,
    /// Print as it happens, for a run that does not come to an end.
    kept: bool,
}

impl Trace {
    /// `kept`: all lines, not only their hash.
    pub(crate) const fn new(kept: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, lines: Vec::new(), kept }
    }

    /// Notes what happened at that time.
    pub(crate) fn note(&mut self, at: Duration, what: impl Display) {
        let line = format!("{:>12.3} {what}", at.as_secs_f64());
        // FNV-1a.
        for byte in line.bytes().chain([b'\n']) {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.kept {
            self.lines.push(line);
        }
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}
