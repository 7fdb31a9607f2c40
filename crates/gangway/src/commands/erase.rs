//! `gangway erase REF`.

use super::Ref;
use super::cancel::answer_end;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::Ending;
use crate::wiring::lookup;
use crate::wiring::store::{self, Purpose};

/// Payloads, reference, timeline and the personal part of events go; a row of ids stays, so that importing the same file
/// again creates nobody. What exists at the API stays there. One whose record was pruned is found by its onboarding id
/// only, which is the `subject` of its events.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gangway erase C-000042")]
pub(crate) struct Args {
    #[command(flatten)]
    onboarding: Ref,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Ending> {
    let store = store::open(&context.settings, Purpose::Visit).await?;
    let target = lookup::target_or_id(&*store, &args.onboarding.named).await?;
    let answer = store.erase(target).await?.ok_or(Error::UnknownOnboarding)?;
    store.close().await;
    answer_end(context, answer, "erased")
}
