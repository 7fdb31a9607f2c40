//! The network and the API behind it: decides what becomes of each call, and remembers what the API truly did.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gangway_jobs::customer::NewCustomer;
use gangway_jobs::identity::{EmailKey, Identity};
use gangway_jobs::kyb::{KybStatus, Status};
use gangway_jobs::onboarding::Record;
use gangway_onemoney::offline::{Arrived, create_body};
use gangway_simulator::{Answered, Knobs, Offline};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::chance::Chance;
use crate::time::BEGINNING;
use crate::violation::{Held, broken};

mod api;
mod fate;

pub(crate) use api::{Call, Posted, WorkerApi};
pub(crate) use fate::{Fate, Mood};

/// The longest after its call that an effect arrives.
const LATEST: Duration = Duration::from_mins(5);

/// A reference and an e-mail: what has at most one customer, ever.
pub(crate) type Pair = (Option<String>, String);

/// The pair of a customer.
pub(crate) fn pair(customer: &NewCustomer) -> Pair {
    let reference = customer.reference.as_ref().map(|reference| reference.as_str().to_owned());
    (reference, customer.email.as_str().to_owned())
}

/// The network.
#[derive(Debug)]
pub(crate) struct Network {
    api: Offline,
    pub(crate) mood: Mood,
    /// How many calls in a thousand go wrong by themselves.
    pub(crate) storm: u64,
    /// Calls that will take effect, by when.
    late: Vec<(Duration, Call)>,
    /// Customers that our calls have made.
    made: BTreeMap<Pair, Vec<String>>,
    /// The same by what a record knows of them.
    known_by: BTreeSet<(Option<String>, EmailKey)>,
    identity: Identity,
    /// Statuses that the API has told, by customer.
    told: BTreeMap<String, BTreeSet<String>>,
}

impl Network {
    pub(crate) fn new(seed: u64, knobs: Knobs, storm: u64, identity: Identity) -> Held<Self> {
        let api = Offline::new(seed, knobs, BEGINNING.as_millis());
        let api = api.or_else(|error| broken("the knobs are valid", error.to_string()))?;
        let (made, told) = (BTreeMap::new(), BTreeMap::new());
        let known_by = BTreeSet::new();
        Ok(Self { api, mood: Mood::Up, storm, late: Vec::new(), made, known_by, identity, told })
    }

    /// A customer whom somebody else has made.
    pub(crate) fn occupy(&mut self, email: &str, key: Uuid) {
        self.api.create(
            key,
            &json!({
                "email": email, "first_name": "Some", "last_name": "Body",
                "company_name": "Elsewhere", "customer_type": "BUSINESS",
            }),
        );
    }

    /// Decides on a call and sends what comes of it back; answers how it went.
    pub(crate) fn carry(&mut self, posted: Posted, now: Duration, chance: &mut Chance) -> Fate {
        let fate = fate::fate(&posted.call, self.mood, self.storm, chance);
        let arrived = self.meet(&posted.call, fate, now, chance);
        // A worker that has crashed meanwhile hears nothing.
        posted.reply.send(arrived).unwrap_or_default();
        fate
    }

    /// The same, for a call that nobody waits for any more.
    pub(crate) fn let_go(&mut self, posted: Posted, now: Duration, chance: &mut Chance) {
        let fate = *chance.pick(&[Fate::AnswerLost, Fate::Late, Fate::Lost]).unwrap_or(&Fate::Lost);
        let fate = if self.mood == Mood::Up { fate } else { Fate::Lost };
        self.meet(&posted.call, fate, now, chance);
        posted.reply.send(Arrived::Nothing).unwrap_or_default();
    }

    fn meet(&mut self, call: &Call, fate: Fate, now: Duration, chance: &mut Chance) -> Arrived {
        match fate {
            Fate::Answered => whole(self.perform(call)),
            Fate::AnswerLost => {
                self.perform(call);
                Arrived::Nothing
            }
            Fate::Late => {
                self.late.push((now + chance.millis(1, millis(LATEST)), call.clone()));
                Arrived::Nothing
            }
            Fate::Lost => Arrived::Nothing,
            Fate::Unsent => Arrived::Unsent,
            Fate::BrokenAfter => {
                self.perform(call);
                says(500, "Internal error.")
            }
            Fate::BrokenBefore => says(500, "Internal error."),
            Fate::Garbled => {
                self.perform(call);
                Arrived::Answer { status: 200, body: b"<html>Please wait</html>".to_vec() }
            }
            Fate::Says(status, text) => says(status, text),
        }
    }

    /// What the call does at the API.
    fn perform(&mut self, call: &Call) -> Answered {
        match call {
            Call::Create { customer, key } => self.create(customer, *key),
            Call::LookUp { key } => {
                let answered = self.api.look_up(*key);
                self.note_told(answered)
            }
            Call::Link { customer, key } => self.api.link(customer.as_str(), *key),
            Call::Read { customer } => {
                let answered = self.api.get(customer.as_str());
                self.note_told(answered)
            }
        }
    }

    fn create(&mut self, customer: &NewCustomer, key: Uuid) -> Answered {
        let before = self.api.customers().count();
        let body: Value = serde_json::from_slice(&create_body(customer)).unwrap_or_default();
        let answered = self.api.create(key, &body);
        if let Some(new) = self.api.customers().nth(before) {
            let pair = pair(customer);
            self.known_by.insert((pair.0.clone(), self.identity.email_key(&customer.email)));
            self.made.entry(pair).or_default().push(new.id.to_owned());
        }
        self.note_told(answered)
    }

    fn note_told(&mut self, answered: Answered) -> Answered {
        let body: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
        if let (Some(id), Some(status)) = (body["customer_id"].as_str(), body["status"].as_str()) {
            self.told.entry(id.to_owned()).or_default().insert(status.to_ascii_uppercase());
        }
        answered
    }

    /// When the next late effect arrives.
    pub(crate) fn next_effect(&self) -> Option<Duration> {
        self.late.iter().map(|(at, _)| *at).min()
    }

    /// Lets the API's time pass, and lets the effects arrive whose time has come.
    pub(crate) fn pass(&mut self, by: Duration, now: Duration) {
        self.api.pass(by);
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.late).into_iter().partition(|(at, _)| *at <= now);
        self.late = later;
        for (_, call) in due {
            self.perform(&call);
        }
    }

    /// All that is still on its way arrives now.
    pub(crate) fn flush(&mut self) {
        for (_, call) in std::mem::take(&mut self.late) {
            self.perform(&call);
        }
    }

    /// How long until a user or compliance does something.
    pub(crate) fn idle_for(&self) -> Option<Duration> {
        self.api.idle_for()
    }

    /// Customers whose status has changed: what webhooks tell.
    pub(crate) fn changed(&mut self) -> Vec<String> {
        self.api.changed()
    }

    /// The customers that our calls have made.
    pub(crate) const fn made(&self) -> &BTreeMap<Pair, Vec<String>> {
        &self.made
    }

    /// Whether a call of ours has made the customer of that record.
    pub(crate) fn has_made(&self, record: &Record) -> bool {
        self.known_by.contains(&(record.reference.clone(), record.email_key))
    }

    /// Whether the API ever told that status of that customer.
    pub(crate) fn has_told(&self, customer: &str, status: Status) -> bool {
        let told = self.told.get(customer).into_iter().flatten();
        told.into_iter().any(|word| KybStatus::new(word).status() == status)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn whole(answered: Answered) -> Arrived {
    Arrived::Answer { status: answered.status, body: answered.body }
}

fn says(status: u16, text: &str) -> Arrived {
    let body = json!({ "status": status, "detail": text }).to_string();
    Arrived::Answer { status, body: body.into_bytes() }
}
