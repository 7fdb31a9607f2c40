//! What a handler needs beside its job.

use std::sync::Arc;
use std::time::Duration;

use gangway_jobs::clock::{Clock, Timestamp};
use gangway_jobs::id::WorkerId;
use gangway_jobs::identity::Identity;
use gangway_jobs::limits::Class;
use gangway_onemoney::Api;
use gangway_store::{Permit, PermitRequest, SharedStore};

use crate::config::Config;
use crate::limit::Limit;

/// The surroundings of a handler.
#[derive(Debug)]
pub struct Context<A> {
    /// Where permits come from.
    pub store: SharedStore,
    /// The API.
    pub api: Arc<A>,
    /// Computes the key of the next generation.
    pub identity: Identity,
    /// The rules.
    pub config: Config,
    /// The present, for failures and the life of links; due times, and the age of a doubt, are counted by the store's.
    pub clock: Arc<dyn Clock>,
    /// Which worker this is.
    pub worker: WorkerId,
    /// The rate limit that people have set.
    pub limit: Limit,
}

impl<A: Api> Context<A> {
    /// A permit for a call that the lease did not bring one for. Waits for a short time at most.
    ///
    /// # Errors
    /// How long nobody may call; the attempt should be given back for that time.
    pub(crate) async fn permit(&self, class: Class) -> Result<(), Duration> {
        // Longer than that, a job waits better in the store than in a slot.
        const PATIENCE: Duration = Duration::from_secs(2);
        let mut waited = Duration::ZERO;
        loop {
            let ask = PermitRequest { class, worker: self.worker, credential: self.api.credential() };
            match self.store.permit(ask).await {
                Ok(Permit::Granted) => return Ok(()),
                Ok(Permit::Wait(wait)) if waited + wait > PATIENCE => return Err(wait),
                Ok(Permit::Wait(wait)) => {
                    // A wait of nothing would be a question asked in a circle.
                    let wait = wait.max(Duration::from_millis(1));
                    waited += wait;
                    tokio::time::sleep(wait).await;
                }
                Err(error) => {
                    tracing::debug!(%error, "permit not answered");
                    return Err(PATIENCE);
                }
            }
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Between 0 and 1, for jitter.
    #[expect(clippy::unused_self, reason = "a simulation will seed it here")]
    pub(crate) fn random(&self) -> f64 {
        rand::random()
    }

    /// How long one round of polls of all waiting onboardings takes under the rate limit.
    pub(crate) fn crowd(&self, waiting: u64) -> Duration {
        self.limit.round_of_polls(self.config.rate, waiting)
    }
}
