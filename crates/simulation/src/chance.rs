//! All chance of a run, drawn from its seed.

use std::time::Duration;

use uuid::Uuid;

/// A source of chance: the same numbers for the same seed.
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next word, by splitmix64.
    pub(crate) const fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// From 0 up to but not including `end`; 0 if there is nothing to choose from.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.word() % end }
    }

    /// Between both, included.
    pub(crate) const fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// A place in a list of that length.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// Happens so often in a thousand.
    pub(crate) const fn happens(&mut self, in_a_thousand: u64) -> bool {
        self.below(1_000) < in_a_thousand
    }

    /// One of them; `None` if there are none.
    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.index(list.len()))
    }

    /// One by its weight; `None` if no weight is above 0.
    pub(crate) fn weighted<T: Copy>(&mut self, list: &[(u64, T)]) -> Option<T> {
        let mut left = self.below(list.iter().map(|(weight, _)| weight).sum());
        list.iter()
            .find(|(weight, _)| {
                let here = left < *weight;
                left = left.saturating_sub(*weight);
                here
            })
            .map(|(_, what)| *what)
    }

    pub(crate) const fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.between(least, most))
    }

    pub(crate) const fn uuid(&mut self) -> Uuid {
        Uuid::from_u64_pair(self.word(), self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_kept_and_what_has_none_never_happens() {
        let mut chance = Chance::new(1);
        let drawn: Vec<char> =
            (0..1_000).filter_map(|_| chance.weighted(&[(3, 'a'), (0, 'b'), (1, 'c')])).collect();
        let count = |wanted| drawn.iter().filter(|letter| **letter == wanted).count();
        assert_eq!((drawn.len(), count('b')), (1_000, 0));
        assert!((650..850).contains(&count('a')), "{}", count('a'));
        assert_eq!(chance.weighted::<char>(&[]), None);
    }
}
