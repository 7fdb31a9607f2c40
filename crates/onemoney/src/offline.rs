//! The client without the network: what is sent, and how what arrives is read, as [`Client`](crate::Client) does it.
//!
//! For a simulation that plays the network and the API by itself, so that every answer still goes through the one table.

use std::time::Duration;

use bytes::Bytes;
use gangway_jobs::clock::Timestamp;
use gangway_jobs::customer::NewCustomer;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::classify::{Answer, Ending, Reader, classify, wrong_shape};
use crate::config::Config;
use crate::customers::{self, Created, Customer};
use crate::error::{CallError, Class, Operation};
use crate::links::{self, Link};
use crate::text::Object;

/// What came back of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// A whole answer.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: Vec<u8>,
    },
    /// The connection ended, or time ran out, before the answer was whole.
    Nothing,
    /// There was no connection.
    Unsent,
}

/// The body that a create sends.
pub fn create_body(customer: &NewCustomer) -> Bytes {
    customers::create_body(customer, Config::default().customer_type)
}

/// Reads what came of a create.
///
/// # Errors
/// See [`Class`].
pub fn created(arrived: Arrived, customer: &NewCustomer, now: Timestamp) -> Result<Created, CallError> {
    let personal = customer.personal_values();
    read(Operation::CreateCustomer, arrived, &personal, now, fresh_at(now))
}

/// Reads what came of a look-up by key; `None` if there is no such customer.
///
/// # Errors
/// See [`Class`].
pub fn found(arrived: Arrived, personal: &[&str], now: Timestamp) -> Result<Option<Created>, CallError> {
    crate::client::none_if_not_found(read(Operation::CustomerByKey, arrived, personal, now, fresh_at(now)))
}

/// Reads what came of asking for a link.
///
/// # Errors
/// See [`Class`].
pub fn link(arrived: Arrived, now: Timestamp) -> Result<Link, CallError> {
    read(Operation::CreateLink, arrived, &[], now, links::link)
}

/// Reads what came of reading a customer; `None` if there is no such customer.
///
/// # Errors
/// See [`Class`].
pub fn customer(arrived: Arrived, now: Timestamp) -> Result<Option<Customer>, CallError> {
    crate::client::none_if_not_found(read(Operation::ReadCustomer, arrived, &[], now, customers::customer))
}

fn fresh_at(now: Timestamp) -> impl FnOnce(&Object) -> Result<Created, &'static str> {
    move |body| customers::created(body, now, Config::default().timeout)
}

fn read<T>(
    operation: Operation,
    arrived: Arrived,
    personal: &[&str],
    now: Timestamp,
    decode: impl FnOnce(&Object) -> Result<T, &'static str>,
) -> Result<T, CallError> {
    let (status, body) = match arrived {
        Arrived::Answer { status, body } => (status, body),
        Arrived::Nothing => return Err(unanswered(operation, true)),
        Arrived::Unsent => return Err(unanswered(operation, false)),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let answer =
        Answer { operation, status, headers: HeaderMap::new(), body: body.into(), ending: Ending::Whole };
    let reader = Reader { personal, max_wait: MAX_WAIT, now };
    decode(&classify(&answer, &reader)?).map_err(|fault| wrong_shape(&answer, fault))
}

/// The longest wait that is taken from a simulated API.
const MAX_WAIT: Duration = Duration::from_mins(5);

fn unanswered(operation: Operation, sent: bool) -> CallError {
    let class = Class::Unreachable { uncertain: sent && operation.has_effect() };
    let text = if sent { "no whole answer within api.timeout" } else { "could not connect" };
    CallError { text: text.to_owned(), ..CallError::new(operation, class) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_772_355_600_000);

    fn answer(status: u16, body: &str) -> Arrived {
        Arrived::Answer { status, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn answers_are_read_and_sorted_as_those_that_come_over_the_network() {
        let body = r#"{"customer_id":"c-1","email":"a@b.example","status":"INIT","created_at":"2026-03-01T09:00:00Z"}"#;
        assert!(found(answer(200, body), &[], NOW).unwrap().is_some_and(|found| found.fresh));
        assert_eq!(found(answer(404, "{}"), &[], NOW), Ok(None));
        assert_eq!(customer(answer(404, "{}"), NOW), Ok(None));
        let refused = link(answer(400, r#"{"detail":"KYB edit not allowed"}"#), NOW).unwrap_err();
        assert_eq!(refused.class, Class::NotEditable);
        assert_eq!(found(answer(200, "[]"), &[], NOW).unwrap_err().class, Class::Contract);
    }

    #[test]
    fn only_what_was_sent_leaves_a_doubt() {
        assert!(link(Arrived::Nothing, NOW).unwrap_err().is_uncertain());
        assert!(!link(Arrived::Unsent, NOW).unwrap_err().is_uncertain());
        assert!(!customer(Arrived::Nothing, NOW).unwrap_err().is_uncertain());
    }
}
