//! `gangway cancel REF`.

use gangway_jobs::transition::EndRequest;
use serde_json::json;

use super::Ref;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::Ending;
use crate::wiring::lookup;
use crate::wiring::store::{self, Purpose};

/// What exists at the API stays there; Gangway follows it no more.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gangway cancel C-000042")]
pub(crate) struct Args {
    #[command(flatten)]
    onboarding: Ref,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Ending> {
    let store = store::open(&context.settings, Purpose::Visit).await?;
    let target = lookup::target(&*store, &args.onboarding.named).await?;
    let answer = store.cancel(target).await?.ok_or(Error::UnknownOnboarding)?;
    store.close().await;
    answer_end(context, answer, "cancelled")
}

/// Tells what a request to end an onboarding found.
pub(crate) fn answer_end(context: &Context, answer: EndRequest, word: &str) -> Result<Ending> {
    let (result, text) = match answer {
        EndRequest::Ended => (word.to_owned(), format!("{word}\n")),
        EndRequest::Requested => ("requested".to_owned(), format!("a job is running; {word} when it ends\n")),
        EndRequest::Already(stage) => (stage.to_string(), format!("had ended before: {stage}\n")),
    };
    context.out.answer(&json!({ "result": result }), || text)?;
    Ok(Ending::Well)
}
