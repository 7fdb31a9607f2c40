//! Where a case works: the one place that knows how a store is opened.

use std::sync::Arc;

use gangway_jobs::circuit::CircuitPolicy;
use gangway_jobs::clock::SystemClock;
use gangway_jobs::limits::RatePolicy;
use gangway_store::redis::RedisConfig;
use gangway_store::stamp::Expected;
use gangway_store::{Mode, Policies, SharedStore, StoreConfig};

use crate::{Result, customers};

/// The most that a rate may be: it is counted, and never met.
pub(crate) const RATE: RatePolicy = RatePolicy { per_second: 1_000_000.0, shares: [0.3, 0.4, 0.3] };

/// The store of a case.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Place {
    /// The store, e.g. `sqlite:bench.db` or `redis://127.0.0.1:7001`
    #[arg(long, value_name = "URL")]
    pub(crate) store: String,
    /// The name that all keys begin with; for Redis
    #[arg(long, default_value = "bench")]
    pub(crate) namespace: String,
}

impl Place {
    /// Opens the store; makes it if there is none.
    pub(crate) async fn open(&self) -> Result<SharedStore> {
        let policies = Policies { rate: RATE, circuit: CircuitPolicy::default(), ..Policies::default() };
        let redis = RedisConfig { namespace: self.namespace.clone(), ..RedisConfig::default() };
        let config = StoreConfig { url: self.store.clone(), redis };
        Ok(gangway_store::open(&config, Mode::Create(made_for()), policies, Arc::new(SystemClock)).await?)
    }

    /// The word for the result.
    pub(crate) fn kind(&self) -> &str {
        self.store.split(':').next().unwrap_or_default()
    }

    /// The arguments that name this place to a child.
    pub(crate) fn arguments(&self) -> [&str; 4] {
        ["--store", &self.store, "--namespace", &self.namespace]
    }
}

fn made_for() -> Expected {
    let identity = customers::identity();
    Expected {
        api_base_url: "http://127.0.0.1".to_owned(),
        entity: identity.entity().to_owned(),
        secret_fingerprint: identity.secret_fingerprint(),
    }
}
