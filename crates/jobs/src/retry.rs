//! When to try again: the only module that knows the crate `backoff`.
//!
//! `backoff` is no longer maintained (RUSTSEC-2025-0012). Only its policy type is used, which computes numbers and never
//! sleeps or touches the network; a successor would change this file and no other.

use std::time::Duration;

use backoff::backoff::Backoff as _;
use backoff::{ExponentialBackoff, ExponentialBackoffBuilder};

/// How failed attempts are spaced, and how many there may be.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// The delay after the first failure.
    pub initial: Duration,
    /// The longest delay.
    pub max: Duration,
    /// Each delay is the one before times this.
    pub multiplier: f64,
    /// The random part: a delay of `d` becomes one between `d × (1 − jitter)` and `d`.
    pub jitter: f64,
    /// The last attempt made; attempts count from 1.
    pub max_attempts: u32,
    /// The longest wait taken from the API.
    pub max_asked: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(1),
            max: Duration::from_mins(5),
            multiplier: 2.0,
            jitter: 0.5,
            max_attempts: 15,
            max_asked: Duration::from_mins(5),
        }
    }
}

impl RetryPolicy {
    /// Checks the values against each other.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn validate(&self) -> Result<(), String> {
        if self.initial.is_zero() || self.initial > self.max {
            return Err("retry.initial must be more than zero and at most retry.max".to_owned());
        }
        if !(1.0..=10.0).contains(&self.multiplier) {
            return Err("retry.multiplier must lie between 1 and 10".to_owned());
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return Err("retry.jitter must lie between 0 and 1".to_owned());
        }
        if !(1..=100).contains(&self.max_attempts) {
            return Err("retry.max_attempts must lie between 1 and 100".to_owned());
        }
        Ok(())
    }

    /// The delay after the failure of `attempt` (from 1). `random` lies in `[0, 1)`. A wait that the API asked for is a
    /// floor, itself capped.
    pub fn delay(&self, attempt: u32, random: f64, asked: Option<Duration>) -> Duration {
        let mut policy = self.exponential();
        let steps = attempt.clamp(1, 100);
        let full = (0..steps).filter_map(|_| policy.next_backoff()).last().unwrap_or(self.max).min(self.max);
        let jittered = full.mul_f64(1.0 - self.jitter * random.clamp(0.0, 1.0));
        jittered.max(asked.unwrap_or_default().min(self.max_asked))
    }

    /// Whether `attempt` (from 1) was the last.
    pub const fn is_last(&self, attempt: u32) -> bool {
        attempt >= self.max_attempts
    }

    /// The policy without its own randomness, which cannot be seeded, and without its end: attempts are counted here.
    fn exponential(&self) -> ExponentialBackoff {
        ExponentialBackoffBuilder::new()
            .with_initial_interval(self.initial)
            .with_max_interval(self.max)
            .with_multiplier(self.multiplier)
            .with_randomization_factor(0.0)
            .with_max_elapsed_time(None)
            .build()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn delays_double_up_to_the_cap() {
        let policy = RetryPolicy { max: Duration::from_secs(10), ..RetryPolicy::default() };
        let delays: Vec<u64> = (1..=6).map(|attempt| policy.delay(attempt, 0.0, None).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 10, 10]);
    }

    #[test]
    fn jitter_shortens_and_an_asked_wait_is_a_capped_floor() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.delay(2, 0.999_999_999, None).as_millis(), 1_000);
        assert_eq!(policy.delay(1, 0.0, Some(Duration::from_secs(7))), Duration::from_secs(7));
        assert_eq!(policy.delay(1, 0.0, Some(Duration::from_secs(9_999))), policy.max_asked);
    }

    proptest! {
        #[test]
        fn a_delay_keeps_its_bounds(
            attempt in any::<u32>(),
            random in 0.0..1.0_f64,
            asked in prop::option::of(any::<u64>().prop_map(Duration::from_millis)),
            jitter in 0.0..=1.0_f64,
            multiplier in 1.0..=10.0_f64,
        ) {
            let policy = RetryPolicy { multiplier, jitter, ..RetryPolicy::default() };
            prop_assert_eq!(policy.validate(), Ok(()));
            let delay = policy.delay(attempt, random, asked);
            prop_assert!(delay <= policy.max.max(policy.max_asked));
            prop_assert!(delay >= asked.unwrap_or_default().min(policy.max_asked));
            prop_assert!(delay >= policy.initial.mul_f64((1.0 - jitter) * 0.999));
        }
    }

    #[test]
    fn the_last_attempt_is_the_last() {
        let policy = RetryPolicy { max_attempts: 3, ..RetryPolicy::default() };
        assert_eq!([1, 2, 3, 4].map(|attempt| policy.is_last(attempt)), [false, false, true, true]);
    }
}
