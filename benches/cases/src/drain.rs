//! A backlog of no-op jobs, leased and settled by the real worker.

use serde_json::{Value, json};

use crate::crew::{self, Crew};
use crate::place::Place;
use crate::window::Window;
use crate::{Result, customers};

/// No-op jobs through real workers.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    /// How many
    #[arg(long, default_value_t = 200_000)]
    jobs: u32,
    /// Processes that work
    #[arg(long, default_value_t = 1)]
    processes: usize,
    /// Handlers at once, in each process
    #[arg(long, default_value_t = 1_000)]
    concurrency: usize,
}

/// The jobs wait behind a pause until all workers are there; the clock runs from its end until no job is left.
pub(crate) async fn run(args: &Args) -> Result<Value> {
    let store = args.place.open().await?;
    store.pause(None).await?;
    customers::hand_in(&store, 0..args.jobs).await?;
    let crew = Crew::start(&args.place, &store, args.processes, args.concurrency).await?;
    let window = Window::open(&args.place).await?;
    store.resume(None).await?;
    crew::until(&store, crew::no_job_left).await?;
    let took = window.close().await?;
    crew.stop().await?;
    let kept = store.status().await?.total();
    store.close().await;
    if kept != u64::from(args.jobs) {
        return Err(format!("{kept} records of {}", args.jobs).into());
    }
    let mut result = json!({
        "case": "drain",
        "store": args.place.kind(),
        "jobs": args.jobs,
        "processes": args.processes,
        "concurrency": args.concurrency,
    });
    took.tell(&mut result, args.jobs.into());
    if args.processes > 1 {
        // The work was the children's.
        result["own_us_each"] = Value::Null;
    }
    Ok(result)
}
