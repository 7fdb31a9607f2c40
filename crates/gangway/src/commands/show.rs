//! `gangway show REF`: record, timeline, jobs. Never a payload.

use std::fmt::Write as _;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::CustomerId;
use gangway_jobs::job::{Job, State};
use gangway_jobs::onboarding::{Entry, Record};
use gangway_store::Inspection;
use serde::Serialize;

use super::Ref;
use crate::context::Context;
use crate::error::Result;
use crate::output::Ending;
use crate::output::table::Table;
use crate::wiring::lookup;
use crate::wiring::store::{self, Purpose};

/// Nothing personal is shown but the reference: names and e-mails are not in the record.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gangway show C-000042")]
pub(crate) struct Args {
    #[command(flatten)]
    onboarding: Ref,
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    id: String,
    reference: Option<&'a str>,
    row: Option<u64>,
    stage: &'static str,
    round: u32,
    customer_id: Option<&'a str>,
    foreign_customer_id: Option<&'a str>,
    kyb_status: Option<&'a str>,
    kyb_updated_at: Option<&'a str>,
    link: Option<Link>,
    failure: Option<Failure<'a>>,
    uncertain_since: Option<String>,
    stale: bool,
    cancel_requested: bool,
    erase_requested: bool,
    polls: u64,
    events: u64,
    created_at: String,
    updated_at: String,
    timeline: Vec<Change<'a>>,
    jobs: Vec<JobShown<'a>>,
}

#[derive(Debug, Serialize)]
struct Link {
    ordinal: u32,
    expires_at: String,
}

#[derive(Debug, Serialize)]
struct Failure<'a> {
    code: &'static str,
    message: &'a str,
    at: String,
}

#[derive(Debug, Serialize)]
struct Change<'a> {
    at: String,
    what: &'a str,
}

#[derive(Debug, Serialize)]
struct JobShown<'a> {
    kind: &'static str,
    state: State,
    due: String,
    attempts: u32,
    lease_losses: u32,
    parked: bool,
    failure: Option<Failure<'a>>,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Ending> {
    let store = store::open(&context.settings, Purpose::Visit).await?;
    let found = lookup::find(&*store, &args.onboarding.named).await?;
    let now = store.now().await?;
    store.close().await;
    context.out.answer(&shown(&found, now), || text(&found, now))?;
    Ok(Ending::Well)
}

fn shown(found: &Inspection, now: Timestamp) -> Shown<'_> {
    let record = &found.record;
    Shown {
        id: record.id.to_string(),
        reference: record.reference.as_deref(),
        row: record.origin.map(|origin| origin.row),
        stage: record.stage.as_str(),
        round: record.round,
        customer_id: record.customer_id.as_ref().map(CustomerId::as_str),
        foreign_customer_id: record.foreign_customer_id.as_ref().map(CustomerId::as_str),
        kyb_status: record.kyb.as_ref().map(|kyb| kyb.status.as_str()),
        kyb_updated_at: record.kyb.as_ref().map(|kyb| kyb.updated_at.as_str()),
        link: record.link.map(|link| Link { ordinal: link.ordinal, expires_at: link.expires_at.to_string() }),
        failure: record.failure.as_ref().map(failure),
        uncertain_since: record.uncertain_since.map(|at| at.to_string()),
        stale: record.stale,
        cancel_requested: record.cancel_requested,
        erase_requested: record.erase_requested,
        polls: record.polls,
        events: record.sequence,
        created_at: record.created_at.to_string(),
        updated_at: record.updated_at.to_string(),
        timeline: record.timeline.iter().map(change).collect(),
        jobs: found.jobs.iter().map(|job| job_shown(job, now)).collect(),
    }
}

fn failure(failure: &gangway_jobs::failure::Failure) -> Failure<'_> {
    Failure { code: failure.code.as_str(), message: &failure.message, at: failure.at.to_string() }
}

fn change(entry: &Entry) -> Change<'_> {
    Change { at: entry.at.to_string(), what: &entry.what }
}

fn job_shown(job: &Job, now: Timestamp) -> JobShown<'_> {
    JobShown {
        kind: job.id.kind.as_str(),
        state: job.state(now),
        due: job.due.to_string(),
        attempts: job.attempt,
        lease_losses: job.losses,
        parked: job.parked,
        failure: job.failure.as_ref().map(failure),
    }
}

fn text(found: &Inspection, now: Timestamp) -> String {
    let mut text = fields(&found.record).render();
    let mut timeline = Table::new(&[]);
    for entry in &found.record.timeline {
        timeline.row([entry.at.to_string(), entry.what.clone()]);
    }
    // Writing to a string cannot fail, here and below.
    write!(text, "\ntimeline\n{}", timeline.render()).unwrap_or_default();
    if !found.jobs.is_empty() {
        let mut jobs = Table::new(&[]);
        for job in &found.jobs {
            let state = format!("{:?}", job.state(now)).to_lowercase();
            let why = job.failure.as_ref().map_or(String::new(), |f| format!("{}: {}", f.code, f.message));
            let parked = if job.parked { "parked" } else { "" };
            jobs.row([
                job.id.kind.to_string(),
                state,
                format!("due {}", job.due),
                format!("attempt {}", job.attempt),
                parked.to_owned(),
                why,
            ]);
        }
        write!(text, "\njobs\n{}", jobs.render()).unwrap_or_default();
    }
    text
}

fn fields(record: &Record) -> Table {
    let mut table = Table::new(&[]);
    table.row(["onboarding", &record.id.to_string()]);
    let optional = [
        ("reference", record.reference.clone()),
        ("row", record.origin.map(|origin| origin.row.to_string())),
        ("stage", Some(record.stage.to_string())),
        ("round", Some(record.round.to_string())),
        ("customer id", record.customer_id.as_ref().map(ToString::to_string)),
        ("foreign customer", record.foreign_customer_id.as_ref().map(ToString::to_string)),
        (
            "KYB status",
            record.kyb.as_ref().map(|kyb| format!("{} since {}", kyb.status, record.status_since)),
        ),
        ("link", record.link.map(|link| format!("number {}, until {}", link.ordinal, link.expires_at))),
        ("failure", record.failure.as_ref().map(|f| format!("{}: {}", f.code, f.message))),
        ("uncertain since", record.uncertain_since.map(|at| at.to_string())),
        ("asked to end", (record.cancel_requested || record.erase_requested).then(|| "yes".to_owned())),
        ("polls", Some(record.polls.to_string())),
        ("taken in", Some(record.created_at.to_string())),
        ("last change", Some(record.updated_at.to_string())),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            table.row([name, &value]);
        }
    }
    table
}
