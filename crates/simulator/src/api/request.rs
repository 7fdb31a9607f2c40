//! Reading requests as leniently, or as strictly, as the API is thought to.

use axum::http::HeaderMap;
use serde_json::Value;
use uuid::Uuid;

use crate::refusal::Refusal;

/// The body as JSON.
pub(super) fn json(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        Refusal::bad_request(format!("Malformed JSON at line {}, column {}.", error.line(), error.column()))
    })
}

/// The `Idempotency-Key`, if there is one; anything but a hyphenated UUID is refused.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<Uuid>, Refusal> {
    let Some(header) = headers.get("idempotency-key") else { return Ok(None) };
    let key = header.to_str().ok().and_then(uuid);
    key.map(Some).ok_or_else(|| Refusal::bad_request("Idempotency-Key must be a UUID."))
}

/// A UUID in its hyphenated form only.
pub(super) fn uuid(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text).ok().filter(|_| text.len() == 36)
}

/// A text field that may be null or missing.
pub(super) fn optional_text<'a>(body: &'a Value, field: &str) -> Result<Option<&'a str>, Refusal> {
    match body.get(field) {
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Null) | None => Ok(None),
        Some(_) => Err(Refusal::unprocessable(format!("{field} must be a string."))),
    }
}
