//! The rate limit as far as this process knows it: for what is only advice. What counts is the store's bucket.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gangway_jobs::limits::{Class, RatePolicy};

/// What people have set for all workers, as it was at the last heartbeat.
#[derive(Debug, Default)]
pub struct Limit(Mutex<Option<RatePolicy>>);

impl Limit {
    /// Takes over what the store says.
    pub(crate) fn learn(&self, set: Option<RatePolicy>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = set;
    }

    /// How long one round of polls of `waiting` onboardings takes; `own` counts where people have set nothing.
    pub(crate) fn round_of_polls(&self, own: RatePolicy, waiting: u64) -> Duration {
        let set = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2⁵²")]
        let waiting = waiting as f64;
        Duration::from_secs_f64((waiting / set.unwrap_or(own).rate_of(Class::Poll)).min(1e9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_takes_as_long_as_the_limit_in_force_lets_it() {
        let at = |per_second| RatePolicy { per_second, shares: [0.3, 0.4, 0.3] };
        let limit = Limit::default();
        assert_eq!(limit.round_of_polls(at(10.0), 300), Duration::from_secs(100));
        limit.learn(Some(at(100.0)));
        assert_eq!(limit.round_of_polls(at(10.0), 300), Duration::from_secs(10));
        limit.learn(None);
        assert_eq!(limit.round_of_polls(at(10.0), 300), Duration::from_secs(100));
    }
}
