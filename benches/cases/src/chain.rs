//! Jobs that each do all that a step can: change the record, publish an event, queue the next job.

use std::sync::Arc;

use gangway_jobs::onboarding::Stage;
use serde_json::{Value, json};

use crate::crew::{self, Hand};
use crate::handlers::{Chain, Nobody};
use crate::place::Place;
use crate::window::Window;
use crate::{Result, customers};

/// Jobs that each queue the next, change their record and publish an event.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    /// How many onboardings
    #[arg(long, default_value_t = 40_000)]
    onboardings: u32,
    /// Jobs of each, the create included
    #[arg(long, default_value_t = 5)]
    steps: u64,
    /// Handlers at once, for each kind
    #[arg(long, default_value_t = 1_000)]
    concurrency: usize,
}

pub(crate) async fn run(args: &Args) -> Result<Value> {
    let store = args.place.open().await?;
    store.pause(None).await?;
    customers::hand_in(&store, 0..args.onboardings).await?;
    let handler = Chain { steps: args.steps };
    let hand = Hand::start(&store, Arc::new(Nobody), handler, args.concurrency);
    crew::registered(&store, 1).await?;
    let all = u64::from(args.onboardings);
    let window = Window::open(&args.place).await?;
    store.resume(None).await?;
    crew::until(&store, |status| status.by_stage.get(&Stage::Approved) == Some(&all)).await?;
    let took = window.close().await?;
    let (counts, events) = (hand.stop().await?, store.status().await?.outbox_length);
    store.close().await;
    let steps = all * args.steps;
    // Each step has an event of its own, and each onboarding that of its end.
    if (counts.attempts, counts.lost, events) != (steps, 0, steps + all) {
        return Err(format!("{counts:?}, {events} events").into());
    }
    let mut result = json!({
        "case": "chain",
        "store": args.place.kind(),
        "onboardings": args.onboardings,
        "steps": steps,
        "concurrency": args.concurrency,
    });
    took.tell(&mut result, steps);
    Ok(result)
}
