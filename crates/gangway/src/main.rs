//! `gangway`: one program over the library crates.
//!
//! Exit codes: 0 all well, 1 some rows or jobs failed or the proof does not add up, 2 could not run.

mod cli;
mod commands;
mod context;
mod demo;
mod error;
mod output;
mod progress;
mod settings;
mod shutdown;
mod telemetry;
mod wiring;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;
use crate::error::Error;
use crate::output::{Ending, complain};

/// A record is read, changed and written for each job, in many small pieces: the system's allocator would be a quarter of a
/// busy worker's work.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    output::shape_errors();
    // A panic's message may hold what a handler was working on; its place is enough to find it.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        complain(&format!("internal error at {place}; please report it"));
    }));
    match cli::run(Cli::parse()) {
        // Whoever reads us may have seen enough, as `head` does.
        Ok(Ending::Well) | Err(Error::OutputClosed) => ExitCode::SUCCESS,
        Ok(Ending::SomeFailed) => ExitCode::from(1),
        Err(error) => {
            complain(&format!("{:?}", miette::Report::new(error)));
            ExitCode::from(2)
        }
    }
}
