//! The ledger: what stays of pruned and erased onboardings.

use gangway_jobs::id::{CustomerId, IdempotencyKey, OnboardingId};
use gangway_jobs::identity::{ContentDigest, EmailKey};
use gangway_jobs::onboarding::{LedgerRow, Stage};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

use super::rows::{Fence, blob, uuid};

pub(super) fn find(conn: &Connection, id: OnboardingId) -> rusqlite::Result<Option<LedgerRow>> {
    conn.prepare_cached(
        "SELECT id, email_key, content, customer_id, ended, round, definite, later_generation, later_key, sequence
         FROM ledger WHERE id = ?1",
    )?
    .query_row(params![blob(id.as_uuid())], read)
    .optional()
}

fn read(row: &Row<'_>) -> rusqlite::Result<LedgerRow> {
    let customer_id: Option<String> = row.get(3)?;
    let ended: String = row.get(4)?;
    let generation: Option<u32> = row.get(7)?;
    let later_key = match generation {
        Some(generation) => Some((generation, IdempotencyKey::from_uuid(uuid(row, 8)?))),
        None => None,
    };
    Ok(LedgerRow {
        id: OnboardingId::from_uuid(uuid(row, 0)?),
        email_key: row.get::<_, Option<[u8; 16]>>(1)?.map(EmailKey::from_bytes),
        content: row.get::<_, Option<[u8; 16]>>(2)?.map(ContentDigest::from_bytes),
        customer_id: customer_id.as_deref().and_then(CustomerId::parse),
        // A word that nobody knows counts as the end from which nothing starts again.
        end: Stage::parse(&ended).unwrap_or(Stage::Erased),
        round: row.get(5)?,
        definite: row.get(6)?,
        later_key,
        sequence: row.get::<_, i64>(9)?.unsigned_abs(),
    })
}

pub(super) fn insert(conn: &Connection, row: &LedgerRow, fence: Option<Fence>) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO ledger
            (id, email_key, content, customer_id, ended, round, definite, later_generation, later_key, sequence, fence)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        blob(row.id.as_uuid()),
        row.email_key.as_ref().map(|key| &key.as_bytes()[..]),
        row.content.as_ref().map(|digest| &digest.as_bytes()[..]),
        row.customer_id.as_ref().map(CustomerId::as_str),
        row.end.as_str(),
        row.round,
        row.definite,
        row.later_key.map(|(generation, _)| generation),
        row.later_key.as_ref().map(|(_, key)| blob(key.as_uuid())),
        i64::try_from(row.sequence).unwrap_or(i64::MAX),
        fence.as_ref().and_then(Fence::bytes),
    ])?;
    Ok(())
}

pub(super) fn delete(conn: &Connection, id: OnboardingId) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM ledger WHERE id = ?1")?.execute(params![blob(id.as_uuid())])?;
    Ok(())
}

/// The last settled tokens of an erased onboarding.
pub(super) fn fence(conn: &Connection, id: OnboardingId) -> rusqlite::Result<Fence> {
    let bytes = conn
        .prepare_cached("SELECT fence FROM ledger WHERE id = ?1")?
        .query_row(params![blob(id.as_uuid())], |row| row.get(0))
        .optional()?;
    Ok(Fence::read(bytes.flatten()))
}

/// The onboarding that an e-mail belongs to, ended ones included.
pub(super) fn email_owner(conn: &Connection, key: EmailKey) -> rusqlite::Result<Option<OnboardingId>> {
    conn.prepare_cached(
        "SELECT id FROM onboarding WHERE email_key = ?1 UNION ALL SELECT id FROM ledger WHERE email_key = ?1 LIMIT 1",
    )?
    .query_row(params![&key.as_bytes()[..]], |row| uuid(row, 0))
    .optional()
    .map(|found| found.map(OnboardingId::from_uuid))
}

/// Takes what is personal out of the events of an onboarding: its reference and its links.
pub(super) fn scrub_events(conn: &Connection, id: OnboardingId) -> rusqlite::Result<()> {
    let events: Vec<(i64, String)> = conn
        .prepare_cached("SELECT position, data FROM event WHERE onboarding = ?1")?
        .query_map(params![blob(id.as_uuid())], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (position, data) in events {
        conn.prepare_cached("UPDATE event SET data = ?2 WHERE position = ?1")?
            .execute(params![position, scrubbed(&data)])?;
    }
    Ok(())
}

fn scrubbed(data: &str) -> String {
    match serde_json::from_str::<Value>(data) {
        Ok(Value::Object(mut fields)) => {
            fields.remove("url");
            if let Some(reference) = fields.get_mut("reference") {
                *reference = Value::Null;
            }
            Value::Object(fields).to_string()
        }
        // Nothing that this release writes; what cannot be read cannot be kept either.
        Ok(_) | Err(_) => "{}".to_owned(),
    }
}
