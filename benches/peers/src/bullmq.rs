//! BullMQ's own port to Rust: `add_bulk`, and a worker with many handlers at once. The same Lua scripts as the one for
//! Node. Finished jobs are removed, as its documentation advises.

use std::sync::Arc;
use std::time::Instant;

use bullmq::options::RedisConnectionOptions;
use bullmq::types::RemoveOnFinish;
use bullmq::{BulkJob, Job, JobOptions, Queue, QueueOptions, Worker, WorkerOptions};
use serde_json::Value;

use crate::payload::Customer;
use crate::tally::{self, Tally};
use crate::{Options, Outcome};

/// Its benchmark adds 5,000 at once; batches keep the memory small.
const BATCH: usize = 1_000;

pub(crate) async fn run(options: &Options) -> Outcome<Value> {
    let connection = RedisConnectionOptions::new().url(options.store.as_str()).max_connections(8);
    let job_options =
        JobOptions { remove_on_complete: Some(RemoveOnFinish::Bool(true)), ..JobOptions::default() };
    let queue_options =
        QueueOptions::new().connection(connection.clone()).default_job_options(job_options.clone());
    let queue = Queue::with_options("customers", queue_options).await?;

    let begun = Instant::now();
    for first in (0..options.jobs).step_by(BATCH) {
        let numbers = first..options.jobs.min(first + BATCH);
        let jobs =
            numbers.map(|n| BulkJob::new("create", Customer::numbered(n)).options(job_options.clone()));
        queue.add_bulk(jobs.collect()).await?;
    }
    let enqueue = begun.elapsed();

    let tally = Arc::new(Tally::of(options.jobs));
    let counting = Arc::clone(&tally);
    let handler = move |_job: Job, _token| {
        counting.count();
        async { Ok(Value::Null) }
    };
    let worker_options = WorkerOptions::new().connection(connection).concurrency(options.concurrency);
    let drain = Instant::now();
    let worker = Worker::with_options("customers", handler, worker_options).await?;
    tally.all().await;
    let settings = format!("add_bulk {BATCH}, concurrency {}, remove_on_complete", options.concurrency);
    let result = tally::result("bullmq-rust", &settings, options.jobs, enqueue, drain);
    worker.close(5_000).await?;
    Ok(result)
}
