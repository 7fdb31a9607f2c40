//! `gangway queue`: pause and resume.

use clap::Subcommand;
use gangway_jobs::kind::Kind;
use serde_json::json;

use super::KindName;
use crate::context::Context;
use crate::error::Result;
use crate::output::Ending;
use crate::wiring::store::{self, Purpose};

/// Pause and resume kinds of jobs. Running ones end in good order.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gangway queue pause customer.create\n  gangway queue resume")]
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
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Ending> {
    let store = store::open(&context.settings, Purpose::Visit).await?;
    match &args.action {
        Action::Pause { kind } => store.pause(kind.map(Kind::from)).await?,
        Action::Resume { kind } => store.resume(kind.map(Kind::from)).await?,
    }
    let paused: Vec<&str> = store.status().await?.paused.iter().map(|kind| kind.as_str()).collect();
    store.close().await;
    context.out.answer(&json!({ "paused": paused }), || {
        if paused.is_empty() {
            "nothing is paused\n".to_owned()
        } else {
            format!("paused: {}\n", paused.join(", "))
        }
    })?;
    Ok(Ending::Well)
}
