//! `gangway worker`: works until it is told to stop.

use std::sync::Arc;

use gangway_store::redis::survey::Duty;
use gangway_worker::Until;
use serde::Serialize;

use crate::context::Context;
use crate::error::Result;
use crate::output::Ending;
use crate::output::table::{Table, number};
use crate::settings::credentials::Source;
use crate::wiring::patience;
use crate::wiring::preflight::preflight;
use crate::wiring::store::{self, Purpose};
use crate::wiring::work::Worked;
use crate::wiring::{api, watch, work};

/// Any number of workers may share a store. One that is killed loses nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gangway worker                 until SIGTERM or Ctrl-C\n  \
                        gangway worker --until-idle    until every onboarding has an end\n\n\
                        Exit code 1 if an onboarding died meanwhile.")]
pub(crate) struct Args {
    /// Exit when no onboarding is left that has no end
    #[arg(long)]
    until_idle: bool,
}

#[derive(Debug, Serialize)]
struct Answer {
    attempts: u64,
    completed: u64,
    snoozed: u64,
    retried: u64,
    buried: u64,
    given_back: u64,
    lost: u64,
    newly_dead: u64,
    elapsed_s: f64,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Ending> {
    let client = api::client(&context.settings)?;
    preflight(&context.settings, Duty::Work, &context.stop).await?;
    let store = patience::wait(&context.stop, || store::try_open(&context.settings, Purpose::Work)).await?;
    let until = if args.until_idle { Until::Terminal } else { Until::Stopped };
    let following =
        tokio::spawn(api::follow(Source::new(&context.settings), Arc::clone(&client), context.stop.clone()));
    let watching = watch::start(&context.settings, &store);
    let worked = work::work(&context.settings, &store, client, until, &context.bars, &context.stop).await;
    following.abort();
    if let Some(watching) = watching {
        watching.abort();
    }
    store.close().await;
    let worked = worked?;
    context.out.answer(&answer(&worked), || text(&worked))?;
    Ok(Ending::failed_if(worked.newly_dead > 0))
}

fn answer(worked: &Worked) -> Answer {
    let counts = worked.counts;
    Answer {
        attempts: counts.attempts,
        completed: counts.completed,
        snoozed: counts.snoozed,
        retried: counts.retried,
        buried: counts.buried,
        given_back: counts.given_back,
        lost: counts.lost,
        newly_dead: worked.newly_dead,
        elapsed_s: worked.elapsed.as_secs_f64(),
    }
}

fn text(worked: &Worked) -> String {
    let counts = worked.counts;
    let mut table = Table::new(&[0]);
    for (count, what) in [
        (counts.attempts, "attempts"),
        (counts.completed, "completed"),
        (counts.snoozed, "snoozed: looked, and will look again"),
        (counts.retried, "failed, to be tried again"),
        (counts.given_back, "given back, at no cost"),
        (counts.buried, "failed for good, or parked until it is known whose fault it is"),
        (counts.lost, "ends not written, because the lease was gone"),
        (worked.newly_dead, "onboardings died"),
    ] {
        if count > 0 || what == "attempts" {
            table.row([number(count), what.to_owned()]);
        }
    }
    table.render()
}
