//! Times to figures.

use std::time::Duration;

/// How many a second.
pub(crate) fn per_second(count: u64, time: Duration) -> f64 {
    real(count) / time.as_secs_f64()
}

/// Counts as a real number.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2⁵²")]
pub(crate) const fn real(count: u64) -> f64 {
    count as f64
}

/// Milliseconds of the sample below which `share` of all lie; the samples are sorted.
pub(crate) fn percentile(sorted: &[Duration], share: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
    let at = (real(sorted.len() as u64) * share).ceil() as usize;
    let found = sorted.get(at.saturating_sub(1).min(sorted.len().saturating_sub(1)));
    found.map_or(f64::NAN, |sample| sample.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_sample_below_which_that_share_lies() {
        let samples: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        let at = |share| percentile(&samples, share);
        assert!(
            (at(0.5) - 100.0).abs() < 1e-9 && (at(0.99) - 198.0).abs() < 1e-9,
            "{} {}",
            at(0.5),
            at(0.99)
        );
        assert!((at(1.0) - 200.0).abs() < 1e-9 && percentile(&[], 0.5).is_nan());
    }
}
