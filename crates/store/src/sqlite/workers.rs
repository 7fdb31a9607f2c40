//! Registered workers and their heartbeats.

use std::sync::LazyLock;
use std::time::Duration;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::WorkerId;
use gangway_jobs::transition::Loss;
use rusqlite::{Connection, OptionalExtension, params};

use super::fault::Answer;
use super::rows::{blob, maybe_time, millis, time};
use super::tx::Tx;
use crate::{WorkerInfo, WorkerState};

/// A worker that was silent for that long is forgotten.
const FORGET_AFTER: Duration = Duration::from_hours(24);

/// Which start of the machine this is; `None` where that cannot be told.
fn boot() -> Option<&'static str> {
    static BOOT: LazyLock<Option<String>> =
        LazyLock::new(|| std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok());
    BOOT.as_deref().map(str::trim)
}

pub(super) fn register(tx: &Tx<'_>, worker: &WorkerInfo) -> Answer<()> {
    tx.conn
        .prepare_cached("DELETE FROM worker WHERE beat_at < ?1")?
        .execute(params![tx.now.before(FORGET_AFTER).as_millis()])?;
    tx.conn
        .prepare_cached(
            "INSERT INTO worker (id, info, patience, started_at, beat_at, boot) VALUES (?1, ?2, ?3, ?4, ?4, ?5)
             ON CONFLICT (id) DO UPDATE SET info = ?2, patience = ?3, beat_at = ?4, boot = ?5",
        )?
        .execute(params![
            blob(worker.id.as_uuid()),
            serde_json::to_string(worker).unwrap_or_default(),
            millis(worker.patience),
            tx.now.as_millis(),
            boot(),
        ])?;
    Ok(())
}

pub(super) fn beat(tx: &Tx<'_>, worker: WorkerId, slots_busy: u32) -> Answer<bool> {
    let changed = tx
        .conn
        .prepare_cached("UPDATE worker SET beat_at = ?2, slots_busy = ?3 WHERE id = ?1")?
        .execute(params![blob(worker.as_uuid()), tx.now.as_millis(), slots_busy])?;
    Ok(changed == 1)
}

pub(super) fn deregister(tx: &Tx<'_>, worker: WorkerId) -> Answer<()> {
    tx.conn.prepare_cached("DELETE FROM worker WHERE id = ?1")?.execute(params![blob(worker.as_uuid())])?;
    Ok(())
}

/// How many workers have a fresh heartbeat.
pub(super) fn alive(conn: &Connection, now: Timestamp) -> Answer<usize> {
    Ok(conn
        .prepare_cached("SELECT COUNT(*) FROM worker WHERE ?1 - beat_at <= patience")?
        .query_row(params![now.as_millis()], |row| row.get::<_, i64>(0))
        .map(|alive| usize::try_from(alive).unwrap_or(0))?)
}

/// What a lease of that worker that has run out says of its job.
pub(super) fn loss(conn: &Connection, worker: WorkerId, now: Timestamp) -> Answer<Loss> {
    let found: Option<(bool, Option<String>)> = conn
        .prepare_cached("SELECT ?2 - beat_at <= patience, boot FROM worker WHERE id = ?1")?
        .query_row(params![blob(worker.as_uuid()), now.as_millis()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(match found {
        // It lives and only the lease went, or it ended together with the whole machine.
        Some((true, _)) => Loss::Excused,
        Some((false, Some(then))) if boot().is_some_and(|now| now != then) => Loss::Excused,
        Some((false, _)) | None => Loss::Worker,
    })
}

/// The registered workers.
pub(super) fn all(conn: &Connection, now: Timestamp) -> Answer<Vec<WorkerState>> {
    let mut statement = conn.prepare_cached(
        "SELECT w.info, w.started_at, w.beat_at, COUNT(j.id), MIN(j.since)
         FROM worker w LEFT JOIN job j INDEXED BY job_until ON j.worker = w.id AND j.hold = 1
         GROUP BY w.id ORDER BY w.id",
    )?;
    let mut rows = statement.query([])?;
    let mut workers = Vec::new();
    while let Some(row) = rows.next()? {
        let text: String = row.get(0)?;
        let Ok(info) = serde_json::from_str::<WorkerInfo>(&text) else { continue };
        let beat_at = time(row, 2)?;
        workers.push(WorkerState {
            alive: now.since(beat_at) <= info.patience,
            info,
            started_at: time(row, 1)?,
            beat_at,
            leases: row.get::<_, i64>(3)?.unsigned_abs(),
            oldest_lease: maybe_time(row, 4)?,
        });
    }
    Ok(workers)
}
