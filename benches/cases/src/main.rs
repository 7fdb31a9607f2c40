//! One measurement a run: `gangway-bench CASE --store URL` prints one line of JSON.
//!
//! `cargo xtask bench` runs each case on a server of its own, several times, and writes `docs/benchmarks.md`. Everything
//! here goes through the public libraries, with all that a real worker checks switched on: the lease's token, pause,
//! circuit, rate limit (set far above what can be reached), records, counters.

mod bare;
mod calls;
mod chain;
mod crew;
mod customers;
mod drain;
mod enqueue;
mod handlers;
mod import;
mod latency;
mod numbers;
mod pipeline;
mod place;
mod server;
mod simulator;
mod straight;
mod waiting;
mod window;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

/// What can go wrong here is only told, never decided on.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Measures one thing and prints one line of JSON.
#[derive(Debug, clap::Parser)]
#[command(name = "gangway-bench", version)]
struct Cli {
    #[command(subcommand)]
    case: Case,
}

#[derive(Debug, clap::Subcommand)]
enum Case {
    /// No-op jobs through real workers
    Drain(drain::Args),
    /// The same lease and settle calls without a worker
    Bare(bare::Args),
    /// Jobs that each queue the next, change their record and publish an event
    Chain(chain::Args),
    /// Customers handed in by the producer library
    Enqueue(enqueue::Args),
    /// A CSV file handed in by the gangway program
    Import(import::Args),
    /// From the enqueue to the start of the handler, on an idle worker
    Latency(latency::Args),
    /// What customers cost while they wait between two polls
    Waiting(waiting::Args),
    /// Whole onboardings against the simulator
    Pipeline(pipeline::Args),
    /// The calls of whole onboardings without any store
    Calls(calls::Args),
    /// A worker for a case with several processes, until its input ends
    #[command(hide = true)]
    Worker(crew::Args),
    /// The simulator for a case, until its input ends
    #[command(hide = true)]
    Simulator,
}

/// As in the `gangway` program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().case {
        Case::Drain(args) => drain::run(&args).await,
        Case::Bare(args) => bare::run(&args).await,
        Case::Chain(args) => chain::run(&args).await,
        Case::Enqueue(args) => enqueue::run(&args).await,
        Case::Import(args) => import::run(&args).await,
        Case::Latency(args) => latency::run(&args).await,
        Case::Waiting(args) => waiting::run(&args).await,
        Case::Pipeline(args) => pipeline::run(&args).await,
        Case::Calls(args) => calls::run(&args).await,
        Case::Worker(args) => crew::work(&args).await,
        Case::Simulator => simulator::serve().await,
    };
    match result {
        Ok(result) => {
            print(&result.to_string());
            ExitCode::SUCCESS
        }
        Err(error) => {
            writeln!(std::io::stderr(), "gangway-bench: {}", chain_of(&*error)).unwrap_or_default();
            ExitCode::FAILURE
        }
    }
}

/// Prints a line at once: a parent may wait for it.
pub(crate) fn print(line: &str) {
    let mut out = std::io::stdout().lock();
    // A parent that is gone reads nothing.
    writeln!(out, "{line}").and_then(|()| out.flush()).unwrap_or_default();
}

fn chain_of(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
