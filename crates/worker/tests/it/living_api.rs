//! An API with a memory: every customer is created once, read three times, and approved. A plan says which calls go wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::customer::NewCustomer;
use gangway_jobs::id::{CustomerId, IdempotencyKey};
use gangway_jobs::kyb::KybStatus;
use gangway_onemoney::{Api, CallError, Created, Customer, Link, LinkUrl};
use uuid::Uuid;

use crate::scripted_api::Call;

/// How one call goes.
#[derive(Clone, Debug)]
pub(crate) enum Mood {
    Answers,
    After(Duration),
    Hangs,
    /// With everything personal in its message.
    Panics,
    Fails(CallError),
}

/// From the call and how many of its operation came before.
type Plan = Box<dyn Fn(&Call, usize) -> Mood + Send + Sync>;

pub(crate) struct LivingApi {
    plan: Plan,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    customers: BTreeMap<IdempotencyKey, (CustomerId, String)>,
    reads: BTreeMap<CustomerId, usize>,
    calls: Vec<Call>,
    /// What is being called now, and what was ever called twice at once.
    running: Vec<Call>,
    overlaps: Vec<Call>,
}

impl fmt::Debug for LivingApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LivingApi")
    }
}

/// Ends a call when it is dropped, however it ends.
struct Running<'a>(&'a LivingApi, Call);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap();
        let place = state.running.iter().position(|call| *call == self.1).unwrap();
        state.running.swap_remove(place);
    }
}

impl LivingApi {
    pub(crate) fn healthy() -> Arc<Self> {
        Self::planned(|_, _| Mood::Answers)
    }

    pub(crate) fn planned(plan: impl Fn(&Call, usize) -> Mood + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { plan: Box::new(plan), state: Mutex::default() })
    }

    pub(crate) fn customers(&self) -> usize {
        self.state.lock().unwrap().customers.len()
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state.lock().unwrap().calls.clone()
    }

    /// Calls that have begun and not ended.
    pub(crate) fn running(&self) -> usize {
        self.state.lock().unwrap().running.len()
    }

    pub(crate) fn overlaps(&self) -> Vec<Call> {
        self.state.lock().unwrap().overlaps.clone()
    }

    async fn call<T>(&self, call: Call, answer: impl FnOnce(&mut State) -> T) -> Result<T, CallError> {
        let mood = {
            let mut state = self.state.lock().unwrap();
            let same = |other: &&Call| std::mem::discriminant(*other) == std::mem::discriminant(&call);
            let before = state.calls.iter().filter(same).count();
            if state.running.contains(&call) {
                state.overlaps.push(call.clone());
            }
            state.calls.push(call.clone());
            state.running.push(call.clone());
            (self.plan)(&call, before)
        };
        let _running = Running(self, call);
        match mood {
            Mood::Answers => tokio::task::yield_now().await,
            Mood::After(delay) => tokio::time::sleep(delay).await,
            Mood::Hangs => std::future::pending().await,
            Mood::Panics => panic!("no room for Ada Byron <ops@acme.example> of Acme Ltd"),
            Mood::Fails(error) => return Err(error),
        }
        Ok(answer(&mut self.state.lock().unwrap()))
    }
}

fn created((customer_id, email): &(CustomerId, String), fresh: bool) -> Created {
    Created {
        customer_id: customer_id.clone(),
        email: email.clone(),
        status: KybStatus::new("INIT"),
        created_at: None,
        updated_at: String::new(),
        fresh,
    }
}

impl Api for LivingApi {
    async fn create_customer(
        &self,
        customer: &NewCustomer,
        key: &IdempotencyKey,
    ) -> Result<Created, CallError> {
        self.call(Call::Create(*key), |state| {
            let fresh = !state.customers.contains_key(key);
            let made =
                || (CustomerId::parse(&format!("c-{key}")).unwrap(), customer.email.as_str().to_owned());
            created(state.customers.entry(*key).or_insert_with(made), fresh)
        })
        .await
    }

    async fn customer_by_key(&self, key: &IdempotencyKey, _: &[&str]) -> Result<Option<Created>, CallError> {
        self.call(Call::LookUp(*key), |state| state.customers.get(key).map(|found| created(found, false)))
            .await
    }

    async fn create_link(&self, customer: &CustomerId, key: &Uuid) -> Result<Link, CallError> {
        let link = Link {
            url: LinkUrl::new("https://onboard.example/?token=t-1"),
            expires_at: Timestamp::from_millis(i64::MAX / 2),
        };
        self.call(Call::Link(customer.clone(), *key), |_| link).await
    }

    async fn customer(&self, customer: &CustomerId) -> Result<Option<Customer>, CallError> {
        self.call(Call::Read(customer.clone()), |state| {
            let reads = state.reads.entry(customer.clone()).or_default();
            *reads += 1;
            let status = match reads {
                1 => "INIT",
                2 => "UNDER_REVIEW",
                _ => "APPROVED",
            };
            Some(Customer {
                customer_id: customer.clone(),
                email: "ops@acme.example".to_owned(),
                status: KybStatus::new(status),
                updated_at: reads.to_string(),
            })
        })
        .await
    }

    fn credential(&self) -> String {
        "fingerprint".to_owned()
    }
}
