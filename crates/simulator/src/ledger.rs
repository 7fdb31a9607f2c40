//! All that the simulated API remembers, under one lock.
//!
//! What is due happens before anything is read or written: each call first runs the steps of users and compliance
//! whose time has come. A heap holds one step at most for each customer, so a waiting customer costs nothing.

mod autopilot;
mod create;
mod link;
mod read;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::clock::{Clock, SimTime};
use crate::customer::Customer;
use crate::dice::Dice;
use crate::knobs::Knobs;
use crate::refusal::Refusal;
use crate::webhooks::Change;

pub(crate) use create::CreateRequest;
pub(crate) use link::{Link, LinkRequest, Unusable};
pub(crate) use read::{ListRequest, Listed, Polled, View};

/// The moment of a call, and the knobs as they stand in it.
#[derive(Debug)]
pub(crate) struct Now<'a> {
    pub(crate) clock: &'a Clock,
    pub(crate) knobs: &'a Knobs,
    pub(crate) sim: SimTime,
    pub(crate) real: Duration,
    pub(crate) wall: Timestamp,
}

/// Customers, links, keys, and what is due.
#[derive(Debug)]
pub(crate) struct Ledger {
    dice: Dice,
    customers: Vec<Customer>,
    by_id: HashMap<String, usize>,
    /// By e-mail without case.
    by_email: HashMap<String, Vec<usize>>,
    by_key: HashMap<Uuid, usize>,
    /// Refusals remembered under their keys, if the knob says so.
    refusals: HashMap<Uuid, Refusal>,
    /// Keys seen with each e-mail: the first, and whether there were others.
    keys_of_email: HashMap<[u8; 16], (Option<Uuid>, bool)>,
    links: Vec<Link>,
    by_token: HashMap<String, usize>,
    by_link_key: HashMap<(usize, Uuid), usize>,
    /// Link and opening of each browser session.
    by_session: HashMap<String, (usize, SimTime)>,
    /// (due, order of planning, customer, its plan); the earliest on top.
    due: BinaryHeap<Reverse<(SimTime, u64, usize, u64)>>,
    planned: u64,
    counts: Counts,
    changes: mpsc::UnboundedSender<Change>,
}

/// What the ledger counted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) creates: u64,
    pub(crate) replays: u64,
    pub(crate) refused_creates: u64,
    pub(crate) lookups: u64,
    pub(crate) lists: u64,
    pub(crate) polls: u64,
    pub(crate) live_links_max: u64,
    pub(crate) links_used: u64,
}

impl Ledger {
    pub(crate) fn new(seed: u64, changes: mpsc::UnboundedSender<Change>) -> Self {
        Self {
            dice: Dice::new(seed),
            customers: Vec::new(),
            by_id: HashMap::new(),
            by_email: HashMap::new(),
            by_key: HashMap::new(),
            refusals: HashMap::new(),
            keys_of_email: HashMap::new(),
            links: Vec::new(),
            by_token: HashMap::new(),
            by_link_key: HashMap::new(),
            by_session: HashMap::new(),
            due: BinaryHeap::new(),
            planned: 0,
            counts: Counts::default(),
            changes,
        }
    }

    /// Every customer, in order of creation.
    pub(crate) fn customers(&self) -> &[Customer] {
        &self.customers
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    pub(crate) fn links_made(&self) -> usize {
        self.links.len()
    }

    /// How many e-mails have more than one customer.
    pub(crate) fn emails_with_several_customers(&self) -> usize {
        self.by_email.values().filter(|customers| customers.len() > 1).count()
    }

    /// How many e-mails came with more than one key.
    pub(crate) fn emails_with_several_keys(&self) -> usize {
        self.keys_of_email.values().filter(|(_, others)| *others).count()
    }

    /// An id in the form of a version 4 UUID that follows from the seed and the parts.
    fn id(&self, parts: &[&[u8]]) -> Uuid {
        uuid::Builder::from_random_bytes(self.dice.bytes(parts)).into_uuid()
    }
}
