//! Where the stores of a story lie, and what a story does to them from outside.

use std::sync::Arc;
use std::time::Duration;

use gangway_jobs::clock::{Clock, ManualClock, SystemClock};
use gangway_jobs::id::{LeaseToken, WorkerId};
use gangway_jobs::job::LeasedJob;
use gangway_jobs::kind::Kind;
use gangway_jobs::outcome::{Outcome, Settled, Settlement};
use gangway_jobs::signal::Signal;
use gangway_store::conformance::world::{CREDENTIAL, LEASE, PATIENCE, beginning, made_for, roomy};
use gangway_store::sqlite::Mode;
use gangway_store::{LeaseRequest, Policies, RedisConfig, SharedStore, StoreConfig, WorkerInfo};
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, ToRedisArgs};
use uuid::Uuid;

/// A namespace in a server.
pub(super) struct Place {
    pub(super) config: StoreConfig,
    pub(super) policies: Policies,
    clock: Arc<dyn Clock>,
    steered: Option<Arc<ManualClock>>,
}

impl Place {
    /// In the server that all tests share, on time that the story steers.
    pub(super) fn steered() -> Self {
        let clock = Arc::new(ManualClock::new(beginning()));
        let mut place = Self::at(gangway_testkit::redis::shared().unwrap().url());
        place.clock = Arc::<ManualClock>::clone(&clock);
        place.steered = Some(clock);
        place
    }

    /// In the server that all tests share, on the server's time.
    pub(super) fn real() -> Self {
        Self::at(gangway_testkit::redis::shared().unwrap().url())
    }

    /// In that server, on its time.
    pub(super) fn at(url: String) -> Self {
        let redis = RedisConfig {
            namespace: gangway_testkit::redis::namespace(),
            response_timeout: Duration::from_secs(20),
            ..RedisConfig::default()
        };
        Self {
            config: StoreConfig { url, redis },
            policies: roomy(),
            clock: Arc::new(SystemClock),
            steered: None,
        }
    }

    pub(super) fn advance(&self, by: Duration) {
        self.steered.as_ref().unwrap().advance(by);
    }

    /// Another process opens the store, and makes it if there is none.
    pub(super) async fn open(&self) -> SharedStore {
        self.open_as(Mode::Create(made_for())).await.unwrap()
    }

    pub(super) async fn open_as(&self, mode: Mode) -> gangway_store::Result<SharedStore> {
        gangway_store::open(&self.config, mode, self.policies.clone(), Arc::clone(&self.clock)).await
    }

    pub(super) async fn raw(&self) -> Raw {
        Raw::of(&self.config).await
    }
}

/// The keys of a store, as they are.
pub(super) struct Raw {
    pub(super) connection: MultiplexedConnection,
    tag: Vec<u8>,
}

impl Raw {
    pub(super) async fn of(config: &StoreConfig) -> Self {
        let client = redis::Client::open(config.url.as_str()).unwrap();
        let connection = client.get_multiplexed_async_connection().await.unwrap();
        Self { connection, tag: format!("{{{}}}:", config.redis.namespace).into_bytes() }
    }

    pub(super) fn key(&self, name: &str, rest: &[u8]) -> Vec<u8> {
        [&self.tag, name.as_bytes(), rest].concat()
    }

    /// A command on a key.
    pub(super) async fn ask<T: FromRedisValue>(
        &mut self,
        command: &str,
        name: &str,
        rest: &[u8],
        arguments: impl ToRedisArgs,
    ) -> T {
        let mut cmd = redis::cmd(command);
        cmd.arg(self.key(name, rest)).arg(arguments);
        cmd.query_async(&mut self.connection).await.unwrap()
    }

    /// All keys, without the namespace.
    pub(super) async fn keys(&mut self) -> Vec<Vec<u8>> {
        let mut all = std::collections::BTreeSet::new();
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg([&self.tag[..], b"*"].concat()).arg("COUNT").arg(1_000);
            let (next, page): (u64, Vec<Vec<u8>>) = scan.query_async(&mut self.connection).await.unwrap();
            all.extend(page.into_iter().map(|key| key[self.tag.len()..].to_vec()));
            cursor = next;
            if cursor == 0 {
                return all.into_iter().collect();
            }
        }
    }
}

pub(super) fn worker(n: u128) -> WorkerId {
    WorkerId::from_uuid(Uuid::from_u128(n))
}

pub(super) async fn register(store: &SharedStore, n: u128) {
    let info = WorkerInfo { id: worker(n), name: "host/1".to_owned(), slots: 16, patience: PATIENCE };
    store.register(info).await.unwrap();
}

pub(super) fn ask(kind: Kind, max: usize, n: u128) -> LeaseRequest {
    LeaseRequest {
        kind,
        max,
        token: LeaseToken::mint(),
        worker: worker(n),
        credential: CREDENTIAL.to_owned(),
        length: LEASE,
    }
}

pub(super) async fn lease(store: &SharedStore, kind: Kind, max: usize) -> Vec<LeasedJob> {
    store.lease(ask(kind, max, 1)).await.unwrap().jobs
}

pub(super) async fn lease_one(store: &SharedStore, kind: Kind) -> LeasedJob {
    let mut jobs = lease(store, kind, 10).await;
    assert_eq!(jobs.len(), 1, "{kind}");
    jobs.remove(0)
}

pub(super) fn settlement(job: &LeasedJob, outcome: Outcome, signal: Signal) -> Settlement {
    let credential = CREDENTIAL.to_owned();
    Settlement { job: job.id, token: job.token, worker: worker(1), credential, outcome, signal }
}

pub(super) async fn settle(store: &SharedStore, job: &LeasedJob, outcome: Outcome) -> Settled {
    store.settle(vec![settlement(job, outcome, Signal::None)]).await.unwrap()[0]
}
