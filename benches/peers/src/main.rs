//! Other job queues on this machine, each by its own documented fast path: `gangway-bench-peers PEER --store URL`.
//!
//! Prints one line of JSON. A backlog is put in by the peer's bulk call, then drained by one worker whose handler does
//! nothing. The clock of the drain stops when the last handler has begun, so acknowledgements that are still under way
//! are in the peer's favour.

mod apalis;
mod bullmq;
mod payload;
mod tally;

use std::error::Error;

/// What to run, from the command line.
pub(crate) struct Options {
    /// The server, e.g. `redis://127.0.0.1:7001`.
    store: String,
    jobs: usize,
    concurrency: usize,
}

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let peer = arguments.next().ok_or("which peer: apalis-redis or bullmq-rust?")?;
    let mut options = Options { store: "redis://127.0.0.1:7001".to_owned(), jobs: 7_000, concurrency: 100 };
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--store" => options.store = value,
            "--jobs" => options.jobs = value.parse()?,
            "--concurrency" => options.concurrency = value.parse()?,
            _ => return Err(format!("{name} is unknown").into()),
        }
    }
    let result = match peer.as_str() {
        "apalis-redis" => apalis::run(&options).await?,
        "bullmq-rust" => bullmq::run(&options).await?,
        _ => return Err(format!("{peer} is unknown").into()),
    };
    println!("{result}");
    Ok(())
}
