//! What a command says on standard output: text for people, or one JSON object as the last line for programs.

pub(crate) mod table;

use std::io::{self, IsTerminal as _, Write};

use serde::Serialize;

use crate::error::{Error, Result};

/// How a command answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One object on the last line, and nothing else.
    Json,
}

/// Whether all went well; a command that could not run is an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Ending {
    /// Exit code 0.
    Well,
    /// Exit code 1: some rows or jobs failed, or the proof does not add up.
    SomeFailed,
}

impl Ending {
    /// Well, unless something failed.
    pub(crate) const fn failed_if(some_failed: bool) -> Self {
        if some_failed { Self::SomeFailed } else { Self::Well }
    }
}

/// Standard output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    format: Format,
}

impl Output {
    /// Answers in that format.
    pub(crate) const fn new(format: Format) -> Self {
        Self { format }
    }

    /// Whether a program reads.
    pub(crate) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// Answers: `value` for programs, `text` for people.
    pub(crate) fn answer(self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        match self.format {
            Format::Json => self.line(&json(value)),
            Format::Text => self.raw(text().as_bytes()),
        }
    }

    /// Writes a line, whatever the format.
    pub(crate) fn line(self, line: &str) -> Result<()> {
        self.raw(format!("{line}\n").as_bytes())
    }

    /// Writes bytes and makes them leave this process.
    #[expect(clippy::unused_self, reason = "to have it is to be the one who answers")]
    pub(crate) fn raw(self, bytes: &[u8]) -> Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(Error::output)
    }

    /// Tells people how it goes; a program does not want to know.
    pub(crate) fn say(self, line: &str) -> Result<()> {
        if self.is_json() { Ok(()) } else { self.line(line) }
    }
}

/// One line of JSON.
pub(crate) fn json(value: &impl Serialize) -> String {
    // Every type that is answered has text keys only, which is all that could fail.
    serde_json::to_string(value).unwrap_or_default()
}

/// Breaks the lines of an error only where somebody reads it in a window: elsewhere a path would be cut in two.
pub(crate) fn shape_errors() {
    // A second call, as in a test, keeps the first shape.
    drop(miette::set_hook(Box::new(|_report| {
        let wrap = io::stderr().is_terminal();
        Box::new(miette::MietteHandlerOpts::new().wrap_lines(wrap).terminal_links(false).build())
    })));
}

/// A line to standard error. There is nobody to tell when that is gone.
pub(crate) fn complain(line: &str) {
    let written = writeln!(io::stderr().lock(), "{line}");
    drop(written);
}
