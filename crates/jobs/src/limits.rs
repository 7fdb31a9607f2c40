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
        // A class without a share of its own could wait for ever while the others are busy.
        if !self.shares.iter().all(|share| *share > 0.0)
            || (self.shares.iter().sum::<f64>() - 1.0).abs() > 1e-6
        {
            return Err(
                "the shares of the classes of calls must all be more than 0, and 1 together".to_owned()
            );
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
        wait_for(policy, class, self.tokens[class.index()])
    }

    fn fill(&mut self, policy: &RatePolicy, now: Timestamp) {
        let elapsed = now.since(self.filled_at).as_secs_f64();
        self.filled_at = self.filled_at.max(now);
        let mut over = 0.0;
        for class in Class::ALL {
            // A rate that was lowered since takes its tokens along.
            let tokens = &mut self.tokens[class.index()];
            *tokens = tokens.min(capacity(policy, class));
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

/// How long until a class with so many tokens has a whole one, if nobody else takes it.
pub fn wait_for(policy: &RatePolicy, class: Class, tokens: f64) -> Duration {
    let missing = 1.0 - tokens;
    if missing <= EPSILON {
        Duration::ZERO
    } else {
        Duration::from_secs_f64((missing / policy.rate_of(class)).min(3_600.0))
    }
}

/// At least one, or a slow class could never take a whole token.
fn capacity(policy: &RatePolicy, class: Class) -> f64 {
    (policy.rate_of(class) * HORIZON.as_secs_f64()).max(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    #[test]
    fn a_rate_that_is_lowered_takes_its_tokens_along() {
        let mut bucket = Bucket::full(&RatePolicy { per_second: 1_000.0, ..POLICY }, at(0));
        assert_eq!(bucket.take(&POLICY, Class::Poll, 1_000, at(0)), 6);
    }

    #[test]
    fn a_slow_class_gets_its_token_however_seldom_it_asks() {
        let policy = RatePolicy { per_second: 0.1, ..POLICY };
        let mut bucket = Bucket::full(&policy, at(0));
        for class in Class::ALL {
            assert_eq!(bucket.take(&policy, class, 1, at(0)), 1);
        }
        assert_eq!(bucket.take(&policy, Class::Poll, 1, at(34_000)), 1);
    }

    #[test]
    fn shares_that_do_not_add_up_are_refused() {
        assert_eq!(POLICY.validate(), Ok(()));
        for shares in [[0.5, 0.5, 0.5], [0.0, 0.5, 0.5], [-0.5, 1.0, 0.5], [f64::NAN, 0.5, 0.5]] {
            assert!(RatePolicy { shares, ..POLICY }.validate().is_err(), "{shares:?}");
        }
        for per_second in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(RatePolicy { per_second, ..POLICY }.validate().is_err(), "{per_second}");
        }
    }

    proptest! {
        #[test]
        fn no_more_is_given_than_the_rate_allows_and_waiting_the_told_time_gives_one(
            per_second in 0.1..500.0_f64,
            moves in prop::collection::vec((0..3_usize, 0..50_usize, 0..3_000_i64), 1..80),
        ) {
            let policy = RatePolicy { per_second, ..POLICY };
            let mut bucket = Bucket::full(&policy, at(0));
            let whole: f64 = Class::ALL.into_iter().map(|class| capacity(&policy, class)).sum();
            let (mut now, mut given) = (0, 0.0);
            for (class, wanted, pause) in moves {
                now += pause;
                let taken = bucket.take(&policy, Class::ALL[class], wanted, at(now));
                prop_assert!(taken <= wanted);
                #[expect(clippy::cast_precision_loss, reason = "small numbers")]
                let (taken, passed) = (taken as f64, now as f64 / 1_000.0);
                given += taken;
                prop_assert!(given <= per_second * passed + whole + 1e-6, "{} by {}", given, now);
            }
            for class in Class::ALL {
                let wait = i64::try_from(bucket.wait(&policy, class).as_millis()).unwrap();
                now += wait + 1;
                prop_assert_eq!(bucket.take(&policy, class, 1, at(now)), 1);
            }
        }
    }
}
