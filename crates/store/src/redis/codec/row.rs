//! A ledger row: what stays for ever, so every byte counts.
//!
//! Version, one byte of what is there, stage, epoch number, round, sequence; then what is there: e-mail key, digest,
//! customer, generation and key, fences. Fences are kept of an erased one alone: its record may go in the very step that
//! settles its last job, and a repeat of that settle must still be known again; any other goes long after.

use gangway_jobs::id::{IdempotencyKey, OnboardingId};
use gangway_jobs::identity::{ContentDigest, EmailKey};
use gangway_jobs::onboarding::{LedgerRow, Stage};

use super::names::{read_customer, read_uuid, write_customer, write_uuid};
use super::reader::Reader;
use super::writer::Writer;
use super::{Unreadable, VERSION, bits, fences as read_fences, union, version, words};
use crate::redis::onboarding::Fence;

const EMAIL: u8 = 1;
const CONTENT: u8 = 1 << 1;
const CUSTOMER: u8 = 1 << 2;
const DEFINITE: u8 = 1 << 3;
const LATER_KEY: u8 = 1 << 4;
const FENCES: u32 = 5;

/// Most rows fit in.
const USUAL_BYTES: usize = 64;

/// The stored form of a ledger row.
pub(in crate::redis) fn encode(row: &LedgerRow, epoch_number: u64, fences: &[Option<Fence>; 3]) -> Vec<u8> {
    let fences = if row.end == Stage::Erased { *fences } else { [None; 3] };
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    // No part of it is a time.
    let mut writer = Writer::new(&mut bytes, gangway_jobs::clock::Timestamp::default());
    writer.byte(VERSION);
    writer.byte(present(row) | bits(fences.map(|fence| fence.is_some())) << FENCES);
    writer.byte(words::stage_code(row.end));
    writer.number(epoch_number);
    writer.number(u64::from(row.round));
    writer.number(row.sequence);
    write_parts(row, &mut writer);
    for fence in fences.iter().flatten() {
        writer.raw(&fence.0);
    }
    bytes
}

fn present(row: &LedgerRow) -> u8 {
    union([
        (EMAIL, row.email_key.is_some()),
        (CONTENT, row.content.is_some()),
        (CUSTOMER, row.customer_id.is_some()),
        (DEFINITE, row.definite),
        (LATER_KEY, row.later_key.is_some()),
    ])
}

fn write_parts(row: &LedgerRow, writer: &mut Writer<'_>) {
    if let Some(email_key) = &row.email_key {
        writer.raw(email_key.as_bytes());
    }
    if let Some(content) = &row.content {
        writer.raw(content.as_bytes());
    }
    if let Some(customer) = &row.customer_id {
        write_customer(customer, writer);
    }
    if let Some((generation, key)) = &row.later_key {
        writer.number(u64::from(*generation));
        write_uuid(key.as_uuid(), writer);
    }
}

/// Reads the stored form of the ledger row of that id: the row, its epoch number, its fences.
///
/// # Errors
/// It is damaged, or of a newer version.
pub(in crate::redis) fn decode(
    bytes: &[u8],
    id: OnboardingId,
) -> Result<(LedgerRow, u64, [Option<Fence>; 3]), Unreadable> {
    let mut reader = Reader::new(bytes);
    version(&mut reader)?;
    let present = reader.byte("the parts of a row")?;
    let code = reader.byte("a stage")?;
    let end = words::stage(code).ok_or_else(|| reader.damaged("a stage"))?;
    let epoch_number = reader.number("an epoch number")?;
    let row = read_row(&mut reader, id, end, present)?;
    let fences = read_fences(&mut reader, present >> FENCES)?;
    reader.end()?;
    Ok((row, epoch_number, fences))
}

fn read_row(
    reader: &mut Reader<'_>,
    id: OnboardingId,
    end: Stage,
    present: u8,
) -> Result<LedgerRow, Unreadable> {
    let has = |part| present & part != 0;
    Ok(LedgerRow {
        id,
        end,
        round: reader.small("a round")?,
        sequence: reader.number("a sequence")?,
        email_key: reader
            .optional(has(EMAIL), |reader| reader.array("an e-mail key"))?
            .map(EmailKey::from_bytes),
        content: reader
            .optional(has(CONTENT), |reader| reader.array("a digest"))?
            .map(ContentDigest::from_bytes),
        customer_id: reader.optional(has(CUSTOMER), |reader| read_customer(reader, "a customer"))?,
        definite: has(DEFINITE),
        later_key: reader.optional(has(LATER_KEY), read_later_key)?,
    })
}

fn read_later_key(reader: &mut Reader<'_>) -> Result<(u32, IdempotencyKey), Unreadable> {
    let generation = reader.small("a generation")?;
    Ok((generation, IdempotencyKey::from_uuid(read_uuid(reader, "a key")?)))
}
