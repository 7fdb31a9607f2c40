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
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2⁵²")]
        let waiting = waiting as f64;
        self.time_of(waiting, own, Class::Poll)
    }

    /// How long it takes until a class of calls has another token.
    pub(crate) fn time_of_a_token(&self, own: RatePolicy, class: Class) -> Duration {
        self.time_of(1.0, own, class)
    }

    fn time_of(&self, tokens: f64, own: RatePolicy, class: Class) -> Duration {
        let set = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_secs_f64((tokens / set.unwrap_or(own).rate_of(class)).min(1e9))
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
    #[test]
    fn a_token_takes_as_long_as_the_share_of_its_class_says() {
        let own = RatePolicy { per_second: 1.0, shares: [0.3, 0.5, 0.2] };
        let limit = Limit::default();
        assert_eq!(limit.time_of_a_token(own, Class::Create), Duration::from_secs(2));
        assert_eq!(limit.time_of_a_token(own, Class::Poll), Duration::from_secs(5));
        limit.learn(Some(RatePolicy { per_second: 0.1, ..own }));
        assert_eq!(limit.time_of_a_token(own, Class::Create), Duration::from_secs(20));
    }
}
