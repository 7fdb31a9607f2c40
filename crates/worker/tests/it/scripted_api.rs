//! An API that answers what it is told to, and remembers what it was asked.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::Mutex;
use std::time::Duration;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::customer::NewCustomer;
use gangway_jobs::id::{CustomerId, IdempotencyKey};
use gangway_jobs::kyb::KybStatus;
use gangway_onemoney::{Api, CallError, Class, Created, Customer, Link, LinkUrl, Operation};
use uuid::Uuid;

/// A call as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Create(IdempotencyKey),
    LookUp(IdempotencyKey),
    Link(CustomerId, Uuid),
    Read(CustomerId),
}

/// Each operation has a queue of answers of its own; a call that none was scripted for fails the test.
#[derive(Debug, Default)]
pub(crate) struct ScriptedApi {
    pub(crate) creates: Script<Created>,
    pub(crate) look_ups: Script<Option<Created>>,
    pub(crate) links: Script<Link>,
    pub(crate) reads: Script<Option<Customer>>,
    calls: Mutex<Vec<Call>>,
}

/// A queue of answers.
#[derive(Debug)]
pub(crate) struct Script<T>(Mutex<VecDeque<Result<T, CallError>>>);

impl<T> Default for Script<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Script<T> {
    pub(crate) fn answer(&self, answer: Result<T, CallError>) {
        self.0.lock().unwrap().push_back(answer);
    }

    fn next(&self, call: &Call) -> Result<T, CallError> {
        self.0.lock().unwrap().pop_front().unwrap_or_else(|| panic!("nobody scripted {call:?}"))
    }
}

impl ScriptedApi {
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    fn note(&self, call: Call) -> Call {
        self.calls.lock().unwrap().push(call.clone());
        call
    }
}

impl Api for ScriptedApi {
    async fn create_customer(&self, _: &NewCustomer, key: &IdempotencyKey) -> Result<Created, CallError> {
        self.creates.next(&self.note(Call::Create(*key)))
    }

    async fn customer_by_key(
        &self,
        key: &IdempotencyKey,
        personal: &[&str],
    ) -> Result<Option<Created>, CallError> {
        assert!(personal.contains(&"Ada") && personal.contains(&"R-1"), "nothing to mask with");
        self.look_ups.next(&self.note(Call::LookUp(*key)))
    }

    async fn create_link(&self, customer: &CustomerId, key: &Uuid) -> Result<Link, CallError> {
        self.links.next(&self.note(Call::Link(customer.clone(), *key)))
    }

    async fn customer(&self, customer: &CustomerId) -> Result<Option<Customer>, CallError> {
        self.reads.next(&self.note(Call::Read(customer.clone())))
    }

    fn credential(&self) -> String {
        "fingerprint".to_owned()
    }
}

pub(crate) fn customer_id() -> CustomerId {
    CustomerId::parse("c-1").unwrap()
}

/// What a create or a look-up answers.
pub(crate) fn made(email: &str) -> Created {
    Created {
        customer_id: customer_id(),
        email: email.to_owned(),
        status: KybStatus::new("INIT"),
        created_at: None,
        updated_at: "2026-03-01T09:00:01.123Z".to_owned(),
        fresh: true,
    }
}

/// What a read answers.
pub(crate) fn seen(status: &str) -> Customer {
    Customer {
        customer_id: customer_id(),
        email: "ops@acme.example".to_owned(),
        status: KybStatus::new(status),
        updated_at: "2026-03-01T10:00:00.000Z".to_owned(),
    }
}

/// A link that lives until `expires_at`.
pub(crate) fn link(expires_at: Timestamp) -> Link {
    Link { url: LinkUrl::new("https://onboard.example/?token=t-1"), expires_at }
}

/// A failure, with the status that goes with it and a text.
pub(crate) fn failed(operation: Operation, class: Class, text: &str) -> CallError {
    let status = match class {
        Class::Unreachable { .. } => None,
        Class::ServerError => Some(500),
        Class::RateLimited { .. } => Some(429),
        Class::Unauthorized => Some(401),
        Class::Forbidden => Some(403),
        Class::NotFound => Some(404),
        Class::Conflict => Some(409),
        Class::NotEditable | Class::Refused => Some(400),
        Class::Contract => Some(200),
    };
    CallError { status, text: text.to_owned(), ..CallError::new(operation, class) }
}

/// A 429 that asks for a wait.
pub(crate) fn limited(operation: Operation, wait: Duration) -> CallError {
    failed(operation, Class::RateLimited { wait: Some(wait) }, "slow down")
}
