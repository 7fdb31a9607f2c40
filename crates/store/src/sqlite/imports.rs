//! Imports: one owner at a time, and how far it has come.

use std::time::Duration;

use gangway_jobs::id::ImportId;
use rusqlite::{OptionalExtension, Row, params};
use uuid::Uuid;

use super::fault::Answer;
use super::rows::{blob, millis, time, uuid};
use super::tx::Tx;
use crate::{Checkpoint, ImportBegun, ImportStart};

pub(super) fn begin(tx: &Tx<'_>, start: &ImportStart) -> Answer<ImportBegun> {
    let Some(run) = unfinished(tx, &start.digest)? else { return begin_anew(tx, start) };
    let silent = tx.now.since(run.beat_at);
    if run.owner != start.owner && silent <= run.patience {
        return Ok(ImportBegun::Busy(run.patience.saturating_sub(silent)));
    }
    tx.conn
        .prepare_cached("UPDATE import SET owner = ?2, patience = ?3, beat_at = ?4 WHERE id = ?1")?
        .execute(params![
            blob(run.id.as_uuid()),
            blob(&start.owner),
            millis(start.patience),
            tx.now.as_millis()
        ])?;
    // The same owner asks again at the very beginning: its first reply was lost.
    let repeated = run.owner == start.owner && run.checkpoint == Checkpoint::default();
    Ok(if repeated { ImportBegun::New(run.id) } else { ImportBegun::Resumed(run.id, run.checkpoint) })
}

fn begin_anew(tx: &Tx<'_>, start: &ImportStart) -> Answer<ImportBegun> {
    let id = ImportId::from_uuid(Uuid::new_v4());
    tx.conn
        .prepare_cached(
            "INSERT INTO import (id, digest, name, owner, patience, started_at, beat_at, checkpoint)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)",
        )?
        .execute(params![
            blob(id.as_uuid()),
            start.digest,
            start.name,
            blob(&start.owner),
            millis(start.patience),
            tx.now.as_millis(),
            json(&Checkpoint::default()),
        ])?;
    Ok(ImportBegun::New(id))
}

/// Notes how far the import has come. `false`: it has another owner, or has ended.
pub(super) fn progress(tx: &Tx<'_>, import: ImportId, owner: Uuid, checkpoint: Checkpoint) -> Answer<bool> {
    let changed = tx
        .conn
        .prepare_cached(
            "UPDATE import SET beat_at = ?3, checkpoint = ?4 WHERE id = ?1 AND owner = ?2 AND ended_at IS NULL",
        )?
        .execute(params![blob(import.as_uuid()), blob(&owner), tx.now.as_millis(), json(&checkpoint)])?;
    Ok(changed == 1)
}

pub(super) fn end(tx: &Tx<'_>, import: ImportId, owner: Uuid, checkpoint: Checkpoint) -> Answer<bool> {
    tx.conn
        .prepare_cached(
            "UPDATE import SET beat_at = ?3, ended_at = ?3, checkpoint = ?4
             WHERE id = ?1 AND owner = ?2 AND ended_at IS NULL",
        )?
        .execute(params![blob(import.as_uuid()), blob(&owner), tx.now.as_millis(), json(&checkpoint)])?;
    let ended_by_owner = "SELECT EXISTS (SELECT 1 FROM import WHERE id = ?1 AND owner = ?2)";
    Ok(tx
        .conn
        .prepare_cached(ended_by_owner)?
        .query_row(params![blob(import.as_uuid()), blob(&owner)], |row| row.get(0))?)
}

struct Run {
    id: ImportId,
    owner: Uuid,
    patience: Duration,
    beat_at: gangway_jobs::clock::Timestamp,
    checkpoint: Checkpoint,
}

fn unfinished(tx: &Tx<'_>, digest: &str) -> Answer<Option<Run>> {
    Ok(tx
        .conn
        .prepare_cached(
            "SELECT id, owner, patience, beat_at, checkpoint FROM import WHERE digest = ?1 AND ended_at IS NULL",
        )?
        .query_row(params![digest], read)
        .optional()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Run> {
    let checkpoint: String = row.get(4)?;
    Ok(Run {
        id: ImportId::from_uuid(uuid(row, 0)?),
        owner: uuid(row, 1)?,
        patience: Duration::from_millis(row.get::<_, i64>(2)?.unsigned_abs()),
        beat_at: time(row, 3)?,
        // From the beginning, then: every row is answered as the first time.
        checkpoint: serde_json::from_str(&checkpoint).unwrap_or_default(),
    })
}

fn json(checkpoint: &Checkpoint) -> String {
    serde_json::to_string(checkpoint).unwrap_or_default()
}
