//! The times that an answer tells: in its headers, in its body.

use gangway_jobs::clock::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::TimeZone;
use reqwest::header::{DATE, HeaderMap};

/// A time out of a body: RFC 3339; without an offset, UTC.
pub(crate) fn api_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    Timestamp::parse(text).ok().or_else(|| {
        let utc = text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?;
        Some(Timestamp::from_millis(utc.timestamp().as_millisecond()))
    })
}

/// A time out of a header, as `Sun, 01 Mar 2026 09:00:01 GMT`.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    let at = DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Some(Timestamp::from_millis(at.as_millisecond()))
}

/// When the answer was made, by the API's clock; by ours if it does not say.
pub(crate) fn answered_at(headers: &HeaderMap, now: Timestamp) -> Timestamp {
    headers.get(DATE).and_then(|date| date.to_str().ok()).and_then(http_date).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_one_time_is_that_time() {
        let at = Timestamp::from_millis(1_772_355_601_000);
        for text in [
            "2026-03-01T09:00:01Z",
            "2026-03-01t09:00:01.000z",
            "2026-03-01 09:00:01+00:00",
            "2026-03-01T04:00:01-05:00",
            "2026-03-01T09:00:01",
            " 2026-03-01T09:00:01.000000Z ",
        ] {
            assert_eq!(api_time(text), Some(at), "{text}");
        }
        assert_eq!(http_date("Sun, 01 Mar 2026 09:00:01 GMT"), Some(at));
        for text in ["", "soon", "1772355601", "2026-13-01T00:00:00Z"] {
            assert_eq!(api_time(text), None, "{text}");
            assert_eq!(http_date(text), None, "{text}");
        }
    }
}
