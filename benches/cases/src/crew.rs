//! The workers of a case: one in this process, or several in processes of their own.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gangway_jobs::poll::PollPolicy;
use gangway_onemoney::Api;
use gangway_store::{SharedStore, Status};
use gangway_worker::{Config, Counts, Handler, Stats, Until, Worker};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::handlers::{NoOp, Nobody};
use crate::place::{Place, RATE};
use crate::{Result, customers};

/// Nothing that is measured takes longer.
const PATIENCE: Duration = Duration::from_mins(15);

/// A worker for a case with several processes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    #[arg(long)]
    concurrency: usize,
}

/// A worker on a task of its own.
#[derive(Debug)]
pub(crate) struct Hand {
    running: JoinHandle<std::result::Result<(), gangway_worker::Error>>,
    stop: CancellationToken,
    stats: Arc<Stats>,
}

impl Hand {
    /// Starts a worker that works until it is stopped.
    pub(crate) fn start<A, H>(store: &SharedStore, api: Arc<A>, handler: H, concurrency: usize) -> Self
    where
        A: Api + std::fmt::Debug,
        H: Handler<A>,
    {
        let (stop, stats) = (CancellationToken::new(), Arc::<Stats>::default());
        let worker = Worker {
            store: Arc::clone(store),
            api,
            identity: customers::identity(),
            config: config(concurrency),
            stats: Arc::clone(&stats),
            known: 0,
        };
        let running = tokio::spawn(worker.run_with(handler, Until::Stopped, stop.clone()));
        Self { running, stop, stats }
    }

    /// Stops it; answers what it did.
    pub(crate) async fn stop(self) -> Result<Counts> {
        self.stop.cancel();
        self.running.await??;
        Ok(self.stats.counts())
    }
}

/// All defaults but for the places, and polls that follow each other at once.
fn config(concurrency: usize) -> Config {
    let poll = PollPolicy {
        min_interval: Duration::from_millis(1),
        max_interval: Duration::from_millis(1),
        ..PollPolicy::default()
    };
    Config { concurrency, rate: RATE, poll, ..Config::default() }
}

/// Workers with no-op handlers, one or several processes of them.
#[derive(Debug)]
pub(crate) enum Crew {
    Here(Hand),
    Children(Vec<Child>),
}

impl Crew {
    /// Starts them and waits until all have registered.
    pub(crate) async fn start(
        place: &Place,
        store: &SharedStore,
        processes: usize,
        concurrency: usize,
    ) -> Result<Self> {
        let crew = if processes == 1 {
            Self::Here(Hand::start(store, Arc::new(Nobody), NoOp, concurrency))
        } else {
            Self::Children((0..processes).map(|_| child(place, concurrency)).collect::<Result<_>>()?)
        };
        registered(store, processes).await?;
        Ok(crew)
    }

    /// Stops them; fails if a lease was lost on the way.
    pub(crate) async fn stop(self) -> Result<()> {
        let lost = match self {
            Self::Here(hand) => hand.stop().await?.lost,
            Self::Children(children) => {
                let mut lost = 0;
                for child in children {
                    let told: Value = serde_json::from_str(&ended(child).await?)?;
                    lost += told["lost"].as_u64().ok_or("a worker told nothing")?;
                }
                lost
            }
        };
        if lost > 0 { Err(format!("{lost} leases were lost").into()) } else { Ok(()) }
    }
}

/// Waits until so many workers have registered.
pub(crate) async fn registered(store: &SharedStore, processes: usize) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while store.workers().await?.len() < processes {
        if Instant::now() > deadline {
            return Err("the workers do not come up".into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Waits until the sums are as they should be.
pub(crate) async fn until(store: &SharedStore, reached: impl Fn(&Status) -> bool) -> Result<()> {
    const LOOK_EVERY: Duration = Duration::from_millis(10);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let status = store.status().await?;
        if reached(&status) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("not done in time: {:?} {:?}", status.by_stage, status.jobs).into());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Whether no job is left.
pub(crate) fn no_job_left(status: &Status) -> bool {
    status.jobs.values().flat_map(|states| states.values()).sum::<u64>() == 0
}

fn child(place: &Place, concurrency: usize) -> Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("worker").args(place.arguments()).args(["--concurrency", &concurrency.to_string()]);
    Ok(command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?)
}

/// Ends a child by ending its input; answers the line that it printed.
async fn ended(mut child: Child) -> Result<String> {
    drop(child.stdin.take());
    let mut line = String::new();
    let out = child.stdout.take().ok_or("a child without an output")?;
    BufReader::new(out).read_line(&mut line).await?;
    child.wait().await?;
    Ok(line)
}

/// Returns when this process's input ends, as its parent asks it to or because the parent has died.
pub(crate) async fn input_ended() {
    let mut nothing = Vec::new();
    // An input that cannot be read has ended too.
    tokio::io::stdin().read_to_end(&mut nothing).await.map(drop).unwrap_or_default();
}

/// The child's part.
pub(crate) async fn work(args: &Args) -> Result<Value> {
    let store = args.place.open().await?;
    let hand = Hand::start(&store, Arc::new(Nobody), NoOp, args.concurrency);
    input_ended().await;
    let counts = hand.stop().await?;
    store.close().await;
    Ok(json!({"attempts": counts.attempts, "lost": counts.lost}))
}
