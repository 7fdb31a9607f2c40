//! Leasing jobs, renewing leases, giving them back.

use std::time::Duration;

use gangway_jobs::circuit::{Admission, Asker};
use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::{JobId, LeaseToken};
use gangway_jobs::job::LeasedJob;
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::Class;
use gangway_jobs::transition::{self, Loss};
use rusqlite::{OptionalExtension, params};

use super::fault::Answer;
use super::rows::{self, blob, millis, time};
use super::tx::Tx;
use super::{jobs, steer};
use crate::bounds::ON_THE_WAY_BACK;
use crate::{Grant, LeaseRequest, MAX_BATCH, Release};

pub(super) fn lease(tx: &mut Tx<'_>, ask: &LeaseRequest) -> Answer<Grant> {
    let held = jobs::held_under(tx.conn, ask.token, ask.kind)?;
    if !held.is_empty() {
        return answer_again(tx, &held);
    }
    if ask.max == 0 || steer::is_paused(tx.conn, ask.kind)? {
        return Ok(Grant::default());
    }
    let next_due = next_due(tx, ask.kind)?;
    if !next_due.is_some_and(|due| due.is_zero()) {
        // Before the gates are asked: a probe that finds nothing to do would keep others waiting.
        return Ok(nothing(next_due));
    }
    let asker = Asker { kind: ask.kind, worker: ask.worker, credential: &ask.credential, token: ask.token };
    let now = tx.now;
    let admitted = match tx.circuit()?.admit(asker, now, ask.length) {
        Admission::Blocked(until) => return Ok(nothing(Some(until.since(now)))),
        Admission::Probe => 1,
        Admission::Run(usize::MAX) => usize::MAX,
        Admission::Run(most) => most.saturating_sub(leases_of(tx, ask.kind)?),
    };
    if admitted == 0 {
        return Ok(nothing(Some(ON_THE_WAY_BACK)));
    }
    let grant = lease_admitted(tx, ask, admitted)?;
    if grant.jobs.is_empty() {
        tx.circuit()?.withdraw(ask.token);
    }
    Ok(grant)
}

/// Leases of the kind, of all workers.
fn leases_of(tx: &Tx<'_>, kind: Kind) -> Answer<usize> {
    let sql = "SELECT count(*) FROM job INDEXED BY job_until WHERE hold = 1 AND kind = ?1";
    let mut statement = tx.conn.prepare_cached(sql)?;
    let count: i64 = statement.query_row(params![jobs::place(kind)], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

fn lease_admitted(tx: &mut Tx<'_>, ask: &LeaseRequest, admitted: usize) -> Answer<Grant> {
    let wanted = ask.max.min(MAX_BATCH);
    let due = due(tx, ask, wanted.min(admitted))?;
    if due.is_empty() {
        return Ok(nothing(next_ahead(tx, ask.kind)?));
    }
    let (permitted, until_next) = tx.take_tokens(Class::of(ask.kind), due.len())?;
    let waiting = tx.waiting()?;
    let mut jobs = Vec::with_capacity(permitted);
    for row in &due[..permitted] {
        jobs.extend(begin(tx, ask, *row)?.map(|job| LeasedJob { waiting, ..job }));
    }
    let ask_again = if permitted < due.len() {
        Some(until_next)
    } else if due.len() == wanted {
        Some(Duration::ZERO)
    } else if due.len() == admitted {
        // While a gate is half-open or ramps up, only the settle of what was leased now can let more through.
        None
    } else {
        next_ahead(tx, ask.kind)?
    };
    Ok(Grant { jobs, ask_again })
}

const fn nothing(ask_again: Option<Duration>) -> Grant {
    Grant { jobs: Vec::new(), ask_again }
}

/// The rows of due jobs: those that are parked behind the others, and at most one in flight that a worker died over.
fn due(tx: &Tx<'_>, ask: &LeaseRequest, room: usize) -> Answer<Vec<i64>> {
    let mut lone = usize::from(!holds_a_suspect(tx, ask)?);
    let mut rows = Vec::new();
    for parked in [false, true] {
        let lossy = "SELECT id FROM job WHERE hold = 0 AND losses > 0 AND kind = ?1 AND parked = ?2 AND due <= ?3 \
                     ORDER BY due LIMIT ?4";
        let suspects = due_of(tx, lossy, ask.kind, parked, lone.min(room - rows.len()))?;
        lone -= suspects.len();
        rows.extend(suspects);
        let plain = "SELECT id FROM job WHERE hold = 0 AND losses = 0 AND kind = ?1 AND parked = ?2 AND due <= ?3 \
                     ORDER BY due LIMIT ?4";
        rows.extend(due_of(tx, plain, ask.kind, parked, room - rows.len())?);
    }
    Ok(rows)
}

fn due_of(tx: &Tx<'_>, sql: &str, kind: Kind, parked: bool, limit: usize) -> Answer<Vec<i64>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let mut statement = tx.conn.prepare_cached(sql)?;
    let parameters =
        params![jobs::place(kind), parked, tx.now.as_millis(), i64::try_from(limit).unwrap_or(i64::MAX)];
    Ok(statement.query_map(parameters, |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

fn holds_a_suspect(tx: &Tx<'_>, ask: &LeaseRequest) -> Answer<bool> {
    Ok(tx
        .conn
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM job WHERE hold = 1 AND losses > 0 AND worker = ?1)")?
        .query_row(params![blob(ask.worker.as_uuid())], |row| row.get(0))?)
}

/// Begins one lease; `None` if the job or its record cannot be read, which costs that job and no other.
fn begin(tx: &mut Tx<'_>, ask: &LeaseRequest, row: i64) -> Answer<Option<LeasedJob>> {
    match begin_readable(tx, ask, row) {
        Err(fault) if fault.is_deterministic() => {
            jobs::bury_aside(tx.conn, row, tx.now)?;
            Ok(None)
        }
        done => done,
    }
}

fn begin_readable(tx: &mut Tx<'_>, ask: &LeaseRequest, row: i64) -> Answer<Option<LeasedJob>> {
    let (Some(mut job), Some(stored)) =
        (jobs::load(tx.conn, row)?, rows::by_seq(tx.conn, jobs::seq_of(row))?)
    else {
        return Ok(None);
    };
    let mut onboarding = stored.parse()?;
    let uncertain_before = onboarding.record.uncertain_since;
    let leased =
        transition::lease(&mut onboarding.record, &mut job, ask.token, ask.worker, tx.now, ask.length);
    if let Some(lease) = job.lease() {
        jobs::save_lease(tx.conn, row, job.attempt, lease)?;
    }
    if onboarding.record.uncertain_since != uncertain_before {
        tx.save(&mut onboarding)?;
    }
    Ok(Some(leased))
}

/// The reply was lost: the jobs that are still held under the token, as they were leased.
fn answer_again(tx: &Tx<'_>, held: &[i64]) -> Answer<Grant> {
    let waiting = tx.waiting()?;
    let mut jobs = Vec::with_capacity(held.len());
    for row in held {
        let (Some(job), Some(stored)) =
            (jobs::load(tx.conn, *row)?, rows::by_seq(tx.conn, jobs::seq_of(*row))?)
        else {
            continue;
        };
        let (Some(lease), Ok(onboarding)) = (job.lease().copied(), stored.parse()) else { continue };
        let mut record = onboarding.record;
        if job.id.kind == Kind::CreateCustomer {
            record.uncertain_since = lease.uncertain_before;
        }
        jobs.push(LeasedJob {
            id: job.id,
            payload: job.payload,
            attempt: job.attempt,
            record,
            token: lease.token,
            until: lease.until,
            now: lease.since,
            waiting,
        });
    }
    Ok(Grant { jobs, ask_again: Some(Duration::ZERO) })
}

/// How long until the next waiting job of the kind is due; nothing if one is.
fn next_due(tx: &Tx<'_>, kind: Kind) -> Answer<Option<Duration>> {
    next_from(tx, kind, i64::MIN)
}

/// The same, without those that are due already and may not be leased yet.
fn next_ahead(tx: &Tx<'_>, kind: Kind) -> Answer<Option<Duration>> {
    next_from(tx, kind, tx.now.as_millis())
}

fn next_from(tx: &Tx<'_>, kind: Kind, past: i64) -> Answer<Option<Duration>> {
    let mut next: Option<Timestamp> = None;
    for parked in [false, true] {
        for sql in [
            "SELECT due FROM job WHERE hold = 0 AND losses = 0 AND kind = ?1 AND parked = ?2 AND due > ?3 \
             ORDER BY due LIMIT 1",
            "SELECT due FROM job WHERE hold = 0 AND losses > 0 AND kind = ?1 AND parked = ?2 AND due > ?3 \
             ORDER BY due LIMIT 1",
        ] {
            let found = tx
                .conn
                .prepare_cached(sql)?
                .query_row(params![jobs::place(kind), parked, past], |row| time(row, 0))
                .optional()?;
            next = [next, found].into_iter().flatten().min();
        }
    }
    Ok(next.map(|due| due.since(tx.now)))
}

/// Renews leases; one that has run out but was not taken back is renewed too.
pub(super) fn extend(tx: &Tx<'_>, leases: &[(JobId, LeaseToken)], length: Duration) -> Answer<Vec<bool>> {
    let mut statement = tx.conn.prepare_cached(
        "UPDATE job SET until = ?4, term = ?5
         WHERE id = (SELECT seq FROM onboarding WHERE id = ?1) * 4 + ?2 AND hold = 1 AND token = ?3",
    )?;
    let mut held = Vec::with_capacity(leases.len());
    for (job, token) in leases {
        let changed = statement.execute(params![
            blob(job.onboarding.as_uuid()),
            jobs::place(job.kind),
            blob(token.as_uuid()),
            tx.now.after(length).as_millis(),
            millis(length),
        ])?;
        held.push(changed == 1);
    }
    Ok(held)
}

/// Gives leases back; those that are no longer held are left alone.
pub(super) fn release(tx: &mut Tx<'_>, leases: &[Release]) -> Answer<()> {
    for release in leases {
        let Some(stored) = rows::by_id(tx.conn, release.job.onboarding)? else { continue };
        let row = jobs::row_of(stored.seq, release.job.kind);
        let Some(job) = jobs::load(tx.conn, row)? else { continue };
        let Some(lease) = job.lease().copied().filter(|lease| lease.token == release.token) else { continue };
        let Ok(mut onboarding) = stored.parse() else {
            jobs::bury_aside(tx.conn, row, tx.now)?;
            continue;
        };
        tx.circuit()?.withdraw(release.token);
        let loss = if release.started { Loss::Excused } else { Loss::Unstarted };
        let (most, now) = (tx.policies.max_lease_losses, tx.now);
        let given_back = transition::take_back(&mut onboarding.record, job, &lease, loss, most, now);
        tx.write(&mut onboarding, Some(release.job.kind), given_back)?;
    }
    Ok(())
}
