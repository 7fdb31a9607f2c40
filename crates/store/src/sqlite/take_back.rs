//! Taking back leases that have run out.

use std::collections::HashMap;

use gangway_jobs::id::WorkerId;
use gangway_jobs::job::Hold;
use gangway_jobs::transition::{self, Loss};
use rusqlite::params;

use super::fault::Answer;
use super::tx::Tx;
use super::{jobs, rows, workers};
use crate::{MAX_BATCH, TakenBack};

pub(super) fn take_back(tx: &mut Tx<'_>, limit: usize) -> Answer<TakenBack> {
    if tx.time.take_jump() {
        // The workers could not renew while the machine slept: one more term for everybody.
        tx.conn
            .prepare_cached("UPDATE job SET until = ?1 + term WHERE hold = 1 AND until < ?1 + term")?
            .execute(params![tx.now.as_millis()])?;
        return Ok(TakenBack::default());
    }
    let limit = limit.min(MAX_BATCH);
    let run_out = run_out(tx, limit)?;
    let mut taken = TakenBack { more: run_out.len() > limit, ..TakenBack::default() };
    let mut losses = HashMap::new();
    for row in run_out.into_iter().take(limit) {
        taken.jobs += 1;
        taken.poisoned += usize::from(one(tx, row, &mut losses)?);
    }
    Ok(taken)
}

fn run_out(tx: &Tx<'_>, limit: usize) -> Answer<Vec<i64>> {
    let mut statement = tx.conn.prepare_cached(
        "SELECT id FROM job WHERE hold = 1 AND until <= ?1 ORDER BY until, onboarding, kind LIMIT ?2",
    )?;
    let limit = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![tx.now.as_millis(), limit], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Takes one lease back; answers whether its job is poison.
fn one(tx: &mut Tx<'_>, row: i64, losses: &mut HashMap<WorkerId, Loss>) -> Answer<bool> {
    let Some(job) = jobs::load(tx.conn, row)? else { return Ok(false) };
    let Some(lease) = job.lease().copied() else { return Ok(false) };
    let loss = match losses.get(&lease.worker) {
        Some(loss) => *loss,
        None => *losses.entry(lease.worker).or_insert(workers::loss(tx.conn, lease.worker, tx.now)?),
    };
    let done = tx.savepoint(|tx| {
        let Some(stored) = rows::by_seq(tx.conn, jobs::seq_of(row))? else {
            jobs::delete(tx.conn, row)?;
            return Ok(false);
        };
        let mut onboarding = stored.parse()?;
        let (kind, most) = (job.id.kind, tx.policies.max_lease_losses);
        let end = transition::take_back(&mut onboarding.record, job, &lease, loss, most, tx.now);
        let poisoned = end.job.as_ref().is_some_and(|job| matches!(job.hold, Hold::Dead(_)));
        tx.write(&mut onboarding, Some(kind), end)?;
        Ok(poisoned)
    });
    match done {
        Err(fault) if fault.is_deterministic() => {
            jobs::bury_aside(tx.conn, row, tx.now)?;
            Ok(false)
        }
        done => done,
    }
}
