//! Customers handed in by the library that an app embeds.

use gangway_jobs::customer::NewCustomer;
use gangway_producer::Producer;
use gangway_store::SharedStore;
use serde_json::{Value, json};

use crate::Result;
use crate::customers::{BATCH, customer, identity};
use crate::place::Place;
use crate::window::Window;

/// Customers handed in by the producer library.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    /// How many
    #[arg(long, default_value_t = 300_000)]
    jobs: u32,
    /// Callers at once, with batches of 1,000
    #[arg(long, default_value_t = 2)]
    writers: u32,
}

/// What an app has to do is in the time: the identity of each customer, its payload, the call. Parsing its form is not.
pub(crate) async fn run(args: &Args) -> Result<Value> {
    let store = args.place.open().await?;
    let producer = Producer::new(SharedStore::clone(&store), identity());
    let share = args.jobs.div_ceil(args.writers);
    let shares = (0..args.writers).map(|writer| {
        let numbers = writer * share..args.jobs.min((writer + 1) * share);
        let customers = numbers.map(customer).collect::<Result<Vec<NewCustomer>>>()?;
        Ok(customers.chunks(BATCH as usize).map(<[_]>::to_vec).collect::<Vec<_>>())
    });
    let shares = shares.collect::<Result<Vec<_>>>()?;
    let mut writing = tokio::task::JoinSet::new();
    let window = Window::open(&args.place).await?;
    for batches in shares {
        let producer = producer.clone();
        writing.spawn(async move {
            for batch in batches {
                producer.enqueue_all(batch).await?;
            }
            Ok::<(), gangway_producer::Error>(())
        });
    }
    while let Some(written) = writing.join_next().await {
        written??;
    }
    let took = window.close().await?;
    let kept = store.status().await?.total();
    store.close().await;
    if kept != u64::from(args.jobs) {
        return Err(format!("{kept} records of {}", args.jobs).into());
    }
    let mut result = json!({
        "case": "enqueue",
        "store": args.place.kind(),
        "jobs": args.jobs,
        "writers": args.writers,
        "batch": BATCH,
    });
    took.tell(&mut result, args.jobs.into());
    Ok(result)
}
