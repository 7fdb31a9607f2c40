//! `gangway link REF`: another onboarding link, made by a worker.

use std::time::Duration;

use gangway_jobs::event::EventType;
use gangway_jobs::id::OnboardingId;
use gangway_store::{LinkRequested, Position, Store, Target};
use serde_json::{Value, json};

use super::Ref;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::Ending;
use crate::settings::duration;
use crate::wiring::store::{self, Purpose};
use crate::wiring::{lookup, walk};

/// A worker makes the link; this waits for it. On a rejected or expired onboarding the next round begins.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gangway link C-000042")]
pub(crate) struct Args {
    #[command(flatten)]
    onboarding: Ref,
    /// Do not wait for the link; it comes as an event
    #[arg(long)]
    no_wait: bool,
    /// How long to wait for a worker to make it
    #[arg(long, default_value = "30s", value_parser = duration::parse)]
    timeout: Duration,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Ending> {
    let store = store::open(&context.settings, Purpose::Visit).await?;
    let before = lookup::find(&*store, &args.onboarding.named).await?.record;
    let ordinal = before.link.map_or(0, |link| link.ordinal);
    let asked = store.request_link(Target::Id(before.id)).await?;
    let ending = match asked {
        LinkRequested::Queued | LinkRequested::Reopened if args.no_wait => {
            context.out.answer(&json!({ "result": word(asked) }), || "asked for\n".to_owned())?;
            Ending::Well
        }
        LinkRequested::Queued | LinkRequested::Reopened => {
            let link = wait(&*store, before.id, ordinal, args.timeout, context).await?;
            let value =
                json!({ "result": word(asked), "url": link["url"], "expires_at": link["expires_at"] });
            context.out.answer(&value, || format!("{}\n", link["url"].as_str().unwrap_or_default()))?;
            Ending::Well
        }
        LinkRequested::TooEarly => {
            let text = "has no customer yet; its first link comes by itself";
            context.out.answer(&json!({ "result": "too_early" }), || format!("{text}\n"))?;
            Ending::SomeFailed
        }
        LinkRequested::Ended(stage) => {
            context.out.answer(&json!({ "result": "ended", "stage": stage }), || {
                format!("has ended for good: {stage}\n")
            })?;
            Ending::SomeFailed
        }
        LinkRequested::Unknown => return Err(Error::UnknownOnboarding),
    };
    store.close().await;
    Ok(ending)
}

const fn word(asked: LinkRequested) -> &'static str {
    if matches!(asked, LinkRequested::Reopened) { "reopened" } else { "queued" }
}

/// Waits for a link after number `ordinal`; answers the data of its event, which alone holds the URL.
async fn wait(
    store: &dyn Store,
    id: OnboardingId,
    ordinal: u32,
    at_most: Duration,
    context: &Context,
) -> Result<Value> {
    let made = async {
        loop {
            let link = store.find(Target::Id(id)).await?.and_then(|found| found.record.link);
            if link.is_some_and(|link| link.ordinal > ordinal) {
                return newest_link(store, id).await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let too_late = || Error::TooLate {
        what: format!("the link was not made within {}", duration::show(at_most)),
        help: "it is queued and comes as an event; see that a worker runs and `gangway circuit`".to_owned(),
    };
    match context.stop.run_until_cancelled(tokio::time::timeout(at_most, made)).await {
        Some(Ok(link)) => link,
        Some(Err(_elapsed)) => Err(too_late()),
        None => Err(Error::Stopped {
            what: "the link is queued".to_owned(),
            help: "it comes as an event; see `gangway outbox read`",
        }),
    }
}

async fn newest_link(store: &dyn Store, id: OnboardingId) -> Result<Value> {
    let mut newest = Value::Null;
    walk::events(store, Position::default(), |_position, event| {
        if event.onboarding == id && event.kind == EventType::LinkCreated {
            newest = event.data.clone();
        }
        Ok(())
    })
    .await?;
    Ok(newest)
}
