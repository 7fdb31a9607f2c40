//! What the simulator saw, for a test to compare with what a client claims.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::ledger::Ledger;
use crate::route::Route;
use crate::webhooks::WebhookAudit;

/// An account of everything since the start. It holds no personal data: e-mails are only counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Audit {
    /// Customers there are.
    pub customers: u64,
    /// Creates that got as far as to be looked at: authenticated, within the rate, well-formed, with a key.
    pub creates: u64,
    /// Creates that made a customer.
    pub effective_creates: u64,
    /// Creates that were answered with a customer there already was.
    pub replays: u64,
    /// Creates that were refused.
    pub refused_creates: u64,
    /// E-mails that have more than one customer: each one is a broken promise, or a knob.
    pub emails_with_several_customers: u64,
    /// E-mails that came with more than one idempotency key.
    pub emails_with_several_keys: u64,
    /// Links made; a replay makes none.
    pub links: u64,
    /// Links that were opened.
    pub links_used: u64,
    /// Most links of one customer.
    pub links_per_customer_max: u64,
    /// Most links of one customer that were alive at once.
    pub live_links_per_customer_max: u64,
    /// Reads of a customer by id.
    pub polls: u64,
    /// Most reads of one customer by id.
    pub polls_per_customer_max: u64,
    /// Reads by idempotency key.
    pub lookups: u64,
    /// Reads of the list.
    pub lists: u64,
    /// Requests by route, the refused and the harmed included; routes are named as in fault plans.
    pub requests: BTreeMap<String, u64>,
    /// Requests that came before an announced wait was over, those in flight excepted.
    pub requests_in_429_window: u64,
    /// Answers of 429, embedded ones included.
    pub rate_limited: u64,
    /// Answers of 401, injected ones included.
    pub unauthorized: u64,
    /// Faults injected, by kind.
    pub faults: BTreeMap<String, u64>,
    /// Effects that are still to come after their connection was cut.
    pub late_effects_pending: u64,
    /// Customers by status.
    pub statuses: BTreeMap<String, u64>,
    /// How delivery of webhooks went.
    pub webhooks: WebhookAudit,
    /// Each customer by id; only in a full audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full: Option<FullAudit>,
}

/// The part of an audit that grows with the customers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FullAudit {
    /// Ids, oldest first.
    pub customer_ids: Vec<String>,
    /// Links by customer id.
    pub links_per_customer: BTreeMap<String, u64>,
    /// Reads by customer id.
    pub polls_per_customer: BTreeMap<String, u64>,
    /// Statuses by customer id.
    pub status_per_customer: BTreeMap<String, String>,
}

/// What is counted outside the ledger.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) rate_limited: AtomicU64,
    pub(crate) unauthorized: AtomicU64,
    pub(crate) late_effects_pending: AtomicU64,
    requests: Mutex<BTreeMap<Route, u64>>,
    faults: Mutex<BTreeMap<&'static str, u64>>,
}

impl Tally {
    pub(crate) fn request(&self, route: Route) {
        *self.requests.lock().unwrap_or_else(PoisonError::into_inner).entry(route).or_default() += 1;
    }

    pub(crate) fn fault(&self, kind: &'static str) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default() += 1;
    }

    pub(crate) fn fill(&self, audit: &mut Audit) {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        audit.requests = requests.iter().map(|(route, count)| (name(*route), *count)).collect();
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        audit.faults = faults.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
        audit.rate_limited = self.rate_limited.load(Ordering::Relaxed);
        audit.unauthorized = self.unauthorized.load(Ordering::Relaxed);
        audit.late_effects_pending = self.late_effects_pending.load(Ordering::Relaxed);
    }
}

/// Fills in what the ledger knows.
pub(crate) fn of_ledger(ledger: &Ledger, full: bool) -> Audit {
    let counts = ledger.counts();
    let mut audit = Audit {
        customers: count(ledger.customers().len()),
        creates: counts.creates,
        effective_creates: count(ledger.customers().len()),
        replays: counts.replays,
        refused_creates: counts.refused_creates,
        emails_with_several_customers: count(ledger.emails_with_several_customers()),
        emails_with_several_keys: count(ledger.emails_with_several_keys()),
        links: count(ledger.links_made()),
        links_used: counts.links_used,
        live_links_per_customer_max: counts.live_links_max,
        polls: counts.polls,
        lookups: counts.lookups,
        lists: counts.lists,
        ..Audit::default()
    };
    let mut all = FullAudit::default();
    for customer in ledger.customers() {
        let (links, polls) = (count(customer.links.len()), customer.polls);
        audit.links_per_customer_max = audit.links_per_customer_max.max(links);
        audit.polls_per_customer_max = audit.polls_per_customer_max.max(polls);
        *audit.statuses.entry(customer.status.as_str().to_owned()).or_default() += 1;
        if full {
            all.customer_ids.push(customer.id.clone());
            all.links_per_customer.insert(customer.id.clone(), links);
            all.polls_per_customer.insert(customer.id.clone(), polls);
            all.status_per_customer.insert(customer.id.clone(), customer.status.as_str().to_owned());
        }
    }
    audit.full = full.then_some(all);
    audit
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn name(route: Route) -> String {
    match route {
        Route::Create => "create",
        Route::Lookup => "lookup",
        Route::Link => "link",
        Route::Get => "get",
        Route::List => "list",
        Route::Other => "other",
        Route::Browser => "browser",
        Route::Control => "control",
    }
    .to_owned()
}
