//! What a great many customers cost while nothing happens: the server's memory, and the time of a lease beside them.

mod life;

use std::ops::Range;
use std::time::{Duration, Instant};

use gangway_jobs::kind::Kind;
use gangway_store::SharedStore;
use serde_json::{Value, json};

use crate::numbers::{percentile, real};
use crate::place::Place;
use crate::server::Memory;
use crate::straight::Driver;
use crate::{Result, customers};

/// What customers cost while they wait between two polls.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    /// Customers that wait in the end
    #[arg(long, default_value_t = 1_000_000)]
    onboardings: u32,
    /// Customers that wait when a lease is first timed
    #[arg(long, default_value_t = 1_000)]
    few: u32,
    /// Customers whose poll is due at any time, beside those that wait
    #[arg(long, default_value_t = 1_000)]
    due: u32,
    /// Leases timed
    #[arg(long, default_value_t = 400)]
    leases: u32,
}

/// Jobs in one of the timed leases.
const LEASED: usize = 100;

/// So many customers are brought to their first poll at once, in so many loops with so many jobs a call.
const CHUNK: u32 = 20_000;
const LOOPS: usize = 2;
const BATCH: usize = 500;

pub(crate) async fn run(args: &Args) -> Result<Value> {
    let store = args.place.open().await?;
    let driver = Driver::register(SharedStore::clone(&store)).await?;
    let begun = Instant::now();
    let few = 0..args.few;
    wait(&store, &driver, few.clone()).await?;
    let with_few = time_beside(&store, &driver, few.end, args).await?;

    let before = Memory::of(&args.place).await?;
    let (first, last) = (args.few + args.due, args.onboardings);
    for next in (first..last).step_by(CHUNK as usize) {
        wait(&store, &driver, next..last.min(next + CHUNK)).await?;
    }
    let after = Memory::of(&args.place).await?;
    let with_many = time_beside(&store, &driver, last.max(first), args).await?;
    let prepared = begun.elapsed();
    store.close().await;
    let more = f64::from(last.saturating_sub(first));
    let each = |before: u64, after: u64| (real(after) - real(before)) / more;
    let (all, outbox) = (each(before.used, after.used), each(before.outbox, after.outbox));
    Ok(json!({
        "case": "waiting",
        "store": args.place.kind(),
        "onboardings": args.onboardings,
        "few": args.few,
        "bytes_each": all - outbox,
        "bytes_each_with_outbox": all,
        "outbox_bytes_each": outbox,
        "lease_few_ms": with_few,
        "lease_many_ms": with_many,
        "ratio": with_many / with_few,
        "seconds": prepared.as_secs_f64(),
    }))
}

/// Takes customers in, brings them through create and link and their first poll, and leaves them to wait.
async fn wait(store: &SharedStore, driver: &Driver, numbers: Range<u32>) -> Result<()> {
    let count = numbers.len().try_into()?;
    link(store, driver, numbers).await?;
    driver.drive(Kind::PollStatus, count, BATCH, LOOPS, life::waits).await
}

async fn link(store: &SharedStore, driver: &Driver, numbers: Range<u32>) -> Result<()> {
    let count = numbers.len().try_into()?;
    customers::hand_in(store, numbers).await?;
    driver.drive(Kind::CreateCustomer, count, BATCH, LOOPS, life::created).await?;
    driver.drive(Kind::CreateLink, count, BATCH, LOOPS, life::linked).await
}

/// The median time of a lease beside those that wait, in milliseconds. Takes in some more customers, from number `first`
/// on, whose polls are due again and again; in the end they wait too.
async fn time_beside(store: &SharedStore, driver: &Driver, first: u32, args: &Args) -> Result<f64> {
    link(store, driver, first..first + args.due).await?;
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..args.leases {
        let (jobs, took) = driver.lease(Kind::PollStatus, LEASED).await?;
        if jobs.len() != LEASED {
            return Err(format!("leased {} jobs, not {LEASED}", jobs.len()).into());
        }
        times.push(took);
        driver.settle(&jobs, life::due_again).await?;
    }
    driver.drive(Kind::PollStatus, args.due, BATCH, LOOPS, life::waits).await?;
    times.sort_unstable();
    Ok(percentile(&times, 0.5))
}
