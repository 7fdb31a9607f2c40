//! `gangway queue`: pause, resume, limits.

use clap::Subcommand;
use gangway_jobs::kind::Kind;
use gangway_store::Store;
use serde_json::json;

use super::KindName;
use crate::context::Context;
use crate::error::Result;
use crate::output::Ending;
use crate::wiring::store::{self, Purpose};

pub(crate) mod limits;

/// What is changed here holds at once for all workers that run. Jobs that run end in good order.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  gangway queue pause customer.create\n  gangway queue resume\n  gangway queue limits --rate 5"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Start no job of that kind, or of any kind
    #[command(after_help = "Example:\n  gangway queue pause customer.create")]
    Pause {
        /// The kind; all without it
        kind: Option<KindName>,
    },
    /// Start jobs again
    #[command(after_help = "Example:\n  gangway queue resume")]
    Resume {
        /// The kind; all without it
        kind: Option<KindName>,
    },
    /// Show or set how many calls all workers may make
    Limits(limits::Args),
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Ending> {
    let store = store::open(&context.settings, Purpose::Visit).await?;
    match &args.action {
        Action::Pause { kind } => {
            store.pause(kind.map(Kind::from)).await?;
            tell_paused(&*store, context).await?;
        }
        Action::Resume { kind } => {
            store.resume(kind.map(Kind::from)).await?;
            tell_paused(&*store, context).await?;
        }
        Action::Limits(args) => limits::run(args, &*store, context).await?,
    }
    store.close().await;
    Ok(Ending::Well)
}

async fn tell_paused(store: &dyn Store, context: &Context) -> Result<()> {
    let paused: Vec<&str> = store.status().await?.paused.iter().map(|kind| kind.as_str()).collect();
    context.out.answer(&json!({ "paused": paused }), || {
        if paused.is_empty() {
            "nothing is paused\n".to_owned()
        } else {
            format!("paused: {}\n", paused.join(", "))
        }
    })
}
