//! The rate limit that all workers share: one token bucket per entity, with a reserved share for each class of calls.
//!
//! Each class has a bucket of its own that fills at its share of the rate. What a full bucket cannot hold flows into the
//! others: an unused share is lent, and the moment its class wakes up it finds its own bucket full. A bucket holds what
//! comes in in [`HORIZON`], so no token is older than that.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::kind::Kind;

/// A token not used for that long is dropped.
pub const HORIZON: Duration = Duration::from_secs(2);

/// Shares are no binary fractions: six tenths ten times over fall short of six by so much at most.
const EPSILON: f64 = 1e-9;

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Class {
    /// Somebody waits for the answer: links.
    Interactive,
    /// Creates and their look-ups.
    Create,
    /// Polls.
    Poll,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 3] = [Self::Interactive, Self::Create, Self::Poll];

    /// The class of a job's calls.
    pub const fn of(kind: Kind) -> Self {
        match kind {
            Kind::CreateCustomer => Self::Create,
            Kind::CreateLink => Self::Interactive,
            Kind::PollStatus => Self::Poll,
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Interactive => 0,
            Self::Create => 1,
            Self::Poll => 2,
        }
    }
}

/// How many calls may be made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatePolicy {
    /// Calls per second, all classes together; more than zero.
    pub per_second: f64,
    /// The reserved shares in the order of [`Class::ALL`]; their sum is 1.
    pub shares: [f64; 3],
}

impl Default for RatePolicy {
    fn default() -> Self {
        Self { per_second: 10.0, shares: [0.3, 0.4, 0.3] }
    }
}

impl RatePolicy {
    /// Checks the values.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn validate(&self) -> Result<(), String> {
        if !(self.per_second > 0.0 && self.per_second <= 1_000_000.0) {
            return Err("api.rate_per_second must be more than 0 and at most 1000000".to_owned());
        }
        Ok(())
    }

    /// The share of a class, in calls per second.
    pub fn rate_of(&self, class: Class) -> f64 {
        self.per_second * self.shares[class.index()]
    }
}

/// The bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    tokens: [f64; 3],
    filled_at: Timestamp,
}

impl Bucket {
    /// A full bucket.
    pub fn full(policy: &RatePolicy, now: Timestamp) -> Self {
        Self { tokens: Class::ALL.map(|class| capacity(policy, class)), filled_at: now }
    }

    /// Takes up to `wanted` tokens; answers how many.
    pub fn take(&mut self, policy: &RatePolicy, class: Class, wanted: usize, now: Timestamp) -> usize {
        self.fill(policy, now);
        let tokens = &mut self.tokens[class.index()];
        #[expect(clippy::cast_precision_loss, reason = "batches are bounded far below 2⁵²")]
        let taken = (*tokens + EPSILON).floor().min(wanted as f64).max(0.0);
        *tokens = (*tokens - taken).max(0.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and `wanted`")]
        let taken = taken as usize;
        taken
    }

    /// How long until the class has a token again, if nobody else takes it.
    pub fn wait(&self, policy: &RatePolicy, class: Class) -> Duration {
        let missing = 1.0 - self.tokens[class.index()];
        if missing <= EPSILON {
            Duration::ZERO
        } else {
            Duration::from_secs_f64((missing / policy.rate_of(class)).min(3_600.0))
        }
    }

    fn fill(&mut self, policy: &RatePolicy, now: Timestamp) {
        let elapsed = now.since(self.filled_at).min(HORIZON).as_secs_f64();
        self.filled_at = self.filled_at.max(now);
        let mut over = 0.0;
        for class in Class::ALL {
            over += self.pour(policy, class, policy.rate_of(class) * elapsed);
        }
        for class in Class::ALL {
            over = self.pour(policy, class, over);
        }
    }

    /// Pours tokens into one class; answers what it cannot hold.
    fn pour(&mut self, policy: &RatePolicy, class: Class, amount: f64) -> f64 {
        let room = (capacity(policy, class) - self.tokens[class.index()]).max(0.0);
        let poured = amount.min(room);
        self.tokens[class.index()] += poured;
        amount - poured
    }
}

/// At least one, or a slow class could never take a whole token.
fn capacity(policy: &RatePolicy, class: Class) -> f64 {
    (policy.rate_of(class) * HORIZON.as_secs_f64()).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RatePolicy = RatePolicy { per_second: 10.0, shares: [0.3, 0.4, 0.3] };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn an_idle_class_lends_its_share_and_has_its_own_at_once_when_it_wakes() {
        let mut bucket = Bucket::full(&POLICY, at(0));
        assert_eq!(bucket.take(&POLICY, Class::Poll, 100, at(0)), 6);
        // The others are full, so all ten tokens of a second flow to the polls, up to what their bucket holds.
        assert_eq!(bucket.take(&POLICY, Class::Poll, 100, at(600)), 6);
        assert_eq!(bucket.take(&POLICY, Class::Create, 100, at(600)), 8);
    }

    #[test]
    fn a_greedy_class_cannot_starve_another() {
        let mut bucket = Bucket::full(&POLICY, at(0));
        let mut taken = [0; 3];
        for tick in 0..100 {
            for class in [Class::Poll, Class::Create, Class::Interactive] {
                taken[class.index()] += bucket.take(&POLICY, class, 1_000, at(tick * 100));
            }
        }
        for class in Class::ALL {
            let share = POLICY.rate_of(class) * 9.9;
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let got = taken[class.index()] as f64;
            assert!(got >= share.floor(), "{class:?}: {got} of {share}");
        }
        assert!(taken.iter().sum::<usize>() <= 20 + 99);
    }

    #[test]
    fn a_clock_that_steps_back_gives_no_tokens() {
        let mut bucket = Bucket::full(&POLICY, at(10_000));
        bucket.take(&POLICY, Class::Create, 100, at(10_000));
        assert_eq!(bucket.take(&POLICY, Class::Create, 100, at(0)), 0);
        assert_eq!(bucket.take(&POLICY, Class::Create, 100, at(10_050)), 0);
        assert!(bucket.wait(&POLICY, Class::Create) > Duration::ZERO);
    }
}
