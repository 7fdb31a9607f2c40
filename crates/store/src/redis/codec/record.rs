//! The record: which optional parts are there, when it was taken in, then every part in the order of [`write()`].

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::{IdempotencyKey, ImportId, OnboardingId};
use gangway_jobs::identity::{ContentDigest, EmailKey};
use gangway_jobs::onboarding::{LinkState, Origin, Record};

use super::job::{read_failure, write_failure};
use super::names::{read_customer, read_uuid, write_customer, write_uuid};
use super::reader::Reader;
use super::writer::Writer;
use super::{Unreadable, kyb, timeline, union, words};

// What may be there, the most frequent in the first byte.
const REFERENCE: u64 = 1;
const ORIGIN: u64 = 1 << 1;
const CUSTOMER: u64 = 1 << 2;
const KYB: u64 = 1 << 3;
const LINK: u64 = 1 << 4;
const LINKS_WANTED: u64 = 1 << 5;
const FAILURE: u64 = 1 << 6;
const REVIVED: u64 = 1 << 7;
const GENERATION: u64 = 1 << 8;
const EARLIER_KEYS: u64 = 1 << 9;
const KEY_REFUSED: u64 = 1 << 10;
const UNCERTAIN: u64 = 1 << 11;
const FOREIGN_CUSTOMER: u64 = 1 << 12;
const REJECTED_BEFORE: u64 = 1 << 13;
const HINTED: u64 = 1 << 14;
const STALE: u64 = 1 << 15;
const CANCEL_REQUESTED: u64 = 1 << 16;
const ERASE_REQUESTED: u64 = 1 << 17;
const UNKNOWN: u64 = !0 << 18;

/// The bytes of a key.
const KEY_BYTES: usize = 16;

fn present(record: &Record, uncertain_since: Option<Timestamp>) -> u64 {
    union([
        (REFERENCE, record.reference.is_some()),
        (ORIGIN, record.origin.is_some()),
        (CUSTOMER, record.customer_id.is_some()),
        (KYB, record.kyb.is_some()),
        (LINK, record.link.is_some()),
        (LINKS_WANTED, record.links_wanted > 0),
        (FAILURE, record.failure.is_some()),
        (REVIVED, record.origin.is_some_and(|origin| origin.revived)),
        (GENERATION, record.generation > 0),
        (EARLIER_KEYS, !record.earlier_keys.is_empty()),
        (KEY_REFUSED, record.key_refused),
        (UNCERTAIN, uncertain_since.is_some()),
        (FOREIGN_CUSTOMER, record.foreign_customer_id.is_some()),
        (REJECTED_BEFORE, record.rejected_before.is_some()),
        (HINTED, record.hinted_at.is_some()),
        (STALE, record.stale),
        (CANCEL_REQUESTED, record.cancel_requested),
        (ERASE_REQUESTED, record.erase_requested),
    ])
}

/// `uncertain_since` is the record's without what a lease adds to it.
pub(super) fn write(record: &Record, uncertain_since: Option<Timestamp>, writer: &mut Writer<'_>) {
    writer.number(present(record, uncertain_since));
    writer.signed(record.created_at.as_millis());
    writer.time(record.updated_at);
    writer.byte(words::stage_code(record.stage));
    writer.number(u64::from(record.round));
    writer.time(record.status_since);
    writer.number(record.polls);
    writer.number(record.sequence);
    write_identity(record, writer);
    write_customers(record, writer);
    write_link(record, writer);
    for time in [uncertain_since, record.hinted_at].into_iter().flatten() {
        writer.time(time);
    }
    if let Some(failure) = &record.failure {
        write_failure(failure, writer);
    }
    timeline::write(&record.timeline, writer);
}

fn write_identity(record: &Record, writer: &mut Writer<'_>) {
    writer.raw(record.email_key.as_bytes());
    writer.raw(record.content.as_bytes());
    write_uuid(record.key.as_uuid(), writer);
    if let Some(reference) = &record.reference {
        writer.text(reference);
    }
    if let Some(origin) = &record.origin {
        write_uuid(origin.import.as_uuid(), writer);
        writer.number(origin.row);
    }
    if record.generation > 0 {
        writer.number(u64::from(record.generation));
    }
    if !record.earlier_keys.is_empty() {
        writer.length(record.earlier_keys.len());
    }
    for key in &record.earlier_keys {
        write_uuid(key.as_uuid(), writer);
    }
}

fn write_customers(record: &Record, writer: &mut Writer<'_>) {
    for customer in [&record.customer_id, &record.foreign_customer_id].into_iter().flatten() {
        write_customer(customer, writer);
    }
    for told in [&record.kyb, &record.rejected_before].into_iter().flatten() {
        kyb::write(told, writer);
    }
}

fn write_link(record: &Record, writer: &mut Writer<'_>) {
    if let Some(link) = &record.link {
        writer.number(u64::from(link.ordinal));
        writer.time(link.expires_at);
    }
    if record.links_wanted > 0 {
        writer.number(u64::from(record.links_wanted));
    }
}

/// The record of that id. Its fields are read in the order in which they stand here, which is that of [`write()`].
#[inline]
pub(super) fn read(reader: &mut Reader<'_>, id: OnboardingId) -> Result<Record, Unreadable> {
    let present = reader.number("the parts of a record")?;
    if present & UNKNOWN != 0 {
        return Err(reader.damaged("a record whose parts are known"));
    }
    let has = |part| present & part != 0;
    let created_at = Timestamp::from_millis(reader.signed("when it was taken in")?);
    reader.set_origin(created_at);
    Ok(Record {
        id,
        created_at,
        updated_at: reader.time("when it last changed")?,
        stage: {
            let code = reader.byte("a stage")?;
            words::stage(code).ok_or_else(|| reader.damaged("a stage"))?
        },
        round: reader.small("a round")?,
        status_since: reader.time("when the status changed")?,
        polls: reader.number("polls")?,
        sequence: reader.number("a sequence")?,
        email_key: EmailKey::from_bytes(reader.array("an e-mail key")?),
        content: ContentDigest::from_bytes(reader.array("a digest")?),
        key: read_key(reader)?,
        reference: reader.optional(has(REFERENCE), |reader| reader.text("a reference"))?.map(str::to_owned),
        origin: reader.optional(has(ORIGIN), |reader| read_origin(reader, has(REVIVED)))?,
        generation: reader
            .optional(has(GENERATION), |reader| reader.small("a generation"))?
            .unwrap_or_default(),
        earlier_keys: reader.optional(has(EARLIER_KEYS), read_earlier_keys)?.unwrap_or_default(),
        key_refused: has(KEY_REFUSED),
        customer_id: reader.optional(has(CUSTOMER), |reader| read_customer(reader, "a customer"))?,
        foreign_customer_id: reader
            .optional(has(FOREIGN_CUSTOMER), |reader| read_customer(reader, "a foreign customer"))?,
        kyb: reader.optional(has(KYB), kyb::read)?,
        rejected_before: reader.optional(has(REJECTED_BEFORE), kyb::read)?,
        link: reader.optional(has(LINK), read_link)?,
        links_wanted: reader
            .optional(has(LINKS_WANTED), |reader| reader.small("a link"))?
            .unwrap_or_default(),
        uncertain_since: reader.optional(has(UNCERTAIN), |reader| reader.time("an uncertain time"))?,
        hinted_at: reader.optional(has(HINTED), |reader| reader.time("the time of a hint"))?,
        stale: has(STALE),
        cancel_requested: has(CANCEL_REQUESTED),
        erase_requested: has(ERASE_REQUESTED),
        failure: reader.optional(has(FAILURE), read_failure)?,
        timeline: timeline::read(reader)?,
    })
}

fn read_key(reader: &mut Reader<'_>) -> Result<IdempotencyKey, Unreadable> {
    read_uuid(reader, "a key").map(IdempotencyKey::from_uuid)
}

fn read_origin(reader: &mut Reader<'_>, revived: bool) -> Result<Origin, Unreadable> {
    let import = ImportId::from_uuid(read_uuid(reader, "an import")?);
    Ok(Origin { import, row: reader.number("a row")?, revived })
}

fn read_earlier_keys(reader: &mut Reader<'_>) -> Result<Vec<IdempotencyKey>, Unreadable> {
    let count = reader.count(KEY_BYTES, "earlier keys")?;
    (0..count).map(|_| read_key(reader)).collect()
}

fn read_link(reader: &mut Reader<'_>) -> Result<LinkState, Unreadable> {
    Ok(LinkState {
        ordinal: reader.small("the number of a link")?,
        expires_at: reader.time("when a link dies")?,
    })
}
