//! Reading what scripts answer. An answer of another form is an error, never a guess.

#![expect(clippy::wildcard_enum_match_arm, reason = "whatever form is not expected is another one")]

use gangway_jobs::clock::Timestamp;
use redis::Value;

use super::core::Reply;
use crate::{Error, Result};

/// An answer that does not have the form that its script gives it.
#[derive(Debug, thiserror::Error)]
#[error("the answer to {action:?} has another form than expected")]
struct OtherForm {
    action: &'static str,
}

pub(super) fn other_form(action: &'static str) -> Error {
    Error::Damaged { what: "answer", id: "a script".to_owned(), source: Box::new(OtherForm { action }) }
}

/// Reads a script's answer: a word, the time, and the rest.
pub(super) fn read(action: &'static str, value: Value) -> Result<Reply> {
    let Value::Array(parts) = value else { return Err(other_form(action)) };
    let mut parts = parts.into_iter();
    let word = parts.next().and_then(text).ok_or_else(|| other_form(action))?;
    let now = parts.next().as_ref().and_then(int).map_or_else(Timestamp::default, Timestamp::from_millis);
    Ok(Reply { word, now, rest: parts.collect() })
}

impl Reply {
    /// The next parts of the answer, which must be so many.
    pub(super) fn parts<const N: usize>(self, action: &'static str) -> Result<[Value; N]> {
        self.rest.try_into().map_err(|_count| other_form(action))
    }
}

/// Bytes of any kind of string.
pub(super) fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        Value::Okay => Some(b"OK".to_vec()),
        Value::Int(number) => Some(number.to_string().into_bytes()),
        _ => None,
    }
}

pub(super) fn text(value: Value) -> Option<String> {
    bytes(value).and_then(|bytes| String::from_utf8(bytes).ok())
}

/// A number, also one that came as text; fractions of a millisecond are dropped.
pub(super) fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::BulkString(bytes) => {
            let text = std::str::from_utf8(bytes).ok()?;
            text.parse().ok().or_else(|| text.parse::<f64>().ok().map(whole))
        }
        Value::Double(number) => Some(whole(*number)),
        _ => None,
    }
}

fn whole(number: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "times and counts, far below 2⁵³")]
    let number = number as i64;
    number
}

pub(super) fn list(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(parts) => Some(parts),
        Value::Nil => Some(Vec::new()),
        // With RESP3, hashes come as maps.
        Value::Map(entries) => Some(entries.into_iter().flat_map(|(key, value)| [key, value]).collect()),
        _ => None,
    }
}
