//! Whole onboardings: create, link, three polls, and every event, by the worker and its real handlers.

use std::sync::Arc;

use gangway_jobs::onboarding::Stage;
use gangway_worker::Pipeline;
use serde_json::{Value, json};

use crate::crew::{self, Hand};
use crate::place::Place;
use crate::simulator::{POLLS, Remote};
use crate::window::Window;
use crate::{Result, customers};

/// Whole onboardings against the simulator.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    /// How many
    #[arg(long, default_value_t = 10_000)]
    customers: u32,
    /// Handlers at once, for each kind
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
}

pub(crate) async fn run(args: &Args) -> Result<Value> {
    let remote = Remote::start().await?;
    let store = args.place.open().await?;
    store.pause(None).await?;
    customers::hand_in(&store, 0..args.customers).await?;
    let hand = Hand::start(&store, Arc::new(remote.client()?), Pipeline, args.concurrency);
    crew::registered(&store, 1).await?;
    let all = u64::from(args.customers);
    let window = Window::open(&args.place).await?;
    store.resume(None).await?;
    crew::until(&store, |status| status.by_stage.get(&Stage::Approved) == Some(&all)).await?;
    let took = window.close().await?;
    let counts = hand.stop().await?;
    store.close().await;
    if counts.attempts != all * (2 + POLLS) || counts.lost > 0 {
        return Err(format!("{counts:?}").into());
    }
    remote.end(all).await?;
    let mut result = json!({
        "case": "pipeline",
        "store": args.place.kind(),
        "customers": args.customers,
        "concurrency": args.concurrency,
    });
    took.tell(&mut result, all);
    Ok(result)
}
