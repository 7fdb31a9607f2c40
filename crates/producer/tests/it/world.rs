//! Stores, files and what stands in them, for the other tests.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gangway_jobs::clock::SystemClock;
use gangway_jobs::identity::{Identity, IdentitySecret};
use gangway_producer::import::{self, ImportOptions, ImportSummary, Progress};
use gangway_producer::sample::{Planted, SampleOptions, write_csv};
use gangway_producer::{Error, Producer};
use gangway_store::model::ModelStore;
use gangway_store::sqlite::{Mode, OpenOptions, Place, SqliteStore};
use gangway_store::stamp::Expected;
use gangway_store::{Policies, SharedStore};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A directory with one file of customers.
pub(crate) struct World {
    dir: TempDir,
    pub(crate) planted: Planted,
}

/// The two kinds of store that every import must work with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Model,
    Sqlite,
}

pub(crate) const KINDS: [Kind; 2] = [Kind::Model, Kind::Sqlite];

pub(crate) fn identity() -> Identity {
    Identity::new(IdentitySecret::new("s"), "default")
}

impl World {
    pub(crate) fn new(options: &SampleOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = fs::File::create(dir.path().join("customers.csv")).unwrap();
        let planted = write_csv(std::io::BufWriter::new(file), options).unwrap();
        Self { dir, planted }
    }

    /// About one row in fifty planted, and damaged rows.
    pub(crate) fn planted(customers: u64, seed: u64) -> Self {
        Self::new(&SampleOptions { damaged_rows: 8, ..SampleOptions::planted(customers, seed) })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn options(&self) -> ImportOptions {
        ImportOptions {
            batch: 10,
            patience: Duration::from_millis(30),
            ..ImportOptions::new(self.path("customers.csv"))
        }
    }

    /// A new store of that kind; another `name`, another store.
    pub(crate) fn producer(&self, kind: Kind, name: &str) -> Producer {
        let identity = identity();
        let expected = Expected {
            api_base_url: "https://api.example".into(),
            entity: identity.entity().into(),
            secret_fingerprint: identity.secret_fingerprint(),
        };
        let (policies, clock) = (Policies::default(), Arc::new(SystemClock));
        let store: SharedStore = match kind {
            Kind::Model => ModelStore::new(expected, policies, clock),
            Kind::Sqlite => {
                let place = Place::File(self.path(name));
                let mode = Mode::Create(expected);
                SqliteStore::open(OpenOptions { place, mode, policies, clock }).unwrap()
            }
        };
        Producer::new(store, identity)
    }

    pub(crate) fn report(&self) -> String {
        fs::read_to_string(self.path("customers.refused.csv")).unwrap()
    }

    /// Files that are neither the input, nor a store, nor the report.
    pub(crate) fn left_over(&self) -> Vec<String> {
        let names = fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.into_string().unwrap());
        names.filter(|name| name.ends_with(".partial")).collect()
    }
}

pub(crate) async fn run(options: &ImportOptions, producer: &Producer) -> Result<ImportSummary, Error> {
    watched(options, producer, |_| {}).await
}

pub(crate) async fn watched(
    options: &ImportOptions,
    producer: &Producer,
    watch: impl Fn(&Progress) + Send + Sync,
) -> Result<ImportSummary, Error> {
    import::run(options, producer, watch, &CancellationToken::new()).await
}

pub(crate) async fn onboardings(producer: &Producer) -> u64 {
    producer.store().status().await.unwrap().total()
}

pub(crate) fn sum(summary: &ImportSummary) -> u64 {
    summary.enqueued + summary.duplicates + summary.conflicts + summary.revived + summary.refused
}

/// The sums are exactly what was planted.
pub(crate) fn assert_planted(summary: &ImportSummary, planted: &Planted) {
    let found = [summary.rows, summary.enqueued, summary.duplicates, summary.conflicts, summary.refused];
    let expected = [planted.rows, planted.customers, planted.duplicates, planted.conflicts, planted.refused];
    assert_eq!(found, expected);
    assert!(summary.revived == 0 && summary.finished && sum(summary) == summary.rows);
}
