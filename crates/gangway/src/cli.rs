//! The command line, and from there to one command.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands::{
    cancel, circuit, completions, config, dead, demo, doctor, erase, hint, import, link, outbox, prune,
    queue, run, show, simulate, status, worker,
};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{Ending, Format, Output};
use crate::progress;
use crate::settings::{Environ, Settings};
use crate::telemetry::{self, Voice};

/// Brings customers aboard: from a CSV file through the 1Money hosted-onboarding API to published results, each customer
/// exactly once, whatever fails on the way.
#[derive(Debug, Parser)]
#[command(
    name = "gangway",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "Start here:\n  gangway demo                 a thousand customers come aboard through faults, on this machine\n  \
                  gangway run customers.csv    import a file and work until every customer has an end\n\n\
                  Exit codes: 0 all well, 1 some rows or jobs failed, 2 could not run."
)]
pub(crate) struct Cli {
    /// A file of settings, above that of `GANGWAY_ENV` and below the environment
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Answer with one JSON object on the last line of standard output
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// See it work: simulator, made-up customers, faults, results and the proof, all in one process
    Demo(demo::Args),
    /// Import a file and work until every onboarding in the store has an end
    Run(run::Args),
    /// Take the rows of a CSV file in; a worker brings them aboard
    Import(import::Args),
    /// Work: create customers, make links, follow their status, publish the results
    Worker(worker::Args),
    /// Play the API on this machine, with faults on demand, to test your own code against
    Simulate(simulate::Args),
    /// Show the sums: onboardings, jobs, workers, outbox, circuit
    Status(status::Args),
    /// Check that a worker could run well here: settings, credential, API, store
    Doctor(doctor::Args),
    /// Show one onboarding: record, timeline, jobs
    Show(show::Args),
    /// Make a new onboarding link for a customer and print it
    Link(link::Args),
    /// Say that a customer's status may have changed, so that it is looked at now
    Hint(hint::Args),
    /// Call an onboarding off
    Cancel(cancel::Args),
    /// Erase what is personal of an onboarding
    Erase(erase::Args),
    /// Read the results: consumer groups, reading, export
    Outbox(outbox::Args),
    /// Look at dead letters, put them back or drop them
    Dead(dead::Args),
    /// Show why nothing is called, or decide it
    Circuit(circuit::Args),
    /// Pause and resume kinds of jobs
    Queue(queue::Args),
    /// Turn old records into ledger rows and delete old events
    Prune(prune::Args),
    /// Print the settings in force, with their origins; secrets are masked
    Config(config::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
}

impl Command {
    fn voice(&self) -> Voice {
        if matches!(self, Self::Worker(_) | Self::Simulate(_)) { Voice::Service } else { Voice::Command }
    }
}

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli) -> Result<Ending> {
    let out = Output::new(if cli.json { Format::Json } else { Format::Text });
    // These two help to mend settings, so they must not need them.
    if let Command::Completions(args) = &cli.command {
        return completions::run(args, out);
    }
    if matches!(&cli.command, Command::Config(args) if args.defaults) {
        return config::defaults(out);
    }
    let environ = Environ::of_process()?;
    #[cfg(feature = "fault-points")]
    crate::settings::fault_points::arm(&environ)?;
    let settings = Settings::load(cli.config.as_deref(), environ)?;
    let bars = progress::bars();
    telemetry::start(&settings, cli.command.voice(), &bars)?;
    let runtime =
        tokio::runtime::Runtime::new().map_err(|source| Error::System("start the runtime", source))?;
    let ending = runtime.block_on(async {
        let context = Context::new(settings, out, bars)?;
        dispatch(cli.command, &context).await
    });
    // What still runs in the background holds nobody up: everything that counts has been written.
    runtime.shutdown_background();
    ending
}

async fn dispatch(command: Command, context: &Context) -> Result<Ending> {
    match command {
        Command::Demo(args) => demo::run(&args, context).await,
        Command::Run(args) => run::run(&args, context).await,
        Command::Import(args) => import::run(&args, context).await,
        Command::Worker(args) => worker::run(&args, context).await,
        Command::Simulate(args) => simulate::run(&args, context).await,
        Command::Status(args) => status::run(&args, context).await,
        Command::Doctor(args) => doctor::run(&args, context).await,
        Command::Show(args) => show::run(&args, context).await,
        Command::Link(args) => link::run(&args, context).await,
        Command::Hint(args) => hint::run(&args, context).await,
        Command::Cancel(args) => cancel::run(&args, context).await,
        Command::Erase(args) => erase::run(&args, context).await,
        Command::Outbox(args) => outbox::run(&args, context).await,
        Command::Dead(args) => dead::run(&args, context).await,
        Command::Circuit(args) => circuit::run(&args, context).await,
        Command::Queue(args) => queue::run(&args, context).await,
        Command::Prune(args) => prune::run(&args, context).await,
        Command::Config(args) => config::run(&args, context),
        Command::Completions(args) => completions::run(&args, context.out),
    }
}
