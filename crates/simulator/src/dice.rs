//! Chance that can be repeated: each draw is a function of a seed and of the name of what is drawn.
//!
//! A draw never depends on how many came before it, so a customer's fate is the same whichever worker comes first.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::clock::scale;
use crate::knobs::Span;

/// A source of named draws.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// Dice of their own for one text, e.g. one customer's e-mail.
    pub(crate) fn of(self, text: &str) -> Self {
        Self(mix(self.0 ^ first_word(&digest(&[text.as_bytes()]))))
    }

    /// Dice of their own for one number, e.g. the n-th request.
    pub(crate) const fn nth(self, n: u64) -> Self {
        Self(mix(self.0 ^ mix(n)))
    }

    /// A number in `[0, 1)` for the thing named.
    pub(crate) fn unit(self, name: &str) -> f64 {
        let named = name.bytes().fold(self.0, |state, byte| mix(state ^ u64::from(byte)));
        f64::from(u32::try_from(named >> 32).unwrap_or(u32::MAX)) / (f64::from(u32::MAX) + 1.0)
    }

    /// Whether the thing named happens, at this probability.
    pub(crate) fn happens(self, name: &str, probability: f64) -> bool {
        self.unit(name) < probability
    }

    /// A length of time within the span.
    pub(crate) fn within(self, name: &str, span: Span) -> Duration {
        scale(span.min_s + (span.max_s - span.min_s) * self.unit(name))
    }

    /// Sixteen bytes for the parts given, e.g. an id.
    pub(crate) fn bytes(self, parts: &[&[u8]]) -> [u8; 16] {
        let seed = self.0.to_be_bytes();
        let all: Vec<&[u8]> = std::iter::once(seed.as_slice()).chain(parts.iter().copied()).collect();
        let mut head = [0; 16];
        for (slot, byte) in head.iter_mut().zip(digest(&all)) {
            *slot = byte;
        }
        head
    }
}

/// SHA-256 over the parts, each led by its length so that no two lists of parts read the same.
pub(crate) fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn first_word(digest: &[u8; 32]) -> u64 {
    digest.iter().take(8).fold(0, |word, byte| (word << 8) | u64::from(*byte))
}

/// The finalizer of splitmix64: every bit of the input moves every bit of the output.
const fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_its_name_and_not_on_the_order() {
        let dice = Dice::new(7).of("ops@acme.example");
        let (reject, open) = (dice.unit("reject"), dice.unit("open"));
        assert_eq!((open, reject), (dice.unit("open"), dice.unit("reject")));
        assert_ne!(open.to_bits(), reject.to_bits());
        assert_ne!(reject.to_bits(), Dice::new(8).of("ops@acme.example").unit("reject").to_bits());
    }

    #[test]
    fn draws_are_spread_evenly() {
        let dice = Dice::new(1);
        let hits = (0..10_000).filter(|n| dice.nth(*n).happens("reset", 0.3)).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
    }
}
