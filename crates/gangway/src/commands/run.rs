//! `gangway run FILE`: import and work to the end, in one process.

use std::sync::Arc;

use clap::ValueEnum;
use gangway_store::redis::survey::Duty;
use gangway_worker::Until;
use serde::Serialize;

use super::import;
use super::status::{self, Shown};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::Ending;
use crate::settings::credentials::Source;
use crate::wiring::preflight::preflight;
use crate::wiring::store::{self, Purpose};
use crate::wiring::take_in::{self, ReadingArgs, Summary};
use crate::wiring::{api, work};

/// Killed in the middle, it goes on where it was when it is run again.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  gangway run customers.csv                  until every onboarding has an end\n  \
                  gangway run customers.csv --until linked   until every customer has a link\n\n\
                  Exit code 1 if a row was refused or an onboarding died."
)]
pub(crate) struct Args {
    #[command(flatten)]
    reading: ReadingArgs,
    /// How far to go
    #[arg(long, value_enum, default_value_t = Goal::Terminal)]
    until: Goal,
}

/// How far to go.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Goal {
    /// Every onboarding has an end
    Terminal,
    /// Every onboarding has a link, or an end
    Linked,
}

#[derive(Debug, Serialize)]
struct Answer {
    import: Summary,
    status: Shown,
    elapsed_s: f64,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Ending> {
    let options = args.reading.options()?;
    let client = api::client(&context.settings)?;
    preflight(&context.settings, Duty::TakeIn, &context.stop).await?;
    let store = store::open(&context.settings, Purpose::Work).await?;
    let identity = context.settings.sections.identity();
    let import =
        take_in::import(&options, Arc::clone(&store), identity, &context.bars, &context.stop).await?;
    context.out.say(import::text(&import, false).trim_end())?;
    let goal = match args.until {
        Goal::Terminal => Until::Terminal,
        Goal::Linked => Until::Linked,
    };
    let following =
        tokio::spawn(api::follow(Source::new(&context.settings), Arc::clone(&client), context.stop.clone()));
    let worked = work::work(&context.settings, &store, client, goal, &context.bars, &context.stop).await;
    following.abort();
    let finished = match worked {
        Ok(worked) => Shown::read(&*store).await.map(|shown| (worked, shown)),
        Err(error) => Err(error),
    };
    store.close().await;
    let (worked, status) = finished?;
    if context.stop.is_cancelled() {
        return Err(Error::stopped("what was taken in is safe in the store"));
    }
    let failed = import.some_failed() || worked.newly_dead > 0;
    let answer = Answer { import, status, elapsed_s: worked.elapsed.as_secs_f64() };
    context.out.answer(&answer, || status::text(&answer.status))?;
    Ok(Ending::failed_if(failed))
}
