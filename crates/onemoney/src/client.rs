//! The real client of the API.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use bytes::Bytes;
use gangway_jobs::clock::{Clock, SystemClock, Timestamp};
use gangway_jobs::customer::NewCustomer;
use gangway_jobs::id::{CustomerId, IdempotencyKey};
use reqwest::Method;
use tracing::{debug, warn};

use crate::api::Api;
use crate::auth::{Credentials, Signer};
use crate::classify::{Answer, Reader, classify, request_id, wrong_shape};
use crate::config::{Base, Config};
use crate::customers::{self, Created, Customer, Page, create_body};
use crate::error::{CallError, Class, ConfigError, Operation};
use crate::links::{self, Link, link_body};
use crate::moment::answered_at;
use crate::text::Object;
use crate::wire::{self, Call, exchange};

/// Calls the API over HTTP. One for the whole process: it keeps the connections.
#[derive(Debug)]
pub struct Client {
    config: Config,
    base: Base,
    http: reqwest::Client,
    /// Replaced when a credential is rotated; a call under way keeps the one that it began with.
    signer: RwLock<Arc<Signer>>,
    /// Shows the time that is signed.
    clock: Arc<dyn Clock>,
}

impl Client {
    /// A client on the machine's clock.
    ///
    /// # Errors
    /// A setting or the credential cannot work.
    pub fn new(config: Config, credentials: Credentials) -> Result<Self, ConfigError> {
        Self::with_clock(config, credentials, Arc::new(SystemClock))
    }

    /// A client on another clock.
    ///
    /// # Errors
    /// A setting or the credential cannot work.
    #[expect(clippy::needless_pass_by_value, reason = "the caller has no more use for its credential")]
    pub fn with_clock(
        config: Config,
        credentials: Credentials,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let base = config.base()?;
        let signer = RwLock::new(Arc::new(Signer::new(&credentials)?));
        if config.allow_plain_http {
            warn!(
                "api.allow_plain_http is set: the credential may be sent unencrypted, so use it for test servers only"
            );
        }
        let http = wire::http_client(&config, base.plain)?;
        Ok(Self { config, base, http, signer, clock })
    }

    /// Uses another credential from the next call on.
    ///
    /// # Errors
    /// It cannot work; the one before stays in use.
    #[expect(clippy::needless_pass_by_value, reason = "the caller has no more use for its credential")]
    pub fn set_credentials(&self, credentials: Credentials) -> Result<(), ConfigError> {
        let signer = Arc::new(Signer::new(&credentials)?);
        *self.signer.write().unwrap_or_else(PoisonError::into_inner) = signer;
        Ok(())
    }

    /// One page of the entity's customers, newest first as a rule; `page` counts from 1, `size` is 1–100.
    ///
    /// # Errors
    /// See [`Class`].
    pub async fn list(&self, page: u32, size: u32, status: Option<&str>) -> Result<Page, CallError> {
        let mut call = get(Operation::ListCustomers, "/v1/customers".to_owned(), &[]);
        call.query = vec![("page", page.to_string()), ("size", size.to_string())];
        call.query.extend(status.map(|status| ("kyb_status", status.to_owned())));
        self.call(call, |body, _at| customers::page(body)).await
    }

    fn signer(&self) -> Arc<Signer> {
        Arc::clone(&self.signer.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// One attempt: signs, sends, sorts the answer, reads its body with `decode`.
    async fn call<T>(
        &self,
        call: Call<'_>,
        decode: impl FnOnce(&Object, Timestamp) -> Result<T, &'static str> + Send,
    ) -> Result<T, CallError> {
        let signer = self.signer();
        let body: &[u8] = call.body.as_deref().unwrap_or_default();
        let headers = signer.sign(self.clock.now(), call.method.as_str(), &call.path, body);
        let request = wire::request(&call, self.base.url(&call.path, &call.query), headers);

        let begun = Instant::now();
        let answer = exchange(&self.http, request, call.operation, self.config.max_body).await;
        log(call.operation, begun, &answer);
        let answer = answer?;

        let personal = [call.personal, &[signer.access_key()]].concat();
        let now = self.clock.now();
        let reader = Reader { personal: &personal, max_wait: self.config.max_wait, now };
        let body = classify(&answer, &reader)?;
        decode(&body, answered_at(&answer.headers, now)).map_err(|fault| wrong_shape(&answer, fault))
    }
}

impl Api for Client {
    async fn create_customer(
        &self,
        customer: &NewCustomer,
        key: &IdempotencyKey,
    ) -> Result<Created, CallError> {
        let body = create_body(customer, self.config.customer_type);
        let personal = customer.personal_values();
        let call = post(Operation::CreateCustomer, LIGHTWEIGHT.to_owned(), key.to_string(), body, &personal);
        self.call(call, |body, at| customers::created(body, at, self.config.timeout)).await
    }

    async fn customer_by_key(
        &self,
        key: &IdempotencyKey,
        personal: &[&str],
    ) -> Result<Option<Created>, CallError> {
        let mut call = get(Operation::CustomerByKey, LIGHTWEIGHT.to_owned(), personal);
        call.query = vec![("idempotency_key", key.to_string())];
        let answer = self.call(call, |body, at| customers::created(body, at, self.config.timeout)).await;
        none_if_not_found(answer)
    }

    async fn create_link(&self, customer: &CustomerId, key: &uuid::Uuid) -> Result<Link, CallError> {
        let path = format!("/v1/customers/{customer}/onboarding_links");
        let personal = [customer.as_str()];
        let call = post(Operation::CreateLink, path, key.to_string(), link_body(&self.config), &personal);
        self.call(call, |body, _at| links::link(body)).await
    }

    async fn customer(&self, customer: &CustomerId) -> Result<Option<Customer>, CallError> {
        let personal = [customer.as_str()];
        let call = get(Operation::ReadCustomer, format!("/v1/customers/{customer}"), &personal);
        none_if_not_found(self.call(call, |body, _at| customers::customer(body)).await)
    }

    fn credential(&self) -> String {
        self.signer().fingerprint().to_owned()
    }
}

const LIGHTWEIGHT: &str = "/v1/customers/lightweight";

fn get<'a>(operation: Operation, path: String, personal: &'a [&'a str]) -> Call<'a> {
    Call {
        operation,
        method: Method::GET,
        path,
        query: Vec::new(),
        idempotency_key: None,
        body: None,
        personal,
    }
}

fn post<'a>(
    operation: Operation,
    path: String,
    key: String,
    body: Bytes,
    personal: &'a [&'a str],
) -> Call<'a> {
    Call {
        operation,
        method: Method::POST,
        path,
        query: Vec::new(),
        idempotency_key: Some(key),
        body: Some(body),
        personal,
    }
}

pub(crate) fn none_if_not_found<T>(answer: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.class == Class::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Says that a call was made and how it ended; never what was in it.
fn log(operation: Operation, begun: Instant, answer: &Result<Answer, CallError>) {
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    match answer {
        Ok(answer) => debug!(
            operation = operation.as_str(),
            status = answer.status.as_u16(),
            request_id = request_id(&answer.headers),
            duration_ms,
            "API answered"
        ),
        Err(error) => {
            debug!(operation = operation.as_str(), error = error.text, duration_ms, "API did not answer");
        }
    }
}
