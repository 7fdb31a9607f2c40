//! Logs: to standard error, as text or JSON, never through a progress bar.

use std::io::{self, IsTerminal as _, Write};

use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::settings::sections::LogFormat;
use crate::settings::{Problem, Settings};

/// What `log.filter = "auto"` means for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    /// A service: its life is worth a line.
    Service,
    /// A command whose output is the answer: only what needs a person.
    Command,
}

/// Starts logging.
pub(crate) fn start(settings: &Settings, voice: Voice, bars: &MultiProgress) -> Result<(), Problem> {
    let log = &settings.sections.log;
    let filter = match (log.filter.trim(), voice) {
        ("auto" | "", Voice::Service) => "info",
        ("auto" | "", Voice::Command) => "error",
        (filter, _) => filter,
    };
    let filter = EnvFilter::try_new(filter).map_err(|error| Problem::Value {
        key: "log.filter".to_owned(),
        fault: error.to_string(),
        origin: settings.layers.origin("log.filter"),
    })?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(BesideBars(bars.clone()));
    let started = match log.format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
    // A second start, as in a test, keeps the first subscriber.
    drop(started);
    Ok(())
}

/// Writes a line above the bars, which would otherwise be torn.
#[derive(Debug)]
struct BesideBars(MultiProgress);

impl<'a> MakeWriter<'a> for BesideBars {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { bars: &self.0, bytes: Vec::new() }
    }
}

/// One event on its way out.
#[derive(Debug)]
struct Line<'a> {
    bars: &'a MultiProgress,
    bytes: Vec<u8>,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let written = self.bars.suspend(|| io::stderr().lock().write_all(&self.bytes));
        // There is nobody to tell that standard error is gone.
        drop(written);
    }
}
