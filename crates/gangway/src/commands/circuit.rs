//! `gangway circuit`: why nothing is called, and a person's decision.

use clap::Subcommand;
use gangway_jobs::circuit::Resolution;
use gangway_jobs::kind::Kind;
use serde_json::json;

use crate::context::Context;
use crate::error::Result;
use crate::output::Ending;
use crate::wiring::store::{self, Purpose};

/// An open circuit keeps all workers from calling an API that is down or refuses everybody. It closes by itself when a
/// probe succeeds.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gangway circuit                    show it\n  \
                        gangway circuit resolve --retry    the cause is gone: try again now")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Decide it
    #[command(after_help = "Example:\n  gangway circuit resolve --retry")]
    Resolve(Resolve),
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Resolve {
    /// The cause is gone: try those that met it again, as if nothing had been
    #[arg(long)]
    retry: bool,
    /// The refusals are right: bury each customer that meets it again
    #[arg(long)]
    bury: bool,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Ending> {
    match &args.action {
        None => show(context).await,
        Some(Action::Resolve(how)) => {
            let resolution = if how.bury { Resolution::Bury } else { Resolution::Retry };
            resolve(resolution, context).await
        }
    }
}

async fn show(context: &Context) -> Result<Ending> {
    let store = store::open(&context.settings, Purpose::Visit).await?;
    let summary = store.circuit().await?;
    store.close().await;
    context.out.answer(&summary, || match summary.reason.as_str() {
        "" => format!("{}\n", summary.state),
        reason => format!("{}: {reason}\n", summary.state),
    })?;
    Ok(Ending::Well)
}

async fn resolve(resolution: Resolution, context: &Context) -> Result<Ending> {
    let store = store::open(&context.settings, Purpose::Visit).await?;
    let kinds: Vec<&str> = store.resolve_circuit(resolution).await?.into_iter().map(Kind::as_str).collect();
    let summary = store.circuit().await?;
    store.close().await;
    let value = json!({ "resolved": kinds, "state": summary.state, "reason": summary.reason });
    context.out.answer(&value, || {
        let decided = if kinds.is_empty() {
            "no kind was refused for everybody".to_owned()
        } else {
            format!("decided for {}", kinds.join(", "))
        };
        format!("{decided}; the circuit is {}\n", summary.state)
    })?;
    Ok(Ending::Well)
}
