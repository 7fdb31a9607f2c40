//! Customers on the wire: what is sent to create one, and what comes back.
//!
//! Answers are read leniently: unknown fields, a missing or oddly spelled `customer_type` and a status in either case
//! are all well. Only what a caller must rely on is insisted on: id, e-mail, status.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use gangway_jobs::clock::Timestamp;
use gangway_jobs::customer::NewCustomer;
use gangway_jobs::id::CustomerId;
use gangway_jobs::kyb::KybStatus;
use serde::Serialize;
use serde_json::Value;

use crate::config::CustomerTypeSpelling;
use crate::moment::api_time;
use crate::text::Object;
use crate::wire::serialized;

/// How far the API's `created_at` and its `Date` may differ beyond the length of a call.
const CLOCK_SLACK: Duration = Duration::from_mins(1);

/// The customer that a create, or a look-up by its key, answered.
#[derive(Clone, PartialEq, Eq)]
pub struct Created {
    /// The API's name for the customer.
    pub customer_id: CustomerId,
    /// The e-mail as the API has it; a known key brings back its *old* customer, whatever was sent. Personal.
    pub email: String,
    /// The KYB status.
    pub status: KybStatus,
    /// When the customer was made, if the API says so readably.
    pub created_at: Option<Timestamp>,
    /// When it changed last, in the API's spelling; perhaps empty.
    pub updated_at: String,
    /// Whether this answer shows a new effect: the customer was made within one call's length (and a minute for the
    /// clocks) before the answer. A 201 alone shows none: the API replays it for a known key.
    pub fresh: bool,
}

/// Without the e-mail.
impl fmt::Debug for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Created")
            .field("customer_id", &self.customer_id)
            .field("status", &self.status)
            .field("created_at", &self.created_at)
            .field("updated_at", &self.updated_at)
            .field("fresh", &self.fresh)
            .finish_non_exhaustive()
    }
}

/// A customer as it is now.
#[derive(Clone, PartialEq, Eq)]
pub struct Customer {
    /// The API's name for the customer.
    pub customer_id: CustomerId,
    /// The e-mail as the API has it. Personal.
    pub email: String,
    /// The KYB status.
    pub status: KybStatus,
    /// When it changed last, in the API's spelling; perhaps empty.
    pub updated_at: String,
}

/// Without the e-mail.
impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Customer")
            .field("customer_id", &self.customer_id)
            .field("status", &self.status)
            .field("updated_at", &self.updated_at)
            .finish_non_exhaustive()
    }
}

/// One page of the list of customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The customers; a page that is short, or empty, is the last.
    pub customers: Vec<Customer>,
    /// The API's `total`: of all matches or of this page, sources differ. Never a reason to stop.
    pub total: Option<u64>,
}

#[derive(Serialize)]
struct CreateBody<'a> {
    email: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    company_name: &'a str,
    customer_type: &'static str,
}

/// The bytes of a create.
pub(crate) fn create_body(customer: &NewCustomer, spelling: CustomerTypeSpelling) -> Bytes {
    serialized(&CreateBody {
        email: customer.email.as_str(),
        first_name: customer.first_name.as_str(),
        last_name: customer.last_name.as_str(),
        company_name: customer.company_name.as_str(),
        customer_type: spelling.business(),
    })
}

/// Reads the customer of a create. `answered` is the answer's time, `timeout` the longest that a call takes.
pub(crate) fn created(
    body: &Object,
    answered: Timestamp,
    timeout: Duration,
) -> Result<Created, &'static str> {
    let Customer { customer_id, email, status, updated_at } = customer(body)?;
    let created_at = body.get("created_at").and_then(Value::as_str).and_then(api_time);
    let window = timeout.saturating_add(CLOCK_SLACK);
    let fresh = created_at.is_some_and(|created_at| answered.since(created_at) <= window);
    Ok(Created { customer_id, email, status, created_at, updated_at, fresh })
}

/// Reads a customer of either kind: the overlap of both.
pub(crate) fn customer(body: &Object) -> Result<Customer, &'static str> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    Ok(Customer {
        customer_id: text("customer_id")
            .and_then(CustomerId::parse)
            .ok_or("the answer has no usable customer_id")?,
        email: text("email").ok_or("the answer has no email")?.to_owned(),
        status: KybStatus::new(text("status").ok_or("the answer has no status")?),
        updated_at: text("updated_at").unwrap_or_default().chars().take(64).collect(),
    })
}

/// Reads a page of the list.
pub(crate) fn page(body: &Object) -> Result<Page, &'static str> {
    let customers = body.get("customers").and_then(Value::as_array).ok_or("the answer has no customers")?;
    let object = |value: &Value| customer(value.as_object().ok_or("a customer in the list is no object")?);
    Ok(Page {
        customers: customers.iter().map(object).collect::<Result<_, _>>()?,
        total: body.get("total").and_then(Value::as_u64),
    })
}

#[cfg(test)]
#[path = "customers_tests.rs"]
mod tests;
