//! `gangway completions SHELL`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::error::Result;
use crate::output::{Ending, Output};

/// A completion script on standard output.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  gangway completions bash > ~/.local/share/bash-completion/completions/gangway"
)]
pub(crate) struct Args {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args, out: Output) -> Result<Ending> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "gangway", &mut script);
    out.raw(&script)?;
    Ok(Ending::Well)
}
