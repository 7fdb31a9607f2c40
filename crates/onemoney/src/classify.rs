//! Sorts every answer of the API: the one table from (operation, status, headers, body) to a body or a failure.
//!
//! | answer | class |
//! |---|---|
//! | 2xx, an object | the body |
//! | 2xx, an error object of 429 | rate limited: the API [hides some in a 200][sdk] |
//! | 2xx, cut off, too long, JSON that breaks off | unreachable, uncertain |
//! | 2xx, anything else; 3xx | contract |
//! | 401 · 403 | unauthorized · forbidden |
//! | 404 | not found, where the call names a customer; a page in HTML there proves nothing: contract |
//! | 400, 409, 500 "edit not allowed" of a link | not editable |
//! | 408, 502, 503, 504, 520–530 | unreachable, uncertain; 425: unreachable |
//! | 409 | conflict |
//! | 429 | rate limited |
//! | 400, 422, other 4xx; 500 that names a business rule | refused |
//! | 500, other 5xx | server error |
//!
//! [sdk]: https://github.com/1Money-Co/1money-go-sdk

use std::time::Duration;

use bytes::Bytes;
use gangway_jobs::clock::Timestamp;
use gangway_jobs::mask::masked;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::error::{CallError, Class, Operation};
use crate::text::{Object, Said, page_text, said, said_in, trimmed};
use crate::wait;

/// What a lasting refusal is called in the text of a 500: "KYB edit not allowed", "verified fiat account is required".
const BUSINESS_PHRASES: [&str; 2] = ["not allowed", "is required"];

/// What the API says of a customer that may not have a link now.
const NOT_EDITABLE_PHRASE: &str = "edit not allowed";

/// An answer as it arrived.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) operation: Operation,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) ending: Ending,
}

/// How the body ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As the sender meant it.
    Whole,
    /// Broken off, and why.
    Cut(String),
    /// Longer than is read.
    TooLong,
}

/// What reading an answer needs to know beside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    /// The values to mask.
    pub(crate) personal: &'a [&'a str],
    /// The longest wait taken.
    pub(crate) max_wait: Duration,
    /// The present, by our clock.
    pub(crate) now: Timestamp,
}

/// The body of a good answer, or what went wrong.
pub(crate) fn classify(answer: &Answer, reader: &Reader<'_>) -> Result<Object, CallError> {
    if answer.status.is_success() { success(answer, reader) } else { Err(failure(answer, reader)) }
}

/// A good answer whose object lacks what was promised; `fault` says what, without its value.
pub(crate) fn wrong_shape(answer: &Answer, fault: &'static str) -> CallError {
    CallError { text: fault.to_owned(), ..bare(answer, Class::Contract) }
}

fn success(answer: &Answer, reader: &Reader<'_>) -> Result<Object, CallError> {
    let error = |class, text: &str| CallError { text: masked(text, reader.personal), ..bare(answer, class) };
    let broken = Class::Unreachable { uncertain: answer.operation.has_effect() };
    match &answer.ending {
        Ending::Whole => {}
        Ending::Cut(why) => return Err(error(broken, why)),
        Ending::TooLong => return Err(error(broken, "the answer is longer than api.max_body")),
    }
    let body = trimmed(&answer.body);
    match body.first() {
        Some(b'{') => match serde_json::from_slice::<Object>(body) {
            Ok(object) if is_rate_limit(&object) => {
                Err(told(answer, reader, &said_in(&object), Class::RateLimited { wait: None }))
            }
            Ok(object) => Ok(object),
            Err(fault) if fault.is_eof() => Err(error(broken, "the answer breaks off")),
            Err(_malformed) => Err(error(Class::Contract, "the answer is not JSON")),
        },
        Some(b'<') => Err(error(Class::Contract, &format!("the answer is a page: {}", page_text(body)))),
        Some(_) => Err(error(Class::Contract, "the answer is not a JSON object")),
        None => Err(error(Class::Contract, "the answer is empty")),
    }
}

/// A customer has a `status` too, but as a word.
fn is_rate_limit(object: &Object) -> bool {
    let is = |name: &str, value: serde_json::Value| object.get(name) == Some(&value);
    is("status", 429.into()) || is("code", "Too_Many_Requests".into())
}

fn failure(answer: &Answer, reader: &Reader<'_>) -> CallError {
    let said = match answer.ending {
        Ending::Whole => said(&answer.body),
        // The cut may have gone through a name, which no mask would know; the status alone says enough.
        Ending::Cut(_) | Ending::TooLong => Said::default(),
    };
    let class = class_of(answer.operation, answer.status.as_u16(), &said);
    let unproven = class == Class::NotFound && trimmed(&answer.body).starts_with(b"<");
    told(answer, reader, &said, if unproven { Class::Contract } else { class })
}

/// The table.
fn class_of(operation: Operation, status: u16, said: &Said) -> Class {
    let says = |phrase: &str| said.by_api && said.text.to_lowercase().contains(phrase);
    let uncertain = operation.has_effect();
    match (status, operation) {
        (..400, _) => Class::Contract,
        (400 | 409, Operation::CreateLink) => Class::NotEditable,
        (401, _) => Class::Unauthorized,
        (403, _) => Class::Forbidden,
        (404, Operation::CustomerByKey | Operation::CreateLink | Operation::ReadCustomer) => Class::NotFound,
        // "Too early": the server has not begun.
        (425, _) => Class::Unreachable { uncertain: false },
        (408 | 502 | 503 | 504 | 520..=530, _) => Class::Unreachable { uncertain },
        (409, _) => Class::Conflict,
        (429, _) => Class::RateLimited { wait: None },
        (400..=499, _) => Class::Refused,
        (500, Operation::CreateLink) if says(NOT_EDITABLE_PHRASE) => Class::NotEditable,
        (500, _) if BUSINESS_PHRASES.into_iter().any(says) => Class::Refused,
        _ => Class::ServerError,
    }
}

fn told(answer: &Answer, reader: &Reader<'_>, said: &Said, class: Class) -> CallError {
    let text = match answer.status.canonical_reason() {
        Some(reason) if said.text.trim().is_empty() => reason,
        _ => &said.text,
    };
    let wait = wait::asked(&said.text, &answer.headers, reader.now).map(|wait| wait.min(reader.max_wait));
    let (class, retry_after) = if let Class::RateLimited { .. } = class {
        (Class::RateLimited { wait }, wait)
    } else if let Class::Unreachable { .. } | Class::ServerError = class {
        (class, wait)
    } else {
        // Elsewhere a bare number in the text means something else.
        (class, None)
    };
    let code = said.code.clone().filter(|code| is_plain(code, 64) && masked(code, reader.personal) == *code);
    CallError { code, text: masked(text, reader.personal), retry_after, ..bare(answer, class) }
}

fn bare(answer: &Answer, class: Class) -> CallError {
    CallError {
        status: Some(answer.status.as_u16()),
        request_id: request_id(&answer.headers),
        ..CallError::new(answer.operation, class)
    }
}

/// The API's name for the request.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("x-request-id")?.to_str().ok()?;
    is_plain(id, 128).then(|| id.to_owned())
}

fn is_plain(text: &str, max: usize) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/' | '=');
    (1..=max).contains(&text.len()) && text.chars().all(plain)
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
