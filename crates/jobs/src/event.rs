//! Events: the results that Gangway publishes, as CloudEvents 1.0.
//!
//! An event's id names the *fact* it tells, so publishing a fact twice gives one id twice and a consumer can drop the
//! repeat. Within an onboarding, `sequence` counts without gaps from 1 as long as `epoch` stays.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::id::{EventId, OnboardingId};

/// What happened. The names are published and so are a durable contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventType {
    /// The customer exists at the API.
    #[serde(rename = "customer.created")]
    CustomerCreated,
    /// A link can be handed to the customer.
    #[serde(rename = "onboarding.link_created")]
    LinkCreated,
    /// The API tells another KYB status.
    #[serde(rename = "kyb.status_changed")]
    StatusChanged,
    /// The customer must supply more.
    #[serde(rename = "onboarding.action_required")]
    ActionRequired,
    /// End: approved.
    #[serde(rename = "onboarding.approved")]
    Approved,
    /// End of the round: rejected.
    #[serde(rename = "onboarding.rejected")]
    Rejected,
    /// End of the round: nothing came for too long.
    #[serde(rename = "onboarding.expired")]
    Expired,
    /// End: failed for good, with a reason.
    #[serde(rename = "onboarding.dead")]
    Dead,
    /// End: called off.
    #[serde(rename = "onboarding.cancelled")]
    Cancelled,
    /// End: erased on request.
    #[serde(rename = "onboarding.erased")]
    Erased,
    /// Another round begins.
    #[serde(rename = "onboarding.reopened")]
    Reopened,
}

impl EventType {
    /// All types.
    pub const ALL: [Self; 11] = [
        Self::CustomerCreated,
        Self::LinkCreated,
        Self::StatusChanged,
        Self::ActionRequired,
        Self::Approved,
        Self::Rejected,
        Self::Expired,
        Self::Dead,
        Self::Cancelled,
        Self::Erased,
        Self::Reopened,
    ];

    /// The published name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CustomerCreated => "customer.created",
            Self::LinkCreated => "onboarding.link_created",
            Self::StatusChanged => "kyb.status_changed",
            Self::ActionRequired => "onboarding.action_required",
            Self::Approved => "onboarding.approved",
            Self::Rejected => "onboarding.rejected",
            Self::Expired => "onboarding.expired",
            Self::Dead => "onboarding.dead",
            Self::Cancelled => "onboarding.cancelled",
            Self::Erased => "onboarding.erased",
            Self::Reopened => "onboarding.reopened",
        }
    }

    /// The type of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether it ends a round; each round has one.
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Approved | Self::Rejected | Self::Expired | Self::Dead | Self::Cancelled | Self::Erased
        )
    }
}

/// An event before the store has given it its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEvent {
    /// What happened.
    pub kind: EventType,
    /// What makes this one different from others of its type; see [`event_id`].
    pub fact: String,
    /// What there is to tell. Never a name or an e-mail.
    pub data: Value,
}

/// An event in the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Names the fact.
    pub id: EventId,
    /// What happened.
    pub kind: EventType,
    /// Whose.
    pub onboarding: OnboardingId,
    /// The store's epoch.
    pub epoch: Epoch,
    /// The place among the onboarding's events in this epoch, from 1.
    pub sequence: u64,
    /// When it was written.
    pub time: Timestamp,
    /// What there is to tell.
    pub data: Value,
}

/// Which life of the store an event belongs to; rises when a store is made anew or seen to have been rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub i64);

/// The id of an event: the same for the same fact, on every machine.
pub fn event_id(onboarding: OnboardingId, kind: EventType, fact: &str) -> EventId {
    EventId::from_uuid(Uuid::new_v5(onboarding.as_uuid(), format!("{}\n{fact}", kind.as_str()).as_bytes()))
}

impl Event {
    /// The CloudEvents 1.0 JSON object.
    pub fn to_cloud_event(&self) -> Value {
        json!({
            "specversion": "1.0",
            "id": self.id,
            "source": "gangway",
            "type": self.kind,
            "subject": self.onboarding,
            "time": self.time.to_string(),
            "datacontenttype": "application/json",
            // A string: CloudEvents integers end at 2³¹. Thirteen digits until the year 2286, so it also sorts as text.
            "epoch": self.epoch.0.to_string(),
            "sequence": self.sequence,
            "data": self.data,
        })
    }

    /// Reads back what [`Event::to_cloud_event`] wrote.
    ///
    /// # Errors
    /// A field is missing or has another form, or the type is one that this release does not know.
    pub fn from_cloud_event(mut event: Value) -> Result<Self, UnreadableEvent> {
        let data = event.get_mut("data").map(Value::take);
        let text = |field: &'static str| event.get(field).and_then(Value::as_str);
        let unreadable = |field| UnreadableEvent { field };
        Ok(Self {
            id: text("id").and_then(|id| id.parse().ok()).ok_or(unreadable("id"))?,
            kind: text("type").and_then(EventType::parse).ok_or(unreadable("type"))?,
            onboarding: text("subject").and_then(|id| id.parse().ok()).ok_or(unreadable("subject"))?,
            epoch: text("epoch")
                .and_then(|epoch| epoch.parse().ok())
                .map(Epoch)
                .ok_or(unreadable("epoch"))?,
            sequence: event.get("sequence").and_then(Value::as_u64).ok_or(unreadable("sequence"))?,
            time: text("time").and_then(|time| Timestamp::parse(time).ok()).ok_or(unreadable("time"))?,
            data: data.filter(Value::is_object).ok_or(unreadable("data"))?,
        })
    }
}

/// A stored event that is not what [`Event::to_cloud_event`] writes. Never quotes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its {field} is missing or cannot be read")]
pub struct UnreadableEvent {
    /// The first field that cannot be read.
    pub field: &'static str,
}

/// Takes out of an event's data what is personal: what is left when its onboarding is erased.
pub fn redact(data: &mut Value) {
    if let Some(data) = data.as_object_mut() {
        data.entry("reference").and_modify(|reference| *reference = Value::Null);
        data.remove("url");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_serde_agrees_with_them() {
        for kind in EventType::ALL {
            assert_eq!(EventType::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn one_fact_has_one_id() {
        let id = OnboardingId::from_uuid(Uuid::nil());
        assert_eq!(event_id(id, EventType::Dead, "1"), event_id(id, EventType::Dead, "1"));
        assert_ne!(event_id(id, EventType::Dead, "1"), event_id(id, EventType::Dead, "2"));
        assert_ne!(event_id(id, EventType::Dead, "1"), event_id(id, EventType::Erased, "1"));
    }

    fn event(kind: EventType, data: Value) -> Event {
        let onboarding = OnboardingId::from_uuid(Uuid::from_u128(7));
        Event {
            id: event_id(onboarding, kind, "1"),
            kind,
            onboarding,
            epoch: Epoch(1_772_355_600_000),
            sequence: 3,
            time: Timestamp::from_millis(1_772_355_600_050),
            data,
        }
    }

    #[test]
    fn what_was_published_reads_back() {
        for kind in EventType::ALL {
            let event = event(kind, json!({ "reference": "C-\"subject\":\"1", "round": 1, "url": null }));
            let text = event.to_cloud_event().to_string();
            assert_eq!(Event::from_cloud_event(serde_json::from_str(&text).unwrap()), Ok(event));
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_and_not_quoted() {
        let whole = event(EventType::Dead, json!({ "reference": "secret" })).to_cloud_event();
        for field in ["id", "type", "subject", "epoch", "sequence", "time", "data"] {
            for damage in [json!("secret"), json!(-1), Value::Null] {
                let mut event = whole.clone();
                event[field] = damage;
                let error = Event::from_cloud_event(event).unwrap_err();
                assert_eq!(error.to_string(), format!("its {field} is missing or cannot be read"));
            }
        }
        assert_eq!(Event::from_cloud_event(json!(["secret"])), Err(UnreadableEvent { field: "id" }));
    }

    #[test]
    fn redacting_leaves_what_leads_to_nobody() {
        let mut data = json!({ "reference": "C-1", "url": "https://kyb.example/?token=1", "round": 2 });
        redact(&mut data);
        assert_eq!(data, json!({ "reference": null, "round": 2 }));
        let mut nothing = json!({});
        redact(&mut nothing);
        assert_eq!(nothing, json!({}));
    }
}
