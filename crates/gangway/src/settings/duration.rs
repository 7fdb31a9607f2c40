//! Durations as people write them: `50ms`, `30s`, `14d`, `1h30m`.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

const UNITS: [(&str, u64); 6] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
];

/// Reads a duration.
///
/// # Errors
/// A sentence that shows what would be right.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    let mut millis: u64 = 0;
    let wrong = || format!("{text:?} is not a duration; write it as 50ms, 30s, 5m, 12h, 14d or 1h30m");
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let letters =
            rest[digits..].len() - rest[digits..].trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (number, unit) = (&rest[..digits], &rest[digits..digits + letters]);
        let (_, factor) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_not_a_number| wrong())?;
        millis = number.checked_mul(factor).and_then(|part| millis.checked_add(part)).ok_or_else(wrong)?;
        rest = rest[digits + letters..].trim_start();
    }
    Ok(Duration::from_millis(millis))
}

/// Writes a duration as [`parse`] reads it.
pub(crate) fn show(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, factor) in UNITS.into_iter().rev().filter(|(unit, _)| *unit != "w") {
        if left >= factor {
            text.push_str(&(left / factor).to_string());
            text.push_str(unit);
            left %= factor;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// For serde.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_back() {
        let table = [
            ("50ms", 50, "50ms"),
            ("30s", 30_000, "30s"),
            ("90s", 90_000, "1m30s"),
            ("14d", 1_209_600_000, "14d"),
            ("2w", 1_209_600_000, "14d"),
            (" 1h 30m ", 5_400_000, "1h30m"),
            ("0s", 0, "0s"),
        ];
        for (text, millis, shown) in table {
            let duration = parse(text).unwrap();
            assert_eq!(duration, Duration::from_millis(millis), "{text}");
            assert_eq!(show(duration), shown);
        }
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for text in ["", "30", "s", "-1s", "1.5s", "30 seconds", "1y", "99999999999999999999s", "1sé", "ms5"]
        {
            assert!(parse(text).unwrap_err().contains("write it as 50ms"), "{text:?}");
        }
    }
}
