//! How long the API asks to wait: in the error's text first, in a header second.
//!
//! The vendor's own client reads the text alone: a bare number of seconds, or `Retry after 4s`. Gateways in front of it
//! send `Retry-After`, in seconds or as a date.

use std::time::Duration;

use gangway_jobs::clock::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::moment::{answered_at, http_date};

/// The wait asked for; `None` for none, or for zero.
pub(crate) fn asked(text: &str, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    in_text(text).or_else(|| in_header(headers, now)).filter(|wait| !wait.is_zero())
}

fn in_text(text: &str) -> Option<Duration> {
    seconds(text.trim()).or_else(|| {
        text.match_indices(PHRASE).find_map(|(at, _)| {
            let rest = &text[at + PHRASE.len()..];
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            rest[end..].starts_with('s').then(|| seconds(&rest[..end]))?
        })
    })
}

const PHRASE: &str = "Retry after ";

fn in_header(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    // A date is the API's clock's, so the wait is counted from the API's own present.
    seconds(text).or_else(|| Some(http_date(text)?.since(answered_at(headers, now))))
}

/// A number too large for a clock is a very long wait; the cap makes it a sensible one.
fn seconds(digits: &str) -> Option<Duration> {
    let number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    let wait = Duration::from_secs(digits.parse().unwrap_or(u64::MAX));
    (number && !wait.is_zero()).then_some(wait)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{DATE, HeaderValue};

    use super::*;

    #[test]
    fn the_text_speaks_first_and_then_the_header() {
        let table = [
            ("Rate limit exceeded. Retry after 4s.", None, Some(4)),
            ("7", None, Some(7)),
            (" 7 ", Some("9"), Some(7)),
            ("Retry after 4s, then Retry after 8s", None, Some(4)),
            ("Retry after 4m. Retry after 8s", None, Some(8)),
            ("Retry after 0s", None, None),
            ("0", Some("9"), Some(9)),
            ("retry after 4s", None, None),
            ("Retry after 4", None, None),
            ("Retry after s", None, None),
            ("-4", None, None),
            ("", Some("12"), Some(12)),
            ("", Some("0"), None),
            ("", Some("soon"), None),
            ("", Some("Sun, 01 Mar 2026 09:01:00 GMT"), Some(60)),
            ("", Some("Sun, 01 Mar 2026 08:59:00 GMT"), None),
            ("Retry after 99999999999999999999s", None, Some(u64::MAX)),
        ];
        let local = Timestamp::from_millis(0);
        for (text, header, seconds) in table {
            let mut headers = HeaderMap::new();
            headers.insert(DATE, HeaderValue::from_static("Sun, 01 Mar 2026 09:00:00 GMT"));
            if let Some(header) = header {
                headers.insert(RETRY_AFTER, HeaderValue::from_static(header));
            }
            let wait = asked(text, &headers, local);
            assert_eq!(wait, seconds.map(Duration::from_secs), "{text:?} {header:?}");
        }
    }
}
