//! Looking: sums, records, dead letters.

use std::collections::BTreeMap;

use gangway_jobs::circuit::Summary;
use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::{JobId, OnboardingId};
use gangway_jobs::job::{Job, State};
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::{Record, Stage};
use rusqlite::{Connection, params};

use super::fault::Answer;
use super::rows::{self, blob, uuid};
use super::{jobs, outbox, steer, tx, workers};
use crate::{DeadFilter, DeadLetter, Inspection, Status, Target, WorkerState};

/// A reading operation's view of the store.
#[derive(Debug)]
pub(super) struct Look<'c> {
    pub(super) conn: &'c Connection,
    pub(super) now: Timestamp,
}

impl Look<'_> {
    pub(super) fn status(&self) -> Answer<Status> {
        let conn = self.conn;
        let sums = Status {
            by_stage: by_stage(conn)?,
            jobs: job_counts(conn, self.now)?,
            outbox_length: outbox::length(conn)?,
            groups: outbox::lags(conn)?,
            circuit: (String::new(), String::new()),
            paused: steer::paused(conn)?,
            workers: alive(workers::all(conn, self.now)?),
            unknown_hints: unknown_hints(conn)?,
        };
        Ok(sums.with_circuit(self.circuit()?))
    }

    pub(super) fn circuit(&self) -> Answer<Summary> {
        Ok(tx::load_circuit(self.conn)?.summary(self.now))
    }

    pub(super) fn find(&self, target: &Target) -> Answer<Option<Inspection>> {
        let Some(stored) = rows::by_target(self.conn, target)? else { return Ok(None) };
        let jobs = jobs::of_onboarding(self.conn, stored.seq)?;
        Ok(Some(Inspection { record: stored.parse()?.record, jobs }))
    }

    /// Records in the order of their ids. One that cannot be read is left out.
    pub(super) fn records(&self, after: Option<OnboardingId>, limit: usize) -> Answer<Vec<Record>> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT id, record FROM onboarding WHERE id > ?1 ORDER BY id LIMIT ?2")?;
        let after = after.as_ref().map_or(&[][..], |id| blob(id.as_uuid()));
        let mut rows = statement.query(params![after, i64::try_from(limit).unwrap_or(i64::MAX)])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            let id = OnboardingId::from_uuid(uuid(row, 0)?);
            let text: String = row.get(1)?;
            match rows::parse_record(&text, id) {
                Ok(record) => records.push(record),
                Err(error) => tracing::warn!(%error, "left out"),
            }
        }
        Ok(records)
    }

    pub(super) fn dead(
        &self,
        which: &DeadFilter,
        after: Option<JobId>,
        limit: usize,
    ) -> Answer<Vec<DeadLetter>> {
        let jobs = dead_jobs(self.conn, which, after, limit)?;
        jobs.into_iter().filter_map(|job| self.letter(job).transpose()).collect()
    }

    fn letter(&self, job: Job) -> Answer<Option<DeadLetter>> {
        let gangway_jobs::job::Hold::Dead(since) = job.hold else { return Ok(None) };
        let reference = rows::by_id(self.conn, job.id.onboarding)?
            .and_then(|stored| stored.parse().ok())
            .and_then(|onboarding| onboarding.record.reference);
        Ok(Some(DeadLetter { job: job.id, reference, attempts: job.attempt, since, failure: job.failure }))
    }
}

/// Dead jobs in the order of their ids.
pub(super) fn dead_jobs(
    conn: &Connection,
    which: &DeadFilter,
    after: Option<JobId>,
    limit: usize,
) -> Answer<Vec<Job>> {
    let mut statement = conn.prepare_cached(
        "SELECT id FROM job INDEXED BY job_dead
         WHERE hold = 2 AND (onboarding, kind) > (?1, ?2)
           AND onboarding >= ?3 AND onboarding <= ?4 AND (?5 IS NULL OR kind = ?5) AND (?6 IS NULL OR code = ?6)
           AND (?7 IS NULL OR dead_since <= ?7)
         ORDER BY onboarding, kind LIMIT ?8",
    )?;
    let (past, past_kind) =
        after.as_ref().map_or((&[][..], -1), |job| (blob(job.onboarding.as_uuid()), jobs::place(job.kind)));
    let (first, last) = which
        .onboarding
        .as_ref()
        .map_or((&[][..], &[0xff; 16][..]), |id| (blob(id.as_uuid()), blob(id.as_uuid())));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let kind = which.kind.map(jobs::place);
    let until = which.until.map(Timestamp::as_millis);
    let found: Vec<i64> = statement
        .query_map(params![past, past_kind, first, last, kind, which.code, until, limit], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let jobs = found.into_iter().filter_map(|row| jobs::load(conn, row).transpose());
    Ok(jobs.collect::<rusqlite::Result<_>>()?)
}

fn alive(workers: Vec<WorkerState>) -> Vec<WorkerState> {
    workers.into_iter().filter(|worker| worker.alive).collect()
}

fn by_stage(conn: &Connection) -> Answer<BTreeMap<Stage, u64>> {
    let mut statement = conn.prepare_cached("SELECT stage, count FROM counter WHERE count > 0")?;
    let mut rows = statement.query([])?;
    let mut counts = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        if let Some(stage) = Stage::parse(&name) {
            counts.insert(stage, row.get::<_, i64>(1)?.unsigned_abs());
        }
    }
    Ok(counts)
}

/// Jobs by kind and state: waiting ones from the indexes of due times alone, the others are few.
fn job_counts(conn: &Connection, now: Timestamp) -> Answer<BTreeMap<Kind, BTreeMap<State, u64>>> {
    let mut counts: BTreeMap<Kind, BTreeMap<State, u64>> = BTreeMap::new();
    for (sql, states) in [
        (
            "SELECT kind, SUM(due <= ?1), SUM(due > ?1 AND attempt > 0), SUM(due > ?1 AND attempt = 0)
             FROM job WHERE hold = 0 AND losses = 0 GROUP BY kind",
            &[State::Available, State::Retryable, State::Scheduled][..],
        ),
        (
            "SELECT kind, SUM(due <= ?1), SUM(due > ?1 AND attempt > 0), SUM(due > ?1 AND attempt = 0)
             FROM job WHERE hold = 0 AND losses > 0 GROUP BY kind",
            &[State::Available, State::Retryable, State::Scheduled],
        ),
        (
            "SELECT kind, COUNT(?1) FROM job INDEXED BY job_until WHERE hold = 1 GROUP BY kind",
            &[State::Running],
        ),
        ("SELECT kind, COUNT(?1) FROM job INDEXED BY job_dead WHERE hold = 2 GROUP BY kind", &[State::Dead]),
    ] {
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query(params![now.as_millis()])?;
        while let Some(row) = rows.next()? {
            let by_state = counts.entry(jobs::kind_at(0, row.get(0)?)?).or_default();
            for (column, state) in states.iter().enumerate() {
                let found = row.get::<_, i64>(column + 1)?.unsigned_abs();
                if found > 0 {
                    *by_state.entry(*state).or_default() += found;
                }
            }
        }
    }
    Ok(counts)
}

fn unknown_hints(conn: &Connection) -> Answer<u64> {
    let hints: i64 =
        conn.prepare_cached("SELECT unknown_hints FROM store")?.query_row([], |row| row.get(0))?;
    Ok(hints.unsigned_abs())
}
