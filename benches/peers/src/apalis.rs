//! apalis-redis as it comes: the backend that Gangway does without. Its fetch script fails at 8,000 due jobs, so the
//! backlog stays below.

use std::sync::Arc;
use std::time::{Duration, Instant};

use apalis::prelude::{BoxDynError, Data, TaskSink, WorkerBuilder, WorkerBuilderExt};
use apalis_redis::{Config, RedisStorage};
use serde_json::Value;

use crate::payload::Customer;
use crate::tally::{self, Tally};
use crate::{Options, Outcome};

const MOST_JOBS: usize = 7_000;

const BATCH: usize = 1_000;

async fn no_op(_: Customer, tally: Data<Arc<Tally>>) -> Result<(), BoxDynError> {
    tally.count();
    Ok(())
}

pub(crate) async fn run(options: &Options) -> Outcome<Value> {
    let jobs = options.jobs.min(MOST_JOBS);
    let connection = apalis_redis::connect(options.store.as_str()).await?;
    let config =
        Config::default().queue("customers").batch_size(100).persist_results(false).emit_events(false);
    let mut storage = RedisStorage::new(connection).with_config(config);

    let begun = Instant::now();
    for first in (0..jobs).step_by(BATCH) {
        let customers = (first..jobs.min(first + BATCH)).map(Customer::numbered);
        storage.push_bulk(customers.collect()).await?;
    }
    let enqueue = begun.elapsed();

    let tally = Arc::new(Tally::of(jobs));
    let worker = WorkerBuilder::new("bench")
        .backend(storage)
        .concurrency(options.concurrency)
        .data(Arc::clone(&tally))
        .build(no_op);
    let drain = Instant::now();
    let running = tokio::spawn(worker.run());
    tally.all().await;
    let settings =
        format!("push_bulk {BATCH}, batch_size 100, concurrency {}, no stored results", options.concurrency);
    let result = tally::result("apalis-redis", &settings, jobs, enqueue, drain);
    tokio::time::sleep(Duration::from_millis(100)).await;
    running.abort();
    Ok(result)
}
