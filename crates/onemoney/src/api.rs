//! What the pipeline needs of the remote side.

use std::future::Future;

use gangway_jobs::customer::NewCustomer;
use gangway_jobs::id::{CustomerId, IdempotencyKey};

use crate::customers::{Created, Customer};
use crate::error::CallError;
use crate::links::Link;

/// The remote API, as handlers see it: one attempt a call. A simulation can play it.
pub trait Api: Send + Sync + 'static {
    /// Creates the customer; under a key that the API knows, answers the customer that it made then.
    ///
    /// The answer may be another row's customer: compare the e-mail before believing it.
    fn create_customer(
        &self,
        customer: &NewCustomer,
        key: &IdempotencyKey,
    ) -> impl Future<Output = Result<Created, CallError>> + Send;

    /// The customer made under that key, or `None` if the API says that there is none.
    ///
    /// `personal` are the row's values, masked where an error repeats them.
    fn customer_by_key(
        &self,
        key: &IdempotencyKey,
        personal: &[&str],
    ) -> impl Future<Output = Result<Option<Created>, CallError>> + Send;

    /// Makes an onboarding link; `key` is the link's own.
    fn create_link(
        &self,
        customer: &CustomerId,
        key: &uuid::Uuid,
    ) -> impl Future<Output = Result<Link, CallError>> + Send;

    /// The customer as it is now, or `None` if the API says that there is none.
    fn customer(
        &self,
        customer: &CustomerId,
    ) -> impl Future<Output = Result<Option<Customer>, CallError>> + Send;

    /// The fingerprint of the credential in use, see [`Credentials::fingerprint`](crate::Credentials::fingerprint).
    fn credential(&self) -> String;
}
