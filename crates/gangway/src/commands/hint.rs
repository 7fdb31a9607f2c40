//! `gangway hint REF`.

use gangway_store::Hinted;
use serde_json::json;

use super::Ref;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::Ending;
use crate::wiring::lookup;
use crate::wiring::store::{self, Purpose};

/// A hint is never believed: it only brings the next look forward.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gangway hint 0b9f5a52-3c1d-4c6e-9a57-2f6d1f0c8e11")]
pub(crate) struct Args {
    #[command(flatten)]
    onboarding: Ref,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Ending> {
    let store = store::open(&context.settings, Purpose::Visit).await?;
    let target = lookup::target(&*store, &args.onboarding.named).await?;
    let hinted = store.hint(target).await?;
    store.close().await;
    let (result, text) = match hinted {
        Hinted::Hastened => ("hastened", "looked at as soon as a worker is free".to_owned()),
        Hinted::Reopened => ("reopened", "the next round begins".to_owned()),
        Hinted::Ended(stage) => ("ended", format!("has ended for good: {stage}")),
        Hinted::TooEarly => ("too_early", "has no customer yet, so there is nothing to look at".to_owned()),
        Hinted::Unknown => return Err(Error::UnknownOnboarding),
    };
    context.out.answer(&json!({ "result": result }), || format!("{text}\n"))?;
    Ok(Ending::Well)
}
