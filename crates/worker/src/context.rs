//! What a handler needs beside its job.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gangway_jobs::clock::{Clock, Timestamp};
use gangway_jobs::id::WorkerId;
use gangway_jobs::identity::Identity;
use gangway_jobs::limits::Class;
use gangway_onemoney::Api;
use gangway_store::{Permit, PermitRequest, SharedStore};

use crate::chance::Chance;
use crate::config::Config;
use crate::limit::Limit;

/// So long a handler waits under any limit.
const SHORT: Duration = Duration::from_secs(2);
/// And no longer than that, however low the limit is.
const LONG: Duration = Duration::from_mins(1);
/// So many tokens go by before it gives up: others take some of them.
const TOKENS: u32 = 3;

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
    /// The present, for failures and the life of links; due times, the age of a doubt and of a
    /// status are counted by the store's.
    pub clock: Arc<dyn Clock>,
    /// Which worker this is.
    pub worker: WorkerId,
    /// The rate limit that people have set.
    pub limit: Limit,
    /// Spreads delays.
    pub chance: Chance,
}

impl<A: Api> Context<A> {
    /// A permit for a call that the lease did not bring one for. Waits for a while at most; the lease is renewed meanwhile.
    ///
    /// # Errors
    /// How long nobody may call; the attempt should be given back for that time.
    pub(crate) async fn permit(&self, class: Class) -> Result<(), Duration> {
        let patience = self.patience(class);
        let mut waited = Duration::ZERO;
        loop {
            let ask = PermitRequest { class, worker: self.worker, credential: self.api.credential() };
            match self.store.permit(ask).await {
                Ok(Permit::Granted) => return Ok(()),
                Ok(Permit::Wait(wait)) if waited + wait > patience => return Err(wait),
                Ok(Permit::Wait(wait)) => {
                    // A wait of nothing would be a question asked in a circle.
                    let wait = wait.max(Duration::from_millis(1));
                    waited += wait;
                    tokio::time::sleep(wait).await;
                }
                Err(error) => {
                    tracing::debug!(%error, "permit not answered");
                    return Err(SHORT);
                }
            }
        }
    }

    fn patience(&self, class: Class) -> Duration {
        patience(self.limit.time_of_a_token(self.config.rate, class), self.config.job_timeout)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Between 0 and 1, for jitter.
    pub(crate) fn random(&self) -> f64 {
        self.chance.next()
    }

    /// How long one round of polls of all waiting onboardings takes under the rate limit.
    pub(crate) fn crowd(&self, waiting: u64) -> Duration {
        self.limit.round_of_polls(self.config.rate, waiting)
    }
}

/// How long ago that was, by the clock of tokio's timers: a simulation stops and moves it.
pub(crate) fn since(fetched: Instant) -> Duration {
    tokio::time::Instant::from_std(fetched).elapsed()
}

/// How long a handler waits for a token.
///
/// A job waits better in the store than in a slot. But under a low limit a bucket holds a single token, which the lease
/// takes for the first call; a job that was given back for want of a second one would begin anew each time, and never
/// get on.
fn patience(token: Duration, job_timeout: Duration) -> Duration {
    // The call itself needs its part of the time that the attempt has.
    let longest = LONG.min(job_timeout / 2).max(SHORT);
    (token * TOKENS).clamp(SHORT, longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_the_limit_the_longer_a_second_token_is_waited_for_within_the_time_of_the_attempt() {
        let millis = Duration::from_millis;
        for (token, job_timeout, expected) in [
            (millis(250), millis(100_000), SHORT),
            (millis(2_500), millis(100_000), millis(7_500)),
            (millis(25_000), millis(100_000), millis(50_000)),
            (millis(25_000), millis(600_000), LONG),
            (millis(25_000), millis(1_000), SHORT),
            (Duration::from_secs(1_000_000_000), millis(600_000), LONG),
        ] {
            assert_eq!(patience(token, job_timeout), expected, "{token:?} of {job_timeout:?}");
        }
    }
}
