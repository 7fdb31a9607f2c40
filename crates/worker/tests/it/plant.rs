//! A whole worker in this process: a store in memory with moods, an API with a memory, and a configuration without waits.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gangway_jobs::clock::SystemClock;
use gangway_jobs::job::Job;
use gangway_jobs::limits::RatePolicy;
use gangway_jobs::onboarding::{Record, Stage};
use gangway_store::sqlite::Mode;
use gangway_store::{Policies, RedisConfig, SharedStore, Store, StoreConfig, Target};
use gangway_worker::{Config, Counts, Error, Stats, Until, Worker};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::fixtures::{identity, made_for, model_under, onboarding};
use crate::living_api::LivingApi;
use crate::moody_store::MoodyStore;

/// So long a test waits for what must happen, before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Plant {
    pub(crate) store: Arc<MoodyStore>,
    pub(crate) api: Arc<LivingApi>,
    pub(crate) config: Config,
    pub(crate) shutdown: CancellationToken,
    pub(crate) stats: Arc<Stats>,
}

fn fast() -> RatePolicy {
    RatePolicy { per_second: 1e6, ..RatePolicy::default() }
}

fn config() -> Config {
    let millis = Duration::from_millis;
    let mut config = Config {
        concurrency: 8,
        lease: millis(400),
        grace: millis(500),
        job_timeout: Duration::from_secs(10),
        rate: fast(),
        ..Config::default()
    };
    (config.retry.initial, config.retry.max) = (millis(5), millis(50));
    (config.poll.min_interval, config.poll.max_interval) = (millis(5), millis(20));
    config
}

fn policies() -> Policies {
    let mut policies = Policies { rate: fast(), ..Policies::default() };
    policies.circuit.probe_interval = Duration::from_millis(20);
    policies.circuit.confirm_after = Duration::from_millis(20);
    policies
}

impl Plant {
    pub(crate) fn new(api: Arc<LivingApi>) -> Self {
        Self::on(MoodyStore::over(model_under(policies(), Arc::new(SystemClock))), api)
    }

    /// On the embedded store, as a process of its own would open it.
    pub(crate) async fn embedded(file: &Path, api: Arc<LivingApi>) -> Self {
        let url = format!("sqlite:{}", file.display());
        let place = StoreConfig { url, redis: RedisConfig::default() };
        let mode = Mode::Create(made_for());
        let store = gangway_store::open(&place, mode, policies(), Arc::new(SystemClock)).await.unwrap();
        let mut plant = Self::on(MoodyStore::around(store), api);
        // A disk may take longer than the shortest of leases.
        plant.config.lease = Duration::from_secs(5);
        plant
    }

    fn on(store: Arc<MoodyStore>, api: Arc<LivingApi>) -> Self {
        Self {
            store,
            api,
            config: config(),
            shutdown: CancellationToken::new(),
            stats: Arc::new(Stats::default()),
        }
    }

    /// Takes in customers number 1 to `count`.
    pub(crate) async fn take_in(&self, count: usize) {
        self.store.enqueue((1..=count).map(onboarding).collect()).await.unwrap();
    }

    pub(crate) fn worker(&self) -> Worker<LivingApi> {
        let store: SharedStore = Arc::<MoodyStore>::clone(&self.store);
        Worker {
            store,
            api: Arc::clone(&self.api),
            identity: identity(),
            config: self.config.clone(),
            stats: Arc::clone(&self.stats),
            known: 0,
        }
    }

    pub(crate) fn start(&self, until: Until) -> JoinHandle<Result<(), Error>> {
        tokio::spawn(self.worker().run(until, self.shutdown.clone()))
    }

    /// Works until every onboarding has an end.
    pub(crate) async fn finish(&self) {
        ended(self.start(Until::Terminal)).await.unwrap();
    }

    pub(crate) fn counts(&self) -> Counts {
        self.stats.counts()
    }

    pub(crate) async fn stage(&self, stage: Stage) -> u64 {
        self.store.status().await.unwrap().by_stage.get(&stage).copied().unwrap_or_default()
    }

    /// The record and the jobs of a customer.
    pub(crate) async fn look(&self, number: usize) -> (Record, Vec<Job>) {
        let found = self.store.find(Target::Id(onboarding(number).id)).await.unwrap().unwrap();
        (found.record, found.jobs)
    }
}

/// The end of a worker that must end.
pub(crate) async fn ended(running: JoinHandle<Result<(), Error>>) -> Result<(), Error> {
    tokio::time::timeout(PATIENCE, running).await.expect("the worker does not end").unwrap()
}

/// Waits for what must happen.
pub(crate) async fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
