//! Where handlers take chance from, for the jitter of their delays.

use std::sync::{Mutex, PoisonError};

/// A source of numbers between 0 and 1.
#[derive(Debug, Default)]
pub struct Chance(Option<Mutex<u64>>);

impl Chance {
    /// Numbers that follow from a seed: the same ones in every run, for a simulation.
    pub const fn seeded(seed: u64) -> Self {
        Self(Some(Mutex::new(seed)))
    }

    /// The next number, from 0 up to but not including 1.
    pub(crate) fn next(&self) -> f64 {
        self.0.as_ref().map_or_else(rand::random, |state| {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            unit(mixed(*state))
        })
    }
}

/// The finalizer of splitmix64: every bit of the input moves every bit of the output.
const fn mixed(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

fn unit(word: u64) -> f64 {
    f64::from(u32::try_from(word >> 32).unwrap_or(u32::MAX)) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_again_and_they_are_spread() {
        let drawn = |seed| {
            let chance = Chance::seeded(seed);
            (0..1_000).map(|_| chance.next()).collect::<Vec<f64>>()
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        assert!(drawn(1).iter().all(|number| (0.0..1.0).contains(number)));
        let mean = drawn(1).iter().sum::<f64>() / 1_000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
    }

    #[test]
    fn without_a_seed_numbers_differ() {
        let chance = Chance::default();
        assert!((0..10).any(|_| (chance.next() - chance.next()).abs() > f64::EPSILON));
    }
}
