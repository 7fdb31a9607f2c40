//! The outbox: events in order, and how far each group has come.
//!
//! A group has a *floor*, up to which all is acknowledged, and acknowledgements above it. Positions have no gaps: events
//! are only ever trimmed from the beginning, so lengths and lags are differences and not counts.

use std::collections::{BTreeMap, HashSet};

use gangway_jobs::clock::Timestamp;
use gangway_jobs::event::{Epoch, Event, EventType};
use gangway_jobs::id::{EventId, OnboardingId};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

use super::fault::Answer;
use super::rows::{time, uuid};
use super::tx::Tx;
use crate::{Error, GroupStart, MAX_BATCH, Position, ReadRequest};

fn stored(position: Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}

const fn position(stored: i64) -> Position {
    Position(stored.unsigned_abs())
}

/// The position before the first event that is kept, and that of the last event ever written.
fn bounds(conn: &Connection) -> rusqlite::Result<(i64, i64)> {
    let last: Option<i64> = conn
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'event'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let last = last.unwrap_or(0);
    let first: Option<i64> =
        conn.prepare_cached("SELECT MIN(position) FROM event")?.query_row([], |row| row.get(0))?;
    Ok((first.map_or(last, |first| first - 1), last))
}

pub(super) fn length(conn: &Connection) -> Answer<u64> {
    let (before, last) = bounds(conn)?;
    Ok((last - before).unsigned_abs())
}

/// Unacknowledged events by group.
pub(super) fn lags(conn: &Connection) -> Answer<BTreeMap<String, u64>> {
    let (before, last) = bounds(conn)?;
    let mut statement = conn.prepare_cached(
        "SELECT name, floor, (SELECT COUNT(*) FROM outbox_ack a WHERE a.name = g.name) FROM outbox_group g",
    )?;
    let lags = statement.query_map([], |row| {
        let (name, floor, above): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((name, (last - floor.max(before) - above).max(0).unsigned_abs()))
    })?;
    Ok(lags.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn group_add(tx: &Tx<'_>, group: &str, from: GroupStart) -> Answer<bool> {
    let (before, last) = bounds(tx.conn)?;
    let floor = match from {
        GroupStart::Beginning => before,
        GroupStart::Now => last,
    };
    let added = tx
        .conn
        .prepare_cached("INSERT OR IGNORE INTO outbox_group (name, floor) VALUES (?1, ?2)")?
        .execute(params![group, floor])?;
    Ok(added == 1)
}

pub(super) fn group_remove(tx: &Tx<'_>, group: &str) -> Answer<bool> {
    tx.conn.prepare_cached("DELETE FROM outbox_ack WHERE name = ?1")?.execute(params![group])?;
    tx.conn.prepare_cached("DELETE FROM outbox_claim WHERE name = ?1")?.execute(params![group])?;
    let removed =
        tx.conn.prepare_cached("DELETE FROM outbox_group WHERE name = ?1")?.execute(params![group])?;
    Ok(removed == 1)
}

fn floor(conn: &Connection, group: &str) -> Answer<i64> {
    conn.prepare_cached("SELECT floor FROM outbox_group WHERE name = ?1")?
        .query_row(params![group], |row| row.get(0))
        .optional()?
        .ok_or_else(|| Error::UnknownGroup { group: group.to_owned() }.into())
}

pub(super) fn read(tx: &Tx<'_>, ask: &ReadRequest) -> Answer<Vec<(Position, Event)>> {
    let floor = floor(tx.conn, &ask.group)?;
    let count = ask.count.min(MAX_BATCH);
    let free = free(tx, ask, floor, count)?;
    let until = tx.now.after(ask.claim).as_millis();
    let mut claim = tx.conn.prepare_cached(
        "INSERT OR REPLACE INTO outbox_claim (name, position, consumer, until) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (at, _) in &free {
        claim.execute(params![ask.group, stored(*at), ask.consumer, until])?;
    }
    Ok(free)
}

/// The oldest events above the floor that nobody else holds. Looks ahead a bounded way past those that are held.
fn free(tx: &Tx<'_>, ask: &ReadRequest, floor: i64, count: usize) -> Answer<Vec<(Position, Event)>> {
    let mut statement = tx.conn.prepare_cached(
        "SELECT e.position, e.onboarding, e.id, e.kind, e.epoch, e.sequence, e.at, e.data,
                c.position IS NOT NULL AND c.consumer <> ?2 AND c.until > ?3
         FROM event e
         LEFT JOIN outbox_ack a ON a.name = ?1 AND a.position = e.position
         LEFT JOIN outbox_claim c ON c.name = ?1 AND c.position = e.position
         WHERE e.position > ?4 AND a.position IS NULL
         ORDER BY e.position LIMIT ?5",
    )?;
    let ahead = i64::try_from(count * 4 + 1_000).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![ask.group, ask.consumer, tx.now.as_millis(), floor, ahead])?;
    let mut held = HashSet::new();
    let mut free = Vec::new();
    while free.len() < count
        && let Some(row) = rows.next()?
    {
        let onboarding = uuid(row, 1)?;
        if row.get(8)? {
            held.insert(onboarding);
        } else if !held.contains(&onboarding) {
            free.extend(event(row)?);
        }
    }
    Ok(free)
}

pub(super) fn ack(tx: &Tx<'_>, group: &str, positions: &[Position]) -> Answer<usize> {
    let floor = floor(tx.conn, group)?;
    let mut acknowledged = 0;
    for at in positions.iter().copied().map(stored).filter(|at| *at > floor) {
        // Only what has been written: an acknowledgement ahead of its event would lose it.
        acknowledged += tx
            .conn
            .prepare_cached(
                "INSERT OR IGNORE INTO outbox_ack (name, position) SELECT ?1, position FROM event WHERE position = ?2",
            )?
            .execute(params![group, at])?;
        tx.conn
            .prepare_cached("DELETE FROM outbox_claim WHERE name = ?1 AND position = ?2")?
            .execute(params![group, at])?;
    }
    raise_floor(tx, group, floor)?;
    Ok(acknowledged)
}

/// Moves the floor up to the last event before the first one that is not acknowledged.
fn raise_floor(tx: &Tx<'_>, group: &str, floor: i64) -> Answer<()> {
    let open: Option<i64> = tx
        .conn
        .prepare_cached(
            "SELECT e.position FROM event e
             WHERE e.position > ?2
               AND NOT EXISTS (SELECT 1 FROM outbox_ack a WHERE a.name = ?1 AND a.position = e.position)
             ORDER BY e.position LIMIT 1",
        )?
        .query_row(params![group, floor], |row| row.get(0))
        .optional()?;
    let raised = match open {
        Some(open) => open - 1,
        None => bounds(tx.conn)?.1,
    };
    if raised > floor {
        tx.conn
            .prepare_cached("UPDATE outbox_group SET floor = ?2 WHERE name = ?1")?
            .execute(params![group, raised])?;
        tx.conn
            .prepare_cached("DELETE FROM outbox_ack WHERE name = ?1 AND position <= ?2")?
            .execute(params![group, raised])?;
    }
    Ok(())
}

/// Events in order, without any group.
pub(super) fn events(conn: &Connection, after: Position, limit: usize) -> Answer<Vec<(Position, Event)>> {
    let mut statement = conn.prepare_cached(
        "SELECT position, onboarding, id, kind, epoch, sequence, at, data FROM event
         WHERE position > ?1 ORDER BY position LIMIT ?2",
    )?;
    let mut rows = statement.query(params![stored(after), i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.extend(event(row)?);
    }
    Ok(events)
}

/// Deletes events from the beginning, as long as they are old and every group has acknowledged them.
pub(super) fn trim(tx: &Tx<'_>, older_than: Timestamp, limit: usize) -> Answer<usize> {
    let acknowledged: Option<i64> =
        tx.conn.prepare_cached("SELECT MIN(floor) FROM outbox_group")?.query_row([], |row| row.get(0))?;
    let mut statement = tx
        .conn
        .prepare_cached("SELECT position, at FROM event WHERE position <= ?1 ORDER BY position LIMIT ?2")?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![acknowledged.unwrap_or(i64::MAX), limit])?;
    let mut last = None;
    while let Some(row) = rows.next()?
        && time(row, 1)? < older_than
    {
        last = Some(row.get::<_, i64>(0)?);
    }
    let Some(last) = last else { return Ok(0) };
    Ok(tx.conn.prepare_cached("DELETE FROM event WHERE position <= ?1")?.execute(params![last])?)
}

/// Reads an event. What cannot be read is left empty: a damaged event must not stand in the way of the next.
fn event(row: &Row<'_>) -> rusqlite::Result<Option<(Position, Event)>> {
    let at = position(row.get(0)?);
    let (kind, data): (String, String) = (row.get(3)?, row.get(7)?);
    let Some(kind) = EventType::parse(&kind) else {
        tracing::error!(position = at.0, "an event has a type that this release does not know; left out");
        return Ok(None);
    };
    let event = Event {
        id: EventId::from_uuid(uuid(row, 2)?),
        kind,
        onboarding: OnboardingId::from_uuid(uuid(row, 1)?),
        epoch: Epoch(row.get(4)?),
        sequence: row.get::<_, i64>(5)?.unsigned_abs(),
        time: time(row, 6)?,
        data: serde_json::from_str(&data).unwrap_or(Value::Null),
    };
    Ok(Some((at, event)))
}
