//! Onboardings as rows: how records are found, read and written.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::{CustomerId, LeaseToken, OnboardingId};
use gangway_jobs::identity::EmailKey;
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::{Record, Stage};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::fault::Answer;
use crate::{Error, Target};

/// The last settled token of each job of an onboarding: what tells a repeated settle from a late one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fence([u8; 48]);

impl Default for Fence {
    fn default() -> Self {
        Self([0; 48])
    }
}

impl Fence {
    pub(super) fn read(bytes: Option<Vec<u8>>) -> Self {
        bytes.and_then(|bytes| bytes.try_into().ok()).map_or_else(Self::default, Self)
    }

    pub(super) fn bytes(&self) -> Option<&[u8]> {
        (*self != Self::default()).then_some(&self.0[..])
    }

    pub(super) fn is(&self, kind: Kind, token: LeaseToken) -> bool {
        let at = kind.index() * 16;
        self.0[at..at + 16] == *token.as_uuid().as_bytes()
    }

    pub(super) fn set(&mut self, kind: Kind, token: LeaseToken) {
        let at = kind.index() * 16;
        self.0[at..at + 16].copy_from_slice(token.as_uuid().as_bytes());
    }
}

/// The columns of an onboarding that have an index; written only when they change.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Indexed {
    pub(super) email_key: EmailKey,
    pub(super) customer_id: Option<CustomerId>,
    pub(super) reference: Option<String>,
    pub(super) prune_from: Option<Timestamp>,
}

impl Indexed {
    pub(super) fn of(record: &Record, prune_from: Option<Timestamp>) -> Self {
        Self {
            email_key: record.email_key,
            customer_id: record.customer_id.clone(),
            reference: record.reference.clone(),
            prune_from,
        }
    }
}

/// An onboarding as a transaction holds it.
#[derive(Debug)]
pub(super) struct Onboarding {
    pub(super) seq: i64,
    pub(super) record: Record,
    pub(super) fence: Fence,
    pub(super) stored: Indexed,
    /// The stage that the counters know it in.
    pub(super) counted: Stage,
}

/// The row of an onboarding, unread: a damaged record must not hide whose it is.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) seq: i64,
    pub(super) id: OnboardingId,
    pub(super) fence: Fence,
    prune_from: Option<Timestamp>,
    record: String,
}

impl Stored {
    pub(super) fn parse(self) -> Answer<Onboarding> {
        let record = parse_record(&self.record, self.id)?;
        Ok(Onboarding {
            seq: self.seq,
            stored: Indexed::of(&record, self.prune_from),
            counted: record.stage,
            fence: self.fence,
            record,
        })
    }
}

/// Reads the JSON of a record.
pub(super) fn parse_record(text: &str, id: OnboardingId) -> Result<Record, Error> {
    serde_json::from_str(text).map_err(|source| Error::Damaged {
        what: "record",
        id: id.to_string(),
        source: source.into(),
    })
}

macro_rules! onboarding_where {
    ($condition:literal) => {
        concat!("SELECT seq, id, fence, prune_from, record FROM onboarding WHERE ", $condition)
    };
}

pub(super) fn by_id(conn: &Connection, id: OnboardingId) -> rusqlite::Result<Option<Stored>> {
    one(conn, onboarding_where!("id = ?1"), params![blob(id.as_uuid())])
}

pub(super) fn by_seq(conn: &Connection, seq: i64) -> rusqlite::Result<Option<Stored>> {
    one(conn, onboarding_where!("seq = ?1"), params![seq])
}

/// The onboarding that is meant; of several with one customer id, the one that was taken in last.
pub(super) fn by_target(conn: &Connection, target: &Target) -> rusqlite::Result<Option<Stored>> {
    match target {
        Target::Id(id) => by_id(conn, *id),
        Target::Reference(reference) => {
            one(conn, onboarding_where!("reference = ?1 ORDER BY seq DESC LIMIT 1"), params![reference])
        }
        Target::Customer(customer) => {
            let sql = onboarding_where!("customer_id = ?1 ORDER BY seq DESC LIMIT 1");
            one(conn, sql, params![customer.as_str()])
        }
    }
}

fn one(conn: &Connection, sql: &str, params: &[&dyn rusqlite::ToSql]) -> rusqlite::Result<Option<Stored>> {
    conn.prepare_cached(sql)?.query_row(params, read_stored).optional()
}

fn read_stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        seq: row.get(0)?,
        id: OnboardingId::from_uuid(uuid(row, 1)?),
        fence: Fence::read(row.get(2)?),
        prune_from: maybe_time(row, 3)?,
        record: row.get(4)?,
    })
}

/// The 16 bytes of an id, as a parameter.
pub(super) const fn blob(uuid: &Uuid) -> &[u8] {
    uuid.as_bytes()
}

pub(super) fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    row.get::<_, [u8; 16]>(column).map(Uuid::from_bytes)
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_millis)
}

pub(super) fn maybe_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
}

/// A length in milliseconds, as a parameter.
pub(super) fn millis(length: std::time::Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}
