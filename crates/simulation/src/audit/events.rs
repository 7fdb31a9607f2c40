//! The events as a consumer reads them, and what they say a record must look like.

use std::collections::{BTreeMap, BTreeSet};

use gangway_jobs::event::{Epoch, Event, EventType};
use gangway_jobs::id::{EventId, OnboardingId};
use gangway_jobs::kyb::Status as KybStatus;
use gangway_jobs::onboarding::{Record, Stage};
use gangway_store::Position;

use super::Outside;
use crate::violation::{Held, answered, broken};

const GAPLESS: &str = "sequences have no gaps within an epoch";
const TOLD_ONCE: &str = "a fact is told once";
const ONE_END: &str = "a round has one terminal event";
const TOGETHER: &str = "no state changes without its event, and no event comes without its state";

/// Events that are read at once.
const PAGE: usize = 500;

/// All events of one life of the store.
#[derive(Debug)]
pub(crate) struct Events {
    epoch: Epoch,
    seen: Position,
    count: u64,
    /// What is new, in the words of the trace.
    pub(crate) news: Vec<String>,
    of: BTreeMap<OnboardingId, Story>,
}

/// What the events tell of one onboarding.
#[derive(Debug, Default)]
struct Story {
    sequence: u64,
    ids: BTreeSet<EventId>,
    ends: BTreeMap<u64, EventType>,
    customer: Option<String>,
    kyb: Option<String>,
    link: Option<u64>,
    /// It started again from its ledger row, which knows of no link, or from a record that does.
    link_is_forgotten: bool,
}

impl Events {
    pub(crate) const fn new(epoch: Epoch) -> Self {
        Self { epoch, seen: Position(0), count: 0, news: Vec::new(), of: BTreeMap::new() }
    }

    /// How many there were.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn was_erased(&self, id: OnboardingId) -> bool {
        let ends = self.of.get(&id).map(|story| &story.ends);
        ends.and_then(BTreeMap::last_key_value).is_some_and(|(_, end)| *end == EventType::Erased)
    }

    /// Reads what is new in the outbox.
    pub(super) async fn take_in(&mut self, outside: &Outside<'_>) -> Held {
        let page = answered(outside.store.events(self.seen, PAGE).await)?;
        for (position, event) in page {
            self.seen = position;
            self.count += 1;
            self.one(&event, outside)?;
        }
        Ok(())
    }

    fn one(&mut self, event: &Event, outside: &Outside<'_>) -> Held {
        let name = outside.people.name(event.onboarding);
        let kind = event.kind.as_str();
        let detail =
            [&event.data["round"], &event.data["ordinal"], &event.data["kyb_status"], &event.data["reason"]];
        let detail: Vec<String> =
            detail.into_iter().filter(|it| !it.is_null()).map(ToString::to_string).collect();
        self.news.push(format!("event {} of {name}: {kind} {}", event.sequence, detail.join(" ")));
        if let Some(_personal) = outside.people.personal_in(&event.to_cloud_event().to_string()) {
            return broken("no event names a person", format!("{kind} of {name} does"));
        }
        if event.epoch != self.epoch {
            return broken(GAPLESS, format!("{kind} of {name} is of another epoch"));
        }
        let story = self.of.entry(event.onboarding).or_default();
        if event.sequence != story.sequence + 1 {
            let found = format!("{kind} of {name} has number {} after {}", event.sequence, story.sequence);
            return broken(GAPLESS, found);
        }
        story.sequence = event.sequence;
        if !story.ids.insert(event.id) {
            return broken(TOLD_ONCE, format!("{kind} of {name} was published before"));
        }
        story.follow(event, name)?;
        super::conclusions::is_true(event, name, outside.network)
    }

    /// Compares a record with what the events tell of it.
    pub(super) fn compare(&self, record: &Record, name: &str) -> Held {
        let nothing = Story::default();
        let story = self.of.get(&record.id).unwrap_or(&nothing);
        let differs = |what: &str, stored: &dyn std::fmt::Debug, told: &dyn std::fmt::Debug| {
            broken(TOGETHER, format!("{what} of {name} is {stored:?}, the events tell {told:?}"))
        };
        if record.sequence != story.sequence {
            return differs("the number of the last event", &record.sequence, &story.sequence);
        }
        let told = story.ends.get(&u64::from(record.round)).copied();
        if told != end_of(record.stage) {
            return differs(&format!("the end of round {}", record.round), &record.stage, &told);
        }
        if let Some(open) = (1..u64::from(record.round)).find(|round| !story.ends.contains_key(round)) {
            return broken(ONE_END, format!("round {open} of {name} never ended"));
        }
        // What a job learnt that outlived its round is kept and not told: the round's end is the last word.
        let customer = record.customer_id.as_ref().map(|id| id.as_str().to_owned());
        if record.stage.is_end() {
            return Ok(());
        }
        if customer != story.customer {
            return differs("the customer", &customer, &story.customer);
        }
        let kyb = record.kyb.as_ref().map(|kyb| kyb.status.as_str().to_ascii_uppercase());
        if kyb != story.kyb {
            return differs("the KYB status", &kyb, &story.kyb);
        }
        let link = record.link.map(|link| u64::from(link.ordinal));
        if link != story.link && !(link.is_none() && story.link_is_forgotten) {
            return differs("the link", &link, &story.link);
        }
        Ok(())
    }
}

impl Story {
    fn follow(&mut self, event: &Event, name: &str) -> Held {
        let text = |field: &str| event.data[field].as_str().map(str::to_owned);
        let round = event.data["round"].as_u64().unwrap_or_default();
        if event.kind.is_terminal() {
            if let Some(before) = self.ends.insert(round, event.kind) {
                let found = format!(
                    "round {round} of {name} ended as {} and as {}",
                    before.as_str(),
                    event.kind.as_str()
                );
                return broken(ONE_END, found);
            }
        } else if self.ends.contains_key(&round) {
            let found = format!("{} of {name} comes after the end of round {round}", event.kind.as_str());
            return broken(ONE_END, found);
        }
        match event.kind {
            EventType::CustomerCreated => {
                self.customer = text("customer_id");
                self.kyb = text("kyb_status").map(|word| word.to_ascii_uppercase());
            }
            EventType::StatusChanged => self.kyb = text("kyb_status").map(|word| word.to_ascii_uppercase()),
            EventType::LinkCreated => {
                self.link = event.data["ordinal"].as_u64();
                self.link_is_forgotten = false;
            }
            // One that starts again from its ledger row, or after an end that came too early for more.
            EventType::Reopened => {
                self.customer = text("customer_id");
                self.kyb = text("kyb_status").map(|word| word.to_ascii_uppercase());
                self.link_is_forgotten |= self.kyb.is_none();
            }
            EventType::ActionRequired
            | EventType::Approved
            | EventType::Rejected
            | EventType::Expired
            | EventType::Dead
            | EventType::Cancelled
            | EventType::Erased => {}
        }
        self.told_as_it_is(event, name)
    }

    /// What an event repeats of the record agrees with what was told before.
    fn told_as_it_is(&self, event: &Event, name: &str) -> Held {
        let kyb = event.data["kyb_status"].as_str().map(KybStatus::parse);
        let known = self.kyb.as_deref().map(KybStatus::parse);
        // A link is told of by a worker that may have read the record before the newest status was seen; an end that was
        // asked for while a create ran keeps the customer and no more.
        let is_own = matches!(event.kind, EventType::CustomerCreated | EventType::StatusChanged)
            || matches!(event.kind, EventType::Approved | EventType::Rejected | EventType::Expired);
        if is_own && kyb != known {
            let found = format!("{} of {name} tells {kyb:?} instead of {known:?}", event.kind.as_str());
            return broken(TOGETHER, found);
        }
        Ok(())
    }
}

/// The terminal event that belongs to a stage.
const fn end_of(stage: Stage) -> Option<EventType> {
    match stage {
        Stage::Accepted | Stage::Created | Stage::Linked | Stage::InReview | Stage::ActionRequired => None,
        Stage::Approved => Some(EventType::Approved),
        Stage::Rejected => Some(EventType::Rejected),
        Stage::Expired => Some(EventType::Expired),
        Stage::Dead => Some(EventType::Dead),
        Stage::Cancelled => Some(EventType::Cancelled),
        Stage::Erased => Some(EventType::Erased),
    }
}
