//! The API as a function: the same ledger without a server, without threads and on a clock that is told.
//!
//! For simulations, which play the network themselves and must be the same in every run.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::clock::Clock;
use crate::error::Error;
use crate::knobs::Knobs;
use crate::ledger::{CreateRequest, Ledger, LinkRequest, Now, Polled};
use crate::refusal::Refusal;
use crate::status::Status;
use crate::webhooks::Change;

/// One simulated entity at one simulated API, in this process.
///
/// ```
/// use gangway_simulator::{Knobs, Offline};
/// # fn main() -> Result<(), gangway_simulator::Error> {
/// let mut api = Offline::new(1, Knobs::default(), 0)?;
/// let body = serde_json::json!({
///     "email": "ops@acme.example", "first_name": "Ada", "last_name": "Byron",
///     "company_name": "Acme Ltd", "customer_type": "BUSINESS",
/// });
/// assert_eq!(api.create(uuid::Uuid::nil(), &body).status, 201);
/// assert_eq!(api.customers().count(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Offline {
    clock: Clock,
    knobs: Knobs,
    ledger: Ledger,
    changes: mpsc::UnboundedReceiver<Change>,
}

/// What the API answers: what would stand in the response.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The body, JSON.
    pub body: Vec<u8>,
}

/// A customer that the API has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known<'a> {
    /// The API's name for it.
    pub id: &'a str,
    /// Its e-mail, as it was sent.
    pub email: &'a str,
    /// The key of its create.
    pub key: Option<Uuid>,
    /// Where its KYB stands.
    pub status: Status,
}

impl Offline {
    /// An API without customers, whose clock stands at `epoch_ms` milliseconds after 1970.
    ///
    /// # Errors
    /// A knob has a value that cannot be.
    pub fn new(seed: u64, knobs: Knobs, epoch_ms: i64) -> Result<Self, Error> {
        knobs.validate()?;
        let epoch = Timestamp::from_millisecond(epoch_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let (sender, changes) = mpsc::unbounded_channel();
        Ok(Self { clock: Clock::steered(epoch), knobs, ledger: Ledger::new(seed, sender), changes })
    }

    /// Lets time pass: users and compliance do what is due.
    pub fn pass(&mut self, by: Duration) {
        self.clock.pass(by);
        self.with(Ledger::run_due);
    }

    /// How long until a user or compliance does something.
    pub fn idle_for(&self) -> Option<Duration> {
        self.ledger.next_due().map(|due| self.clock.until(due))
    }

    /// Turns knobs.
    ///
    /// # Errors
    /// A knob has a value that cannot be; nothing changes.
    pub fn set_knobs(&mut self, knobs: Knobs) -> Result<(), Error> {
        knobs.validate()?;
        self.knobs = knobs;
        Ok(())
    }

    /// The knobs as they stand.
    pub const fn knobs(&self) -> &Knobs {
        &self.knobs
    }

    /// `POST /v1/customers/lightweight`.
    pub fn create(&mut self, key: Uuid, body: &Value) -> Answered {
        let request = CreateRequest { key: Some(key), body: body.clone(), company_required: true };
        let created = self.with(|ledger, now| ledger.create(&request, now));
        answer(201, "/v1/customers/lightweight", created.map(|created| created.customer))
    }

    /// `GET /v1/customers/lightweight?idempotency_key=…`.
    pub fn look_up(&mut self, key: Uuid) -> Answered {
        let found = self.with(|ledger, now| ledger.lookup(key, now));
        answer(200, "/v1/customers/lightweight", found)
    }

    /// `GET /v1/customers/{customer_id}`.
    pub fn get(&mut self, id: &str) -> Answered {
        let found = self.with(|ledger, now| ledger.get(id, Polled::Full, now));
        answer(200, &format!("/v1/customers/{id}"), found)
    }

    /// `POST /v1/customers/{customer_id}/onboarding_links`.
    pub fn link(&mut self, id: &str, key: Uuid) -> Answered {
        let request = LinkRequest { customer_id: id, key: Some(key), redirect_url: None };
        let made = self.with(|ledger, now| ledger.make_link(&request, now));
        let shown = made.map(|made| {
            json!({
                "grant_token": made.token,
                "onboarding_url": format!("https://onboarding.example/?token={}", made.token),
                "expires_at": made.expires_at,
            })
        });
        answer(self.knobs.links.success_status, &format!("/v1/customers/{id}/onboarding_links"), shown)
    }

    /// The customers, in the order of their creation.
    pub fn customers(&self) -> impl Iterator<Item = Known<'_>> {
        self.ledger.customers().iter().map(|customer| Known {
            id: &customer.id,
            email: &customer.email,
            key: customer.key,
            status: customer.status,
        })
    }

    /// The ids of those whose status has changed since this was last asked: what webhooks would tell.
    pub fn changed(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.changes.try_recv().ok()).map(|change| change.customer_id).collect()
    }

    fn with<T>(&mut self, work: impl FnOnce(&mut Ledger, &Now<'_>) -> T) -> T {
        let now = Now {
            clock: &self.clock,
            knobs: &self.knobs,
            sim: self.clock.now(),
            real: self.clock.elapsed(),
            wall: self.clock.wall(),
        };
        work(&mut self.ledger, &now)
    }
}

fn answer<T: Serialize>(good: u16, path: &str, result: Result<T, Refusal>) -> Answered {
    match result {
        Ok(body) => Answered { status: good, body: bytes(&body) },
        Err(refusal) => Answered { status: refusal.status, body: bytes(&refusal.body(path)) },
    }
}

fn bytes<T: Serialize>(body: &T) -> Vec<u8> {
    // Strings and numbers only: there is nothing that JSON cannot hold.
    serde_json::to_vec(body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> Value {
        json!({
            "email": "ops@acme.example", "first_name": "Ada", "last_name": "Byron",
            "company_name": "Acme Ltd", "customer_type": "BUSINESS",
        })
    }

    fn read(answered: &Answered) -> Value {
        serde_json::from_slice(&answered.body).unwrap()
    }

    #[test]
    fn a_customer_goes_through_its_life_while_time_is_told_to_pass() {
        let tell = || {
            let mut api = Offline::new(7, Knobs::default(), 1_772_355_600_000).unwrap();
            let made = read(&api.create(Uuid::from_u128(1), &body()));
            let id = made["customer_id"].as_str().unwrap().to_owned();
            assert_eq!(read(&api.create(Uuid::from_u128(1), &body())), made);
            assert_eq!(api.look_up(Uuid::from_u128(2)).status, 404);
            assert_eq!(api.link(&id, Uuid::from_u128(3)).status, 201);
            api.pass(Duration::from_hours(24));
            assert!(!api.changed().is_empty());
            read(&api.get(&id))
        };
        assert_eq!(tell(), tell());
        assert_ne!(tell()["status"], "INIT");
    }

    #[test]
    fn a_refusal_reads_as_over_http() {
        let mut api = Offline::new(7, Knobs::default(), 0).unwrap();
        assert_eq!(api.create(Uuid::from_u128(1), &body()).status, 201);
        let refused = api.create(Uuid::from_u128(2), &body());
        assert_eq!((refused.status, &read(&refused)["code"]), (400, &json!("Bad_Request")));
        assert_eq!(api.customers().count(), 1);
    }
}
