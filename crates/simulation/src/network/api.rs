//! The API as a worker's handlers see it: each call is posted, and waits until the network has decided what comes of it.

use std::sync::{Mutex, PoisonError};

use gangway_jobs::clock::Clock as _;
use gangway_jobs::customer::NewCustomer;
use gangway_jobs::id::{CustomerId, IdempotencyKey};
use gangway_onemoney::offline::{self, Arrived};
use gangway_onemoney::{Api, CallError, Created, Customer, Link};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::time::MachineClock;

/// A call.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Create { customer: Box<NewCustomer>, key: Uuid },
    LookUp { key: Uuid },
    Link { customer: CustomerId, key: Uuid },
    Read { customer: CustomerId },
}

impl Call {
    /// The word for the trace.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::LookUp { .. } => "look-up",
            Self::Link { .. } => "link",
            Self::Read { .. } => "read",
        }
    }

    /// Whether it changes something at the API.
    pub(crate) const fn has_effect(&self) -> bool {
        matches!(self, Self::Create { .. } | Self::Link { .. })
    }
}

/// A call on its way, and where its answer goes.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) call: Call,
    pub(crate) reply: oneshot::Sender<Arrived>,
}

/// One worker's way to the API.
#[derive(Debug)]
pub(crate) struct WorkerApi {
    clock: MachineClock,
    posted: Mutex<Option<Posted>>,
}

impl WorkerApi {
    pub(crate) const fn new(clock: MachineClock) -> Self {
        Self { clock, posted: Mutex::new(None) }
    }

    /// What the handler that was just polled has posted.
    pub(crate) fn take_posted(&self) -> Option<Posted> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    async fn post(&self, call: Call) -> Arrived {
        let (reply, answer) = oneshot::channel();
        *self.posted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Posted { call, reply });
        answer.await.unwrap_or(Arrived::Nothing)
    }
}

impl Api for WorkerApi {
    async fn create_customer(
        &self,
        customer: &NewCustomer,
        key: &IdempotencyKey,
    ) -> Result<Created, CallError> {
        let call = Call::Create { customer: Box::new(customer.clone()), key: *key.as_uuid() };
        let arrived = self.post(call).await;
        offline::created(arrived, customer, self.clock.now())
    }

    async fn customer_by_key(
        &self,
        key: &IdempotencyKey,
        personal: &[&str],
    ) -> Result<Option<Created>, CallError> {
        let arrived = self.post(Call::LookUp { key: *key.as_uuid() }).await;
        offline::found(arrived, personal, self.clock.now())
    }

    async fn create_link(&self, customer: &CustomerId, key: &Uuid) -> Result<Link, CallError> {
        let arrived = self.post(Call::Link { customer: customer.clone(), key: *key }).await;
        offline::link(arrived, self.clock.now())
    }

    async fn customer(&self, customer: &CustomerId) -> Result<Option<Customer>, CallError> {
        let arrived = self.post(Call::Read { customer: customer.clone() }).await;
        offline::customer(arrived, self.clock.now())
    }

    fn credential(&self) -> String {
        "simulated".to_owned()
    }
}
