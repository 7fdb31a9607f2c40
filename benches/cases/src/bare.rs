//! What the store can do at most: the drain's lease and settle calls, and nothing around them.

use gangway_jobs::kind::Kind;
use gangway_store::SharedStore;
use serde_json::{Value, json};

use crate::place::Place;
use crate::straight::Driver;
use crate::window::Window;
use crate::{Result, customers, handlers};

/// The same lease and settle calls without a worker.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    /// How many jobs
    #[arg(long, default_value_t = 200_000)]
    jobs: u32,
    /// Jobs a call
    #[arg(long, default_value_t = 500)]
    batch: usize,
    /// Loops of lease and settle at once
    #[arg(long, default_value_t = 2)]
    loops: usize,
}

pub(crate) async fn run(args: &Args) -> Result<Value> {
    let store = args.place.open().await?;
    customers::hand_in(&store, 0..args.jobs).await?;
    let driver = Driver::register(SharedStore::clone(&store)).await?;
    let window = Window::open(&args.place).await?;
    driver.drive(Kind::CreateCustomer, args.jobs, args.batch, args.loops, handlers::no_op).await?;
    let took = window.close().await?;
    let left = store.status().await?.jobs;
    store.close().await;
    if !left.values().all(|states| states.values().all(|count| *count == 0)) {
        return Err(format!("jobs are left: {left:?}").into());
    }
    let mut result = json!({
        "case": "bare",
        "store": args.place.kind(),
        "jobs": args.jobs,
        "batch": args.batch,
        "loops": args.loops,
    });
    took.tell(&mut result, args.jobs.into());
    Ok(result)
}
