//! The rate limit, and who keeps to the waits it asks for.

use std::collections::HashMap;
use std::time::Duration;

use crate::knobs::{LimitKnobs, RateLimit};

/// Token buckets and announced waits, for each access key. Times are real, since the start.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    keys: HashMap<String, Key>,
    /// Requests that came while a wait was on.
    pub(crate) inside_window: u64,
}

#[derive(Debug, Default)]
struct Key {
    bucket: Option<Bucket>,
    wait: Option<Wait>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    filled: Duration,
}

/// A wait that was asked for: requests that come within it break it.
#[derive(Debug, Clone, Copy)]
struct Wait {
    /// Later than the answer by a grace: what comes before may have been sent before the answer was read.
    from: Duration,
    until: Duration,
}

impl Limits {
    /// Counts the request if it breaks a wait.
    pub(crate) fn arrived(&mut self, key: &str, now: Duration) {
        let broken = self.keys.get(key).and_then(|key| key.wait);
        if broken.is_some_and(|wait| (wait.from..wait.until).contains(&now)) {
            self.inside_window += 1;
        }
    }

    /// Takes a token, or says how many whole seconds to wait for one.
    pub(crate) fn take(&mut self, key: &str, rate: Option<RateLimit>, now: Duration) -> Result<(), u64> {
        let Some(rate) = rate else { return Ok(()) };
        let burst = f64::from(rate.burst);
        let bucket = &mut self.entry(key).bucket;
        let before = bucket.unwrap_or(Bucket { tokens: burst, filled: now });
        let gained = now.saturating_sub(before.filled).as_secs_f64() * rate.per_second;
        let tokens = (before.tokens + gained).min(burst);
        let (tokens, taken) = if tokens >= 1.0 { (tokens - 1.0, true) } else { (tokens, false) };
        *bucket = Some(Bucket { tokens, filled: now });
        if taken {
            return Ok(());
        }
        let wait = crate::clock::scale((1.0 - tokens) / rate.per_second);
        Err(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    }

    /// Remembers that this wait was asked for. A wait that is already on is not shortened, nor its grace renewed.
    pub(crate) fn announced(&mut self, key: &str, wait_s: u64, knobs: &LimitKnobs, now: Duration) {
        let from = now.saturating_add(Duration::from_millis(knobs.in_flight_grace_ms));
        let until = now.saturating_add(Duration::from_secs(wait_s));
        let wait = &mut self.entry(key).wait;
        *wait = match *wait {
            Some(on) if on.until > now => Some(Wait { from: on.from, until: on.until.max(until) }),
            Some(_) | None => Some(Wait { from, until }),
        };
    }

    fn entry(&mut self, key: &str) -> &mut Key {
        if !self.keys.contains_key(key) {
            self.keys.insert(key.to_owned(), Key::default());
        }
        self.keys.entry(key.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn a_burst_passes_and_then_tokens_come_back_at_the_rate() {
        let mut limits = Limits::default();
        let rate = Some(RateLimit { per_second: 10.0, burst: 2 });
        assert_eq!([0, 0, 0].map(|ms| limits.take("k", rate, MS(ms))), [Ok(()), Ok(()), Err(1)]);
        assert_eq!([100, 110].map(|ms| limits.take("k", rate, MS(ms))), [Ok(()), Err(1)]);
        assert_eq!(limits.take("another", rate, MS(110)), Ok(()), "each key has a bucket of its own");
        assert_eq!(limits.take("k", None, MS(110)), Ok(()));
    }

    #[test]
    fn a_slow_rate_asks_for_a_long_wait() {
        let mut limits = Limits::default();
        let rate = Some(RateLimit { per_second: 0.25, burst: 1 });
        assert_eq!([0, 1_000].map(|ms| limits.take("k", rate, MS(ms))), [Ok(()), Err(3)]);
    }

    #[test]
    fn requests_inside_a_wait_count_unless_they_were_in_flight() {
        let mut limits = Limits::default();
        let knobs = LimitKnobs { in_flight_grace_ms: 100, ..LimitKnobs::default() };
        limits.announced("k", 2, &knobs, MS(1_000));
        for ms in [1_050, 1_500, 2_999, 3_000] {
            limits.arrived("k", MS(ms));
        }
        assert_eq!(limits.inside_window, 2);
    }
}
