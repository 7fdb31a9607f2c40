//! `gangway status`: the sums.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::job::State;
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::Stage;
use gangway_store::{Status, Store, WorkerState};
use serde::Serialize;

use self::workers::Worker;
use super::queue::limits::Limits;
use crate::context::Context;
use crate::error::Result;
use crate::output::Ending;
use crate::output::table::{Table, number};
use crate::wiring::store::{self, Purpose};

mod workers;

/// The sums always add up: onboardings are those that have an end and those in progress.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  gangway status --watch\n  gangway status --json | jq .onboardings.by_stage"
)]
pub(crate) struct Args {
    /// Show them anew each second, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

/// The sums as programs get them.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    onboardings: Onboardings,
    jobs: BTreeMap<&'static str, Jobs>,
    outbox: Outbox,
    circuit: Circuit,
    paused: Vec<&'static str>,
    /// What people have set for all workers.
    limits: Option<Limits>,
    /// Those that live.
    workers: Vec<Worker>,
}

#[derive(Debug, Serialize)]
struct Onboardings {
    total: u64,
    by_stage: BTreeMap<Stage, u64>,
}

#[derive(Debug, Default, Serialize)]
struct Jobs {
    available: u64,
    scheduled: u64,
    running: u64,
    retryable: u64,
    dead: u64,
}

#[derive(Debug, Serialize)]
struct Outbox {
    length: u64,
    groups: BTreeMap<String, u64>,
}

#[derive(Debug, Serialize)]
struct Circuit {
    state: String,
    reason: String,
}

impl Shown {
    /// Reads the sums.
    pub(crate) async fn read(store: &dyn Store) -> Result<Self> {
        let (status, limits) = (store.status().await?, store.limits().await?);
        Ok(Self { limits: limits.map(Limits::from), ..Self::new(&status, store.now().await?) })
    }

    /// Every stage and every kind, those without any too.
    fn new(status: &Status, now: Timestamp) -> Self {
        let of_stage = |stage| (stage, status.by_stage.get(&stage).copied().unwrap_or_default());
        let of_kind = |kind: Kind| {
            let by_state = status.jobs.get(&kind);
            let count = |state| by_state.and_then(|states| states.get(&state)).copied().unwrap_or_default();
            let jobs = Jobs {
                available: count(State::Available),
                scheduled: count(State::Scheduled),
                running: count(State::Running),
                retryable: count(State::Retryable),
                dead: count(State::Dead),
            };
            (kind.as_str(), jobs)
        };
        Self {
            onboardings: Onboardings {
                total: status.total(),
                by_stage: Stage::ALL.into_iter().map(of_stage).collect(),
            },
            jobs: Kind::ALL.into_iter().map(of_kind).collect(),
            outbox: Outbox { length: status.outbox_length, groups: status.groups.clone() },
            circuit: Circuit { state: status.circuit.0.clone(), reason: status.circuit.1.clone() },
            paused: status.paused.iter().map(|kind| kind.as_str()).collect(),
            limits: None,
            workers: by_start(&status.workers).into_iter().map(|worker| Worker::new(worker, now)).collect(),
        }
    }
}

/// The longest at work first.
fn by_start(workers: &[WorkerState]) -> Vec<&WorkerState> {
    let mut sorted: Vec<&WorkerState> = workers.iter().collect();
    sorted.sort_by_key(|worker| (worker.started_at, worker.info.id));
    sorted
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Ending> {
    let store = store::open(&context.settings, Purpose::Visit).await?;
    loop {
        let shown = Shown::read(&*store).await?;
        if args.watch && !context.out.is_json() && io::stdout().is_terminal() {
            // To the top left, and clear what is below: the terminal's own words for "draw anew".
            context.out.raw(b"\x1b[H\x1b[2J")?;
        }
        context.out.answer(&shown, || text(&shown))?;
        let second = tokio::time::sleep(Duration::from_secs(1));
        if !args.watch || context.stop.run_until_cancelled(second).await.is_none() {
            store.close().await;
            return Ok(Ending::Well);
        }
    }
}

/// The sums for people.
pub(crate) fn text(shown: &Shown) -> String {
    let mut jobs = Table::new(&[1, 2, 3, 4, 5]);
    jobs.row(["jobs", "available", "scheduled", "running", "retryable", "dead"]);
    for (kind, n) in &shown.jobs {
        let counts = [n.available, n.scheduled, n.running, n.retryable, n.dead].map(number);
        jobs.row(std::iter::once((*kind).to_owned()).chain(counts));
    }
    let mut rest = Table::new(&[]);
    rest.row(["outbox", &format!("{} events", number(shown.outbox.length))]);
    for (group, behind) in &shown.outbox.groups {
        rest.row(["", &format!("group {group}: {} not acknowledged", number(*behind))]);
    }
    let Circuit { state, reason } = &shown.circuit;
    rest.row(["circuit", &if reason.is_empty() { state.clone() } else { format!("{state}: {reason}") }]);
    if !shown.paused.is_empty() {
        rest.row(["paused", &shown.paused.join(", ")]);
    }
    if let Some(limits) = &shown.limits {
        rest.row(["limit", &format!("{}, set by `gangway queue limits`", limits.text())]);
    }
    let (sum, workers) = (sum(&shown.onboardings), workers::text(&shown.workers));
    format!("{sum}\n{}\n{workers}\n{}", jobs.render(), rest.render())
}

fn sum(onboardings: &Onboardings) -> String {
    let mut table = Table::new(&[1]);
    table.row(["onboardings".to_owned(), number(onboardings.total)]);
    for (stage, count) in onboardings.by_stage.iter().filter(|(_, count)| **count > 0) {
        let word = if stage.is_end() { "" } else { "in progress" };
        table.row([stage.as_str().to_owned(), number(*count), word.to_owned()]);
    }
    let part = |is_end: bool| {
        onboardings.by_stage.iter().filter(|(stage, _)| stage.is_end() == is_end).map(|(_, n)| n).sum::<u64>()
    };
    let (ended, in_progress) = (part(true), part(false));
    format!(
        "{}  {} = {} ended + {} in progress\n",
        table.render(),
        number(onboardings.total),
        number(ended),
        number(in_progress)
    )
}
