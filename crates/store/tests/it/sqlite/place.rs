//! A file of its own for each story, and what is put into it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gangway_jobs::clock::{Clock, SystemClock};
use gangway_jobs::customer::{NewCustomer, RawCustomer};
use gangway_jobs::enqueue::NewOnboarding;
use gangway_jobs::id::{JobId, LeaseToken, WorkerId};
use gangway_jobs::identity::{Identity, IdentitySecret};
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::RatePolicy;
use gangway_jobs::onboarding::{Patch, Stage};
use gangway_jobs::outcome::{FollowUp, Outcome, Settlement, Step};
use gangway_jobs::payload::{Payload, PollStatus};
use gangway_jobs::signal::Signal;
use gangway_store::sqlite::{Mode, OpenOptions, Place, SqliteStore};
use gangway_store::stamp::Expected;
use gangway_store::{Error, LeaseRequest, Policies, SharedStore};
use tempfile::TempDir;

pub(super) const LEASE: Duration = Duration::from_secs(30);

pub(super) fn made_for() -> Expected {
    Expected {
        api_base_url: "https://api.example".to_owned(),
        entity: "default".to_owned(),
        secret_fingerprint: "f".to_owned(),
    }
}

pub(super) fn policies() -> Policies {
    let rate = RatePolicy { per_second: 100_000.0, ..RatePolicy::default() };
    Policies { rate, busy_timeout: Duration::from_millis(300), ..Policies::default() }
}

pub(super) fn try_open(path: &Path, mode: Mode) -> Result<SharedStore, Error> {
    open_with(path, mode, Arc::new(SystemClock))
}

pub(super) fn open_with(path: &Path, mode: Mode, clock: Arc<dyn Clock>) -> Result<SharedStore, Error> {
    let options = OpenOptions { place: Place::File(path.to_owned()), mode, policies: policies(), clock };
    Ok(SqliteStore::open(options)?)
}

pub(super) fn open(path: &Path) -> SharedStore {
    try_open(path, Mode::Create(made_for())).unwrap()
}

pub(super) fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gangway.db");
    (folder, path)
}

/// A store that has taken these customers in.
pub(super) async fn holding(numbers: std::ops::Range<u32>) -> (TempDir, PathBuf, SharedStore) {
    let (folder, path) = place();
    let store = open(&path);
    store.enqueue(customers(numbers)).await.unwrap();
    (folder, path, store)
}

pub(super) fn customer(n: u32, company: &str) -> NewOnboarding {
    let raw = RawCustomer {
        reference: Some(&format!("ref-{n}")),
        email: &format!("person{n}@company.example"),
        first_name: "Ada",
        last_name: "Byron",
        company_name: company,
        customer_type: None,
    };
    let identity = Identity::new(IdentitySecret::new("test"), "default");
    NewOnboarding::new(&identity, NewCustomer::parse(raw).unwrap(), None)
}

pub(super) fn customers(numbers: std::ops::Range<u32>) -> Vec<NewOnboarding> {
    numbers.map(|n| customer(n, "Company")).collect()
}

pub(super) fn ask(kind: Kind, max: usize) -> LeaseRequest {
    LeaseRequest {
        kind,
        max,
        token: LeaseToken::mint(),
        worker: WorkerId::mint(),
        credential: "c".to_owned(),
        length: LEASE,
    }
}

pub(super) fn end(job: JobId, token: LeaseToken, outcome: Outcome) -> Settlement {
    let credential = "c".to_owned();
    Settlement { job, token, worker: WorkerId::mint(), credential, outcome, signal: Signal::None }
}

pub(super) fn complete() -> Outcome {
    let follow_ups = vec![FollowUp::now(Payload::PollStatus(PollStatus::default()))];
    let patch = Patch { stage: Some(Stage::Created), ..Patch::default() };
    Outcome::Complete(Step { patch, follow_ups, events: Vec::new() })
}

/// A connection past the store, to do what only damage would.
pub(super) fn tamper(path: &Path, sql: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
}
