//! Jobs as rows.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::failure::{Code, Failure};
use gangway_jobs::id::{JobId, LeaseToken, OnboardingId, WorkerId};
use gangway_jobs::job::{Hold, Job, Lease};
use gangway_jobs::kind::Kind;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::{blob, maybe_time, time, uuid};

/// The values of `job.hold`.
const WAITING: i64 = 0;
const LEASED: i64 = 1;
const DEAD: i64 = 2;

macro_rules! job_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, onboarding, payload, due, attempt, losses, parked, failure, hold, token, worker, since, \
             until, uncertain_before, hastened, dead_since FROM job WHERE ",
            $condition
        )
    };
}

/// The row of a job.
pub(super) fn row_of(seq: i64, kind: Kind) -> i64 {
    seq * 4 + place(kind)
}

pub(super) const fn seq_of(row: i64) -> i64 {
    row >> 2
}

/// The place of a kind, as it is stored.
pub(super) const fn place(kind: Kind) -> i64 {
    match kind {
        Kind::CreateCustomer => 0,
        Kind::CreateLink => 1,
        Kind::PollStatus => 2,
    }
}

/// The kind of a stored place.
pub(super) fn kind_at(column: usize, place: i64) -> rusqlite::Result<Kind> {
    usize::try_from(place)
        .ok()
        .and_then(|place| Kind::ALL.get(place).copied())
        .ok_or(rusqlite::Error::IntegralValueOutOfRange(column, place))
}

pub(super) fn load(conn: &Connection, row: i64) -> rusqlite::Result<Option<Job>> {
    conn.prepare_cached(job_where!("id = ?1"))?.query_row(params![row], read).optional()
}

/// The jobs of an onboarding, in the order of their kinds.
pub(super) fn of_onboarding(conn: &Connection, seq: i64) -> rusqlite::Result<Vec<Job>> {
    let mut statement = conn.prepare_cached(job_where!("id BETWEEN ?1 AND ?1 + 3 ORDER BY id"))?;
    statement.query_map(params![seq * 4], read)?.collect()
}

/// The rows that one lease call holds.
pub(super) fn held_under(conn: &Connection, token: LeaseToken, kind: Kind) -> rusqlite::Result<Vec<i64>> {
    let mut statement =
        conn.prepare_cached("SELECT id FROM job WHERE hold = 1 AND token = ?1 AND kind = ?2 ORDER BY id")?;
    statement.query_map(params![blob(token.as_uuid()), place(kind)], |row| row.get(0))?.collect()
}

/// The tokens under which a worker runs jobs.
pub(super) fn tokens_of(conn: &Connection, worker: WorkerId) -> rusqlite::Result<Vec<LeaseToken>> {
    let mut statement = conn.prepare_cached(
        "SELECT DISTINCT token FROM job INDEXED BY job_until WHERE hold = 1 AND worker = ?1",
    )?;
    let tokens = statement.query_map(params![blob(worker.as_uuid())], |row| uuid(row, 0))?;
    tokens.map(|token| token.map(LeaseToken::from_uuid)).collect()
}

/// Whether a worker runs any job of an onboarding.
pub(super) fn any_leased(conn: &Connection, seq: i64) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM job WHERE id BETWEEN ?1 AND ?1 + 3 AND hold = 1)")?
        .query_row(params![seq * 4], |row| row.get(0))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Job> {
    let id = JobId {
        onboarding: OnboardingId::from_uuid(uuid(row, 1)?),
        kind: kind_at(0, row.get::<_, i64>(0)? & 3)?,
    };
    let failure: Option<String> = row.get(7)?;
    Ok(Job {
        id,
        payload: row.get(2)?,
        due: time(row, 3)?,
        attempt: row.get(4)?,
        losses: row.get(5)?,
        parked: row.get(6)?,
        // A reason that cannot be read must not cost the job itself.
        failure: failure.and_then(|text| serde_json::from_str(&text).ok()),
        hold: read_hold(row)?,
    })
}

fn read_hold(row: &Row<'_>) -> rusqlite::Result<Hold> {
    Ok(match row.get(8)? {
        WAITING => Hold::Waiting,
        LEASED => Hold::Leased(Lease {
            token: LeaseToken::from_uuid(uuid(row, 9)?),
            worker: WorkerId::from_uuid(uuid(row, 10)?),
            since: time(row, 11)?,
            until: time(row, 12)?,
            uncertain_before: maybe_time(row, 13)?,
            hastened: row.get(14)?,
        }),
        DEAD => Hold::Dead(time(row, 15)?),
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(8, other)),
    })
}

/// Writes a job that does not begin a lease.
pub(super) fn save(conn: &Connection, seq: i64, job: &Job) -> rusqlite::Result<()> {
    let row = row_of(seq, job.id.kind);
    let dead_since = match &job.hold {
        // Only haste can have been asked of a lease that goes on; all else of it stays as it is.
        Hold::Leased(lease) => {
            conn.prepare_cached("UPDATE job SET hastened = ?2 WHERE id = ?1")?
                .execute(params![row, lease.hastened])?;
            return Ok(());
        }
        Hold::Waiting => None,
        Hold::Dead(since) => Some(since.as_millis()),
    };
    let failure = job.failure.as_ref().and_then(|failure| serde_json::to_string(failure).ok());
    let code = job.failure.as_ref().filter(|_| dead_since.is_some()).map(|failure| failure.code.as_str());
    conn.prepare_cached(
        "INSERT INTO job (id, onboarding, kind, hold, due, attempt, losses, parked, payload, failure, \
                          dead_since, code)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (id) DO UPDATE SET
            hold = ?4, due = ?5, attempt = ?6, losses = ?7, parked = ?8, payload = ?9, failure = ?10,
            dead_since = ?11, code = ?12, token = NULL, worker = NULL, since = NULL, until = NULL, term = NULL,
            uncertain_before = NULL, hastened = 0",
    )?
    .execute(params![
        row,
        blob(job.id.onboarding.as_uuid()),
        place(job.id.kind),
        if dead_since.is_some() { DEAD } else { WAITING },
        job.due.as_millis(),
        job.attempt,
        job.losses,
        job.parked,
        job.payload,
        failure,
        dead_since,
        code,
    ])?;
    Ok(())
}

/// Writes a lease that begins.
pub(super) fn save_lease(conn: &Connection, row: i64, attempt: u32, lease: &Lease) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "UPDATE job SET hold = 1, attempt = ?2, token = ?3, worker = ?4, since = ?5, until = ?6, \
                        term = ?6 - ?5, uncertain_before = ?7, hastened = 0
         WHERE id = ?1",
    )?
    .execute(params![
        row,
        attempt,
        blob(lease.token.as_uuid()),
        blob(lease.worker.as_uuid()),
        lease.since.as_millis(),
        lease.until.as_millis(),
        lease.uncertain_before.map(Timestamp::as_millis),
    ])?;
    Ok(())
}

pub(super) fn delete(conn: &Connection, row: i64) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM job WHERE id = ?1")?.execute(params![row])?;
    Ok(())
}

/// Deletes all jobs of an onboarding; those that a worker runs only `with_leased`.
pub(super) fn delete_all(
    conn: &Connection,
    seq: i64,
    but: Option<Kind>,
    with_leased: bool,
) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM job WHERE id BETWEEN ?1 AND ?1 + 3 AND id <> ?2 AND (?3 OR hold <> 1)")?
        .execute(params![seq * 4, but.map_or(-1, |kind| row_of(seq, kind)), with_leased])?;
    Ok(())
}

/// Makes a dead letter of a job whose record cannot be read: it harms nobody but itself, and is there to be looked at.
pub(super) fn bury_aside(conn: &Connection, row: i64, now: Timestamp) -> rusqlite::Result<()> {
    tracing::error!(row, "the record of a job cannot be read; the job is a dead letter now");
    let failure = Failure::new(Code::Undecodable, "the record of the onboarding cannot be read", now);
    conn.prepare_cached(
        "UPDATE job SET hold = 2, dead_since = ?2, code = ?3, failure = ?4, due = ?2, attempt = 0, losses = 0, \
                parked = 0, hastened = 0, token = NULL, worker = NULL WHERE id = ?1",
    )?
    .execute(params![
        row,
        now.as_millis(),
        failure.code.as_str(),
        serde_json::to_string(&failure).ok()
    ])?;
    Ok(())
}
