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
}
