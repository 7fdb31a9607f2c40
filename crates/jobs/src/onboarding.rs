//! The record of one onboarding: all that is known of a customer on the way aboard, and nothing personal but the
//! reference. Names and e-mail live only in the payload of the create job.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::failure::Failure;
use crate::id::{CustomerId, IdempotencyKey, ImportId, OnboardingId};
use crate::identity::{ContentDigest, EmailKey};
use crate::kyb::{KybStatus, Status};

/// How far an onboarding has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Taken in; no customer yet.
    Accepted,
    /// The customer exists.
    Created,
    /// A link was made.
    Linked,
    /// The form was submitted; compliance has it.
    InReview,
    /// The customer must supply more.
    ActionRequired,
    /// End: approved.
    Approved,
    /// End of the round: rejected.
    Rejected,
    /// End of the round: nothing came for too long.
    Expired,
    /// End: failed for good; the failure tells why.
    Dead,
    /// End: called off.
    Cancelled,
    /// End: erased on request.
    Erased,
}

impl Stage {
    /// All stages, in the order of the pipeline.
    pub const ALL: [Self; 11] = [
        Self::Accepted,
        Self::Created,
        Self::Linked,
        Self::InReview,
        Self::ActionRequired,
        Self::Approved,
        Self::Rejected,
        Self::Expired,
        Self::Dead,
        Self::Cancelled,
        Self::Erased,
    ];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Created => "created",
            Self::Linked => "linked",
            Self::InReview => "in_review",
            Self::ActionRequired => "action_required",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
            Self::Erased => "erased",
        }
    }

    /// The stage of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == name)
    }

    /// Whether the latest round has ended.
    pub const fn is_end(self) -> bool {
        matches!(
            self,
            Self::Approved | Self::Rejected | Self::Expired | Self::Dead | Self::Cancelled | Self::Erased
        )
    }

    /// Whether a link was made and nothing later is missing: what `run --until linked` waits for.
    pub const fn is_linked(self) -> bool {
        !matches!(self, Self::Accepted | Self::Created)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where an onboarding came from, so that a repeat of the same row is answered as the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The import run.
    pub import: ImportId,
    /// The data row, from 1.
    pub row: u64,
    /// Whether that row revived an onboarding that was there before.
    pub revived: bool,
}

/// What the API last said of the KYB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kyb {
    /// The status in the API's own word.
    pub status: KybStatus,
    /// The API's own `updated_at`, compared and never computed with.
    pub updated_at: String,
}

impl Kyb {
    /// Whether the customer's status has moved since `known`. `PENDING_RESPONSE` may be left and entered again between
    /// two reads, which shows only in `updated_at`.
    pub fn has_moved_since(&self, known: Option<&Self>) -> bool {
        known.is_none_or(|known| {
            let asked_again =
                self.status.status() == Status::PendingResponse && known.updated_at != self.updated_at;
            known.status != self.status || asked_again
        })
    }
}

/// The newest link that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkState {
    /// Its number within the onboarding, from 1.
    pub ordinal: u32,
    /// When it dies.
    pub expires_at: Timestamp,
}

/// What happened to an onboarding, for the people who look at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// A stage's name, an event's type or a failure's code; never personal.
    pub what: String,
}

/// The record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, true beside any of the others")]
pub struct Record {
    /// The onboarding.
    pub id: OnboardingId,
    /// The partner's own name for the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The row it came from; absent for one that an app enqueued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Index key of the e-mail.
    pub email_key: EmailKey,
    /// Digest of all that was handed in.
    pub content: ContentDigest,
    /// How far it has come.
    pub stage: Stage,
    /// The run from (re)opening to an end, from 1.
    pub round: u32,
    /// Rises only when a definite refusal is tried again under a new key.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub generation: u32,
    /// The key of the create call.
    pub key: IdempotencyKey,
    /// Keys used before, under which a customer may be found; looked up before a create. At most eight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_keys: Vec<IdempotencyKey>,
    /// The API has definitely refused the present key, and may remember that: it is looked up before the next create.
    #[serde(default, skip_serializing_if = "is_false")]
    pub key_refused: bool,
    /// Since when the effect of an unanswered create may still arrive; absent when everything is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncertain_since: Option<Timestamp>,
    /// The customer at the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// A customer with another e-mail that came back under our key; kept aside and never touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign_customer_id: Option<CustomerId>,
    /// What the API last said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kyb: Option<Kyb>,
    /// When the status last changed, or the round began.
    pub status_since: Timestamp,
    /// Until something else is seen, a rejection is the last round's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_before: Option<Kyb>,
    /// When a hint last came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hinted_at: Option<Timestamp>,
    /// The newest link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkState>,
    /// The number of the newest link that was asked for. A job that is still at an older one goes on to it: that one may
    /// have been made, its answer lost, and the customer through with it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub links_wanted: u32,
    /// Under review for longer than `poll.give_up_after`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stale: bool,
    /// Cancelled while a job was leased: its settle ends the onboarding.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cancel_requested: bool,
    /// Erased while a job was leased: its settle ends the onboarding.
    #[serde(default, skip_serializing_if = "is_false")]
    pub erase_requested: bool,
    /// Why it is dead, or why its last link is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// How often the status was read.
    #[serde(default)]
    pub polls: u64,
    /// Events written in this epoch.
    #[serde(default)]
    pub sequence: u64,
    /// When it was taken in.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The last [`TIMELINE`] changes; polls are counted, not listed.
    #[serde(default)]
    pub timeline: Vec<Entry>,
}

/// How many changes a record remembers.
pub const TIMELINE: usize = 20;

/// How many earlier keys a record remembers.
const EARLIER_KEYS: usize = 8;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_zero(n: &u32) -> bool {
    *n == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Record {
    /// Lists a change in the timeline.
    pub fn note(&mut self, at: Timestamp, what: impl Into<String>) {
        self.timeline.push(Entry { at, what: what.into() });
        let excess = self.timeline.len().saturating_sub(TIMELINE);
        self.timeline.drain(..excess);
        self.updated_at = at;
    }

    /// Moves to `stage`, and lists that if it is a change.
    pub fn move_to(&mut self, stage: Stage, at: Timestamp) {
        if self.stage != stage {
            self.stage = stage;
            self.note(at, stage.as_str());
        }
    }

    /// Puts the key aside, to be looked up before the next create.
    pub fn retire_key(&mut self, next: IdempotencyKey) {
        if self.key != next {
            if !self.earlier_keys.contains(&self.key) {
                self.earlier_keys.push(self.key);
                let excess = self.earlier_keys.len().saturating_sub(EARLIER_KEYS);
                self.earlier_keys.drain(..excess);
            }
            self.key = next;
        }
    }

    /// The stage that fits what is known, for a round that begins.
    pub fn opening_stage(&self) -> Stage {
        match (&self.customer_id, &self.kyb) {
            (None, _) => Stage::Accepted,
            (Some(_), Some(kyb)) if kyb.status.status().is_under_review() => Stage::InReview,
            (Some(_), _) => Stage::Created,
        }
    }

    /// Dead, nothing uncertain, and the last word a definite refusal. Only then may other content take the place.
    pub fn no_customer_can_exist(&self) -> bool {
        self.stage == Stage::Dead
            && self.customer_id.is_none()
            && self.foreign_customer_id.is_none()
            && self.uncertain_since.is_none()
            && self.failure.as_ref().is_some_and(|failure| failure.code.is_definite_refusal())
    }

    /// Whether its ledger row tells all that must be known when it starts again. Not of a foreign customer that it met; nor,
    /// unless that ended it, that its key was refused: then a later attempt may have made the customer under the next key.
    pub fn is_told_by_a_ledger_row(&self) -> bool {
        let met_nobody = self.foreign_customer_id.is_none();
        self.customer_id.is_some() || met_nobody && (!self.key_refused || self.no_customer_can_exist())
    }

    /// What the API last told, as a status.
    pub fn status(&self) -> Option<Status> {
        self.kyb.as_ref().map(|kyb| kyb.status.status())
    }
}

/// Fields of a record that an attempt's end changes. What it leaves out stays as it is *in the store*, where a cancel or
/// a hint may have changed it meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    /// Another stage.
    pub stage: Option<Stage>,
    /// The customer was found or made.
    pub customer_id: Option<CustomerId>,
    /// A customer with another e-mail came back.
    pub foreign_customer_id: Option<CustomerId>,
    /// What the API said of the KYB.
    pub kyb: Option<Kyb>,
    /// A link was made.
    pub link: Option<LinkState>,
    /// Another link is asked for: its number.
    pub link_wanted: Option<u32>,
    /// What is now certain about the create.
    pub certainty: Certainty,
    /// The API has definitely refused the key (the new one, if it changes), and may remember that.
    pub key_refused: bool,
    /// The create goes on under a new key of the next generation; the old one was looked up and not found.
    pub next_generation: Option<IdempotencyKey>,
    /// The status was read once more.
    pub polled: bool,
    /// A rejection of this round counts from now on.
    pub forget_rejection: bool,
    /// Under review for too long.
    pub stale: Option<bool>,
    /// Another reason, of the onboarding or of its link.
    pub failure: Option<Failure>,
}

/// What an attempt's end makes certain about the effect of creates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Certainty {
    /// Nothing: the effect of this attempt may still arrive.
    #[default]
    Unknown,
    /// This attempt had no effect; what was uncertain before it still is.
    NoEffect,
    /// Everything: the API gave a definite answer.
    Settled,
}

impl Patch {
    /// Changes the record. `uncertain_before` is what the lease found.
    pub fn apply(self, record: &mut Record, uncertain_before: Option<Timestamp>, now: Timestamp) {
        if let Some(id) = self.customer_id {
            record.customer_id = Some(id);
            record.key_refused = false;
        }
        if let Some(id) = self.foreign_customer_id {
            record.foreign_customer_id = Some(id);
        }
        if let Some(kyb) = self.kyb {
            if kyb.has_moved_since(record.kyb.as_ref()) {
                record.status_since = now;
            }
            if record.kyb.as_ref().is_none_or(|known| known.status != kyb.status) {
                record.note(now, format!("kyb {}", kyb.status));
            }
            record.kyb = Some(kyb);
        }
        if let Some(stage) = self.stage {
            record.move_to(stage, now);
        }
        if let Some(link) = self.link {
            record.note(now, format!("link {}", link.ordinal));
            record.link = Some(link);
        }
        if let Some(ordinal) = self.link_wanted {
            record.links_wanted = record.links_wanted.max(ordinal);
        }
        match self.certainty {
            Certainty::Unknown => {}
            Certainty::NoEffect => record.uncertain_since = uncertain_before,
            Certainty::Settled => record.uncertain_since = None,
        }
        if let Some(key) = self.next_generation {
            record.retire_key(key);
            record.generation += 1;
            record.key_refused = false;
            record.note(now, "next generation of the key");
        }
        // After the change of key: it was the new one that was refused. A customer that is there outweighs any refusal.
        record.key_refused |= self.key_refused && record.customer_id.is_none();
        if self.forget_rejection {
            record.rejected_before = None;
        }
        if let Some(stale) = self.stale {
            record.stale = stale;
        }
        if let Some(failure) = self.failure {
            record.failure = Some(failure);
        }
        record.polls += u64::from(self.polled);
        record.updated_at = now;
    }
}

/// What stays of an onboarding for ever, so that importing an old file again creates nobody twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// The onboarding.
    pub id: OnboardingId,
    /// Index key of the e-mail; absent once erased.
    pub email_key: Option<EmailKey>,
    /// Digest of all that was handed in; absent once erased.
    pub content: Option<ContentDigest>,
    /// The customer at the API.
    pub customer_id: Option<CustomerId>,
    /// The end.
    pub end: Stage,
    /// The last round.
    pub round: u32,
    /// Whether its last reason was definite, so that no customer can exist.
    pub definite: bool,
    /// Generation and key of the create, if above the first: a customer may exist under that key and no other.
    pub later_key: Option<(u32, IdempotencyKey)>,
    /// Events written in this epoch: one that starts again goes on counting, or two events would have one place.
    pub sequence: u64,
}

impl LedgerRow {
    /// What stays of a record that has ended. Of an erased one, nothing that leads back to the person.
    pub fn of(record: &Record) -> Self {
        let erased = record.stage == Stage::Erased;
        Self {
            id: record.id,
            email_key: (!erased).then_some(record.email_key),
            content: (!erased).then_some(record.content),
            customer_id: record.customer_id.clone(),
            end: record.stage,
            round: record.round,
            definite: record.no_customer_can_exist(),
            later_key: (!erased && record.generation > 0).then_some((record.generation, record.key)),
            sequence: record.sequence,
        }
    }
}
