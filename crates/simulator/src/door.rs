//! Who is let in, asked without a server.

use axum::http::{HeaderMap, HeaderValue};
use jiff::Timestamp;

use crate::auth::{Signed, verify};
use crate::config::Config;

/// A request, as far as it says who makes it.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The header `Authorization`.
    pub authorization: &'a [u8],
    /// The header `X-OM-Date`.
    pub date: Option<&'a [u8]>,
    /// Of the request, as it is signed.
    pub method: &'a str,
    /// Of the request, without `?` and what follows.
    pub path: &'a str,
    /// Of the request.
    pub body: &'a [u8],
}

/// Whether a simulator of that configuration lets the caller in, `now` seconds after 1970. Headers that HTTP does not carry
/// do not arrive.
///
/// ```
/// use gangway_simulator::{Caller, Config, lets_in};
///
/// let caller =
///     Caller { authorization: b"Bearer sim_access_key", date: None, method: "GET", path: "/v1/customers", body: b"" };
/// assert!(lets_in(&Config::default(), &caller, 0));
/// assert!(!lets_in(&Config::default(), &Caller { authorization: b"Bearer another", ..caller }, 0));
/// ```
pub fn lets_in(config: &Config, caller: &Caller<'_>, now: i64) -> bool {
    let (Ok(credentials), Ok(now)) = (config.credentials(), Timestamp::from_second(now)) else {
        return false;
    };
    let mut headers = HeaderMap::new();
    let mut carry = |name: &'static str, value: &[u8]| {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.insert(name, value);
        }
    };
    carry("authorization", caller.authorization);
    if let Some(date) = caller.date {
        carry("x-om-date", date);
    }
    let request = Signed { method: caller.method, path: caller.path, body: caller.body };
    verify(&headers, request, &credentials, &config.knobs.auth, now).is_ok()
}
