//! How long the API thinks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::scale;
use crate::dice::Dice;
use crate::error::Error;
use crate::knobs::probability;

/// Distribution of the time before a request is worked on; real milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Latency {
    /// None.
    #[default]
    None,
    /// Always the same.
    Fixed {
        /// So long.
        ms: f64,
    },
    /// Evenly between two bounds.
    Uniform {
        /// At least.
        min_ms: f64,
        /// At most.
        max_ms: f64,
    },
    /// Evenly up to twice the typical time, but now and then up to the tail.
    Tail {
        /// The common case.
        typical_ms: f64,
        /// The longest of the rare ones.
        tail_ms: f64,
        /// Probability of a rare one.
        rate: f64,
    },
}

impl Latency {
    pub(super) fn draw(self, dice: Dice) -> Duration {
        let unit = dice.unit("latency");
        let ms = match self {
            Self::None => return Duration::ZERO,
            Self::Fixed { ms } => ms,
            Self::Uniform { min_ms, max_ms } => min_ms + (max_ms - min_ms) * unit,
            Self::Tail { typical_ms, tail_ms, rate } if dice.happens("tail", rate) => {
                typical_ms + (tail_ms - typical_ms) * unit
            }
            Self::Tail { typical_ms, .. } => 2.0 * typical_ms * unit,
        };
        scale(ms / 1_000.0)
    }

    pub(super) fn validate(self) -> Result<(), Error> {
        let (low, high, rate) = match self {
            Self::None => (0.0, 0.0, 0.0),
            Self::Fixed { ms } => (ms, ms, 0.0),
            Self::Uniform { min_ms, max_ms } => (min_ms, max_ms, 0.0),
            Self::Tail { typical_ms, tail_ms, rate } => (typical_ms, tail_ms, rate),
        };
        if !(low >= 0.0 && low <= high && high.is_finite()) {
            return Err(Error::setting("latency", "needs times of at least 0, the lower bound first"));
        }
        probability("latency.rate", rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_within_their_bounds() {
        let uniform = Latency::Uniform { min_ms: 5.0, max_ms: 9.0 };
        for n in 0..1_000 {
            let drawn = uniform.draw(Dice::new(3).nth(n));
            assert!((Duration::from_millis(5)..=Duration::from_millis(9)).contains(&drawn), "{drawn:?}");
        }
    }
}
