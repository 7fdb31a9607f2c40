//! What enqueue answers, decided from what is known of the same onboarding and the same e-mail.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::customer::{NewCustomer, Reference};
use crate::id::{IdempotencyKey, ImportId, OnboardingId};
use crate::identity::{ContentDigest, EmailKey, Identity};
use crate::onboarding::{LedgerRow, Origin, Record, Stage};
use crate::payload::{CreateCustomer, Payload};

/// A customer with its identity, ready to be enqueued.
#[derive(Clone, Debug, PartialEq)]
pub struct NewOnboarding {
    /// The onboarding's id.
    pub id: OnboardingId,
    /// Key of the create call, generation 0.
    pub key: IdempotencyKey,
    /// Index key of the e-mail.
    pub email_key: EmailKey,
    /// Digest of all that was handed in.
    pub content: ContentDigest,
    /// The row it came from, if from an import.
    pub row: Option<(ImportId, u64)>,
    /// The customer.
    pub customer: NewCustomer,
}

impl NewOnboarding {
    /// Computes the identity of a customer.
    pub fn new(identity: &Identity, customer: NewCustomer, row: Option<(ImportId, u64)>) -> Self {
        let reference = customer.reference.as_ref();
        Self {
            id: identity.onboarding_id(reference, &customer.email),
            key: identity.idempotency_key(reference, &customer.email, 0),
            email_key: identity.email_key(&customer.email),
            content: identity.content_digest(&customer),
            row,
            customer,
        }
    }

    /// The input of the create job.
    pub fn payload(&self) -> Payload {
        Payload::CreateCustomer(CreateCustomer { customer: self.customer.clone() })
    }
}

/// What enqueue answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Taken in.
    New,
    /// Was there with the same content; nothing happens.
    Duplicate,
    /// Was there with other content; nothing changes.
    ConflictingContent,
    /// The e-mail is there under another reference; nothing changes.
    ConflictingEmail,
    /// Was there and had ended without success; starts again.
    Revived,
}

impl Answer {
    /// Whether it is one of the two conflicts.
    pub const fn is_conflict(self) -> bool {
        matches!(self, Self::ConflictingContent | Self::ConflictingEmail)
    }
}

/// What a store knows of the onboarding that is enqueued.
#[derive(Debug)]
pub enum Known<'a> {
    /// Nothing.
    Nothing,
    /// Its record.
    Record(&'a Record),
    /// Its record was pruned or erased.
    Ledger(&'a LedgerRow),
}

/// Decides the answer. `email_owner` is the onboarding that the e-mail belongs to, if any.
pub fn decide(new: &NewOnboarding, known: &Known<'_>, email_owner: Option<OnboardingId>) -> Answer {
    let email_is_elsewhere = email_owner.is_some_and(|owner| owner != new.id);
    match known {
        Known::Record(record) => decide_by_record(new, record, email_is_elsewhere),
        Known::Ledger(row) => decide_by_ledger(new, row, email_is_elsewhere),
        Known::Nothing if email_is_elsewhere => Answer::ConflictingEmail,
        Known::Nothing => Answer::New,
    }
}

/// Whether it is the row that was taken in last, once more. It is answered as the first time, and nothing happens: in
/// particular what it revived then is not revived again.
pub fn is_repeat(new: &NewOnboarding, record: &Record) -> bool {
    let origin = record.origin.map(|origin| (origin.import, origin.row));
    record.content == new.content && origin.is_some() && origin == new.row
}

fn decide_by_record(new: &NewOnboarding, record: &Record, email_is_elsewhere: bool) -> Answer {
    let same_content = record.content == new.content;
    if is_repeat(new, record) {
        return if record.origin.is_some_and(|origin| origin.revived) {
            Answer::Revived
        } else {
            Answer::New
        };
    }
    if record.stage == Stage::Erased {
        // As by the ledger row that an erased record becomes.
        return Answer::Duplicate;
    }
    if let (Some(origin), Some((import, _))) = (record.origin, new.row)
        && origin.import == import
    {
        // Two rows of one file: the first one counts, however quickly it may have ended meanwhile.
        return if same_content { Answer::Duplicate } else { Answer::ConflictingContent };
    }
    if same_content && !can_start_again(record) {
        Answer::Duplicate
    } else if email_is_elsewhere {
        Answer::ConflictingEmail
    } else if same_content || record.no_customer_can_exist() {
        Answer::Revived
    } else {
        Answer::ConflictingContent
    }
}

fn decide_by_ledger(new: &NewOnboarding, row: &LedgerRow, email_is_elsewhere: bool) -> Answer {
    let same_content = match row.content {
        None => return Answer::Duplicate,
        Some(_) if row.end == Stage::Erased => return Answer::Duplicate,
        Some(content) => content == new.content,
    };
    let dead_without_customer = row.end == Stage::Dead && row.customer_id.is_none();
    let can_start_again = dead_without_customer || matches!(row.end, Stage::Cancelled | Stage::Expired);
    if same_content && !can_start_again {
        Answer::Duplicate
    } else if email_is_elsewhere {
        Answer::ConflictingEmail
    } else if same_content || dead_without_customer && row.definite {
        Answer::Revived
    } else {
        Answer::ConflictingContent
    }
}

/// Cancelled, expired, or dead without a customer. One that met a foreign customer would meet it again.
fn can_start_again(record: &Record) -> bool {
    match record.stage {
        Stage::Cancelled | Stage::Expired => true,
        Stage::Dead => record.customer_id.is_none() && record.foreign_customer_id.is_none(),
        Stage::Accepted
        | Stage::Created
        | Stage::Linked
        | Stage::InReview
        | Stage::ActionRequired
        | Stage::Approved
        | Stage::Rejected
        | Stage::Erased => false,
    }
}

/// The record of an onboarding that is taken in.
pub fn new_record(new: &NewOnboarding, now: Timestamp) -> Record {
    let mut record = Record {
        id: new.id,
        reference: new.customer.reference.as_ref().map(Reference::as_str).map(str::to_owned),
        origin: new.row.map(|(import, row)| Origin { import, row, revived: false }),
        email_key: new.email_key,
        content: new.content,
        stage: Stage::Accepted,
        round: 1,
        generation: 0,
        key: new.key,
        earlier_keys: Vec::new(),
        key_refused: false,
        uncertain_since: None,
        customer_id: None,
        foreign_customer_id: None,
        kyb: None,
        status_since: now,
        rejected_before: None,
        hinted_at: None,
        link: None,
        links_wanted: 0,
        stale: false,
        cancel_requested: false,
        erase_requested: false,
        failure: None,
        polls: 0,
        sequence: 0,
        created_at: now,
        updated_at: now,
        timeline: Vec::new(),
    };
    record.note(now, Stage::Accepted.as_str());
    record
}

/// Makes the record of a ledger row anew, as it stood at its end; [`take_over`] goes on from there.
pub fn record_from_ledger(new: &NewOnboarding, row: &LedgerRow, now: Timestamp) -> Record {
    let mut record = new_record(new, now);
    record.stage = row.end;
    record.round = row.round;
    record.sequence = row.sequence;
    record.customer_id.clone_from(&row.customer_id);
    let same_email = row.email_key == Some(new.email_key);
    // The key of another e-mail has met no refusal yet: a generation must not be skipped, or another machine that knows
    // nothing of this one would not find the customer under the first.
    record.key_refused = row.definite && same_email;
    if let Some((generation, key)) = row.later_key {
        if same_email {
            record.generation = generation;
            record.retire_key(key);
        } else {
            // Another e-mail begins a chain of keys of its own; the old one is still looked up first.
            record.earlier_keys.push(key);
        }
    }
    record
}

/// Takes over what a revival hands in; [`crate::transition::reopen`] then begins the round.
pub fn take_over(record: &mut Record, new: &NewOnboarding) {
    record.origin = new.row.map(|(import, row)| Origin { import, row, revived: true });
    record.cancel_requested = false;
    if record.content != new.content {
        let same_email = record.email_key == new.email_key;
        record.content = new.content;
        record.email_key = new.email_key;
        if !same_email {
            record.retire_key(new.key);
            record.generation = 0;
            record.key_refused = record.earlier_keys.contains(&new.key);
        }
    }
}

#[cfg(test)]
mod tests;
