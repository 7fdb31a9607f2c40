//! How the stories reach each store.

use std::sync::Arc;

use async_trait::async_trait;
use gangway_jobs::clock::ManualClock;
use gangway_store::conformance::Harness;
use gangway_store::conformance::world::{beginning, made_for};
use gangway_store::model::ModelStore;
use gangway_store::sqlite::{Mode, OpenOptions, Place, SqliteStore};
use gangway_store::{Policies, RedisConfig, SharedStore, StoreConfig};
use tempfile::TempDir;

use crate::redis::audit;

/// A store that is compared with the model.
#[async_trait]
pub(crate) trait Compared: Harness {
    /// Whether its outbox is a stream, whose entries cannot be changed in their place.
    const HAS_A_STREAM: bool = false;

    /// Looks behind the store, if there is anything to see: all that it keeps must agree with itself.
    async fn audit(&self, _store: &SharedStore) {}
}

impl Compared for Model {}

impl Compared for Sqlite {}

#[async_trait]
impl Compared for Redis {
    const HAS_A_STREAM: bool = true;

    async fn audit(&self, store: &SharedStore) {
        audit::count_again(&self.config, store).await;
    }
}

/// The model: a crash costs it nothing.
#[derive(Debug)]
pub(crate) struct Model {
    clock: Arc<ManualClock>,
    store: Arc<ModelStore>,
}

#[async_trait]
impl Harness for Model {
    async fn start(policies: Policies) -> Self {
        let clock = Arc::new(ManualClock::new(beginning()));
        Self { store: ModelStore::new(made_for(), policies, Arc::<ManualClock>::clone(&clock)), clock }
    }

    async fn open(&self) -> SharedStore {
        self.store.reopen();
        Arc::<ModelStore>::clone(&self.store)
    }

    fn clock(&self) -> &ManualClock {
        &self.clock
    }
}

impl Model {
    /// The model of that store.
    pub(crate) fn of<H: Compared>(policies: Policies) -> Self {
        let clock = Arc::new(ManualClock::new(beginning()));
        let make = if H::HAS_A_STREAM { ModelStore::with_a_stream } else { ModelStore::new };
        Self { store: make(made_for(), policies, Arc::<ManualClock>::clone(&clock)), clock }
    }
}

/// The embedded store in a directory of its own.
#[derive(Debug)]
pub(crate) struct Sqlite {
    clock: Arc<ManualClock>,
    policies: Policies,
    dir: TempDir,
}

#[async_trait]
impl Harness for Sqlite {
    async fn start(policies: Policies) -> Self {
        let clock = Arc::new(ManualClock::new(beginning()));
        Self { clock, policies, dir: TempDir::new().unwrap() }
    }

    async fn open(&self) -> SharedStore {
        let options = OpenOptions {
            place: Place::File(self.dir.path().join("gangway.db")),
            mode: Mode::Create(made_for()),
            policies: self.policies.clone(),
            clock: Arc::<ManualClock>::clone(&self.clock),
        };
        SqliteStore::open(options).unwrap()
    }

    fn clock(&self) -> &ManualClock {
        &self.clock
    }
}

/// The Redis store, under a name of its own in the server that all tests share.
#[derive(Debug)]
pub(crate) struct Redis {
    clock: Arc<ManualClock>,
    policies: Policies,
    config: StoreConfig,
}

#[async_trait]
impl Harness for Redis {
    async fn start(policies: Policies) -> Self {
        let clock = Arc::new(ManualClock::new(beginning()));
        let redis = RedisConfig { namespace: gangway_testkit::redis::namespace(), ..RedisConfig::default() };
        let url = gangway_testkit::redis::shared().unwrap().url();
        Self { clock, policies, config: StoreConfig { url, redis } }
    }

    async fn open(&self) -> SharedStore {
        let mode = Mode::Create(made_for());
        let clock = Arc::<ManualClock>::clone(&self.clock);
        gangway_store::open(&self.config, mode, self.policies.clone(), clock).await.unwrap()
    }

    fn clock(&self) -> &ManualClock {
        &self.clock
    }
}
