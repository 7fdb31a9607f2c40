//! How soon an idle worker begins a job: from the call of enqueue to the first line of the handler.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gangway_producer::Producer;
use gangway_store::SharedStore;
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;

use crate::Result;
use crate::crew::{self, Hand};
use crate::customers::{customer, identity};
use crate::handlers::{Nobody, Tells};
use crate::numbers::percentile;
use crate::place::Place;

/// From the enqueue to the start of the handler, on an idle worker.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    /// Jobs, one at a time
    #[arg(long, default_value_t = 1_000)]
    samples: u32,
    /// The shortest pause between two jobs
    #[arg(long, default_value_t = 10)]
    pause_ms: u64,
    /// One handle on the store for producer and worker, as when both live in one process
    #[arg(long)]
    together: bool,
}

/// Producer and worker have a handle on the store each, so that nothing travels within the process, unless they are
/// asked to share one. Each pause is random, between the shortest and three times that.
pub(crate) async fn run(args: &Args) -> Result<Value> {
    let store = args.place.open().await?;
    let workers = if args.together { SharedStore::clone(&store) } else { args.place.open().await? };
    let producer = Producer::new(SharedStore::clone(&store), identity());
    let (tell, mut told) = unbounded_channel();
    let hand = Hand::start(&workers, Arc::new(Nobody), Tells(tell), 32);
    crew::registered(&store, 1).await?;
    let mut samples = Vec::new();
    for n in 0..args.samples {
        let pause = Duration::from_millis(args.pause_ms).mul_f64(1.0 + 2.0 * rand::random::<f64>());
        tokio::time::sleep(pause).await;
        let customer = customer(n)?;
        let begun = Instant::now();
        producer.enqueue(customer).await?;
        let started: Instant = told.recv().await.ok_or("the worker has ended")?;
        samples.push(started.saturating_duration_since(begun));
    }
    hand.stop().await?;
    workers.close().await;
    store.close().await;
    samples.sort_unstable();
    Ok(json!({
        "case": "latency",
        "store": args.place.kind(),
        "samples": args.samples,
        "p50_ms": percentile(&samples, 0.5),
        "p99_ms": percentile(&samples, 0.99),
        "max_ms": percentile(&samples, 1.0),
    }))
}
