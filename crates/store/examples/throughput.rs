//! How fast the embedded store is on this machine: `cargo run --release -p gangway-store --example throughput [N]`.
//!
//! Enqueues N onboardings (100,000), then drains them in batches: each job is leased and settled at once, as by a handler
//! that does nothing.

#![expect(clippy::print_stdout, reason = "what an example has to say")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gangway_jobs::clock::SystemClock;
use gangway_jobs::customer::{NewCustomer, RawCustomer};
use gangway_jobs::enqueue::NewOnboarding;
use gangway_jobs::id::{LeaseToken, WorkerId};
use gangway_jobs::identity::{Identity, IdentitySecret};
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::RatePolicy;
use gangway_jobs::onboarding::{Patch, Stage};
use gangway_jobs::outcome::{FollowUp, Outcome, Settlement, Step};
use gangway_jobs::payload::{Payload, PollStatus};
use gangway_jobs::signal::Signal;
use gangway_store::sqlite::{Mode, OpenOptions, Place, SqliteStore};
use gangway_store::stamp::Expected;
use gangway_store::{LeaseRequest, Policies, Store};

const BATCH: usize = 500;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let count: u32 = std::env::args().nth(1).map_or(Ok(100_000), |count| count.parse())?;
    let folder = tempfile::tempdir_in(".")?;
    let expected = Expected {
        api_base_url: "https://api.example".to_owned(),
        entity: "default".to_owned(),
        secret_fingerprint: String::new(),
    };
    let rate = RatePolicy { per_second: 1_000_000.0, ..RatePolicy::default() };
    let store = SqliteStore::open(OpenOptions {
        place: Place::File(folder.path().join("gangway.db")),
        mode: Mode::Create(expected),
        policies: Policies { rate, ..Policies::default() },
        clock: Arc::new(SystemClock),
    })?;

    let identity = Identity::new(IdentitySecret::new("throughput"), "default");
    let batches = customers(&identity, count)?;
    let begun = Instant::now();
    for batch in batches {
        store.enqueue(batch).await?;
    }
    told("enqueue", count, begun);

    let follow_up = FollowUp { payload: Payload::PollStatus(PollStatus {}), after: Duration::from_hours(1) };
    let step = Step {
        patch: Patch { stage: Some(Stage::Created), ..Patch::default() },
        follow_ups: vec![follow_up],
        events: Vec::new(),
    };
    let begun = Instant::now();
    drain(store.as_ref(), &Outcome::Complete(step)).await?;
    told("lease, settle, queue a follow-up", count, begun);

    for read in ["first", "second"] {
        let begun = Instant::now();
        let status = store.status().await?;
        println!("{read} status: {} onboardings in {:.2?}", status.total(), begun.elapsed());
    }
    store.close().await;
    Ok(())
}

fn customers(identity: &Identity, count: u32) -> Result<Vec<Vec<NewOnboarding>>, Box<dyn Error>> {
    let mut all = Vec::new();
    for n in 0..count {
        let raw = RawCustomer {
            reference: Some(&format!("ref-{n}")),
            email: &format!("person{n}@company.example"),
            first_name: "Ada",
            last_name: "Byron",
            company_name: "Company",
            customer_type: None,
        };
        let customer = NewCustomer::parse(raw).map_err(|error| format!("{error:?}"))?;
        all.push(NewOnboarding::new(identity, customer, None));
    }
    Ok(all.chunks(BATCH).map(<[_]>::to_vec).collect())
}

async fn drain(store: &dyn Store, outcome: &Outcome) -> Result<(), Box<dyn Error>> {
    let worker = WorkerId::mint();
    loop {
        let ask = LeaseRequest {
            kind: Kind::CreateCustomer,
            max: BATCH,
            token: LeaseToken::mint(),
            worker,
            credential: String::new(),
            length: Duration::from_mins(1),
        };
        let jobs = store.lease(ask).await?.jobs;
        if jobs.is_empty() {
            return Ok(());
        }
        let ends = jobs.iter().map(|job| Settlement {
            job: job.id,
            token: job.token,
            worker,
            credential: String::new(),
            outcome: outcome.clone(),
            signal: Signal::Healthy { fresh: true },
        });
        store.settle(ends.collect()).await?;
    }
}

fn told(what: &str, count: u32, begun: Instant) {
    let elapsed = begun.elapsed();
    println!("{what}: {count} in {elapsed:.2?}, {:.0}/s", f64::from(count) / elapsed.as_secs_f64());
}
