//! The header that says who calls, as the simulator reads it.

use gangway_simulator::{Caller, Config, lets_in};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// A point in time within the calendar of the signature, in seconds since 1970.
const NOW: i64 = 1_772_355_601;

/// The same as text.
const NOW_TEXT: &str = "20260301T090001Z";

/// Lines, of which the last may hold anything: `Authorization`, `X-OM-Date`, method, path, body.
///
/// # Panics
/// If somebody is let in without knowing the secret, or is not let in who does.
pub fn check(input: &[u8]) {
    let config = Config::default();
    let mut parts = input.splitn(5, |byte| *byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let (authorization, date, method, path, body) = (part(), part(), part(), part(), part());
    let caller = Caller { authorization, date: Some(date), method: text(method), path: text(path), body };
    if lets_in(&config, &caller, NOW) {
        let shown = String::from_utf8_lossy(authorization);
        assert!(shown.contains(Config::ACCESS_KEY), "let in without the key");
        let bearer = shown.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"));
        assert!(bearer || is_signed(&caller, &shown), "let in without the secret");
    }
    let signed = format!(
        "OneMoney-HMAC-SHA256 {}:{NOW_TEXT}:{}",
        Config::ACCESS_KEY,
        signature(NOW_TEXT, caller.method, caller.path, body)
    );
    let good = Caller { authorization: signed.as_bytes(), date: Some(NOW_TEXT.as_bytes()), ..caller };
    assert!(lets_in(&config, &good, NOW), "not let in with the secret");
    let other = [body, b"!"].concat();
    assert!(!lets_in(&config, &Caller { body: &other, ..good }, NOW), "let in with another body");
    assert!(!lets_in(&config, &Caller { date: None, ..good }, NOW), "let in without a date");
    assert!(!lets_in(&config, &good, NOW + 301), "let in long after");
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// Whether the header ends in the signature of the time before it.
fn is_signed(caller: &Caller<'_>, authorization: &str) -> bool {
    let mut fields = authorization.trim().rsplitn(3, ':');
    let (Some(claimed), Some(at)) = (fields.next(), fields.next()) else { return false };
    claimed == signature(at, caller.method, caller.path, caller.body)
}

/// Written down a second time here, so that one mistake does not prove another.
fn signature(at: &str, method: &str, path: &str, body: &[u8]) -> String {
    let body = hex(&Sha256::digest(body));
    let text = [Config::ACCESS_KEY, at, method, path, &body].join("\n");
    // What the published secret of a simulator decodes to.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(b"simulator-secret-for-demo-and-tests") else {
        return String::new();
    };
    mac.update(text.as_bytes());
    hex(&mac.finalize().into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
