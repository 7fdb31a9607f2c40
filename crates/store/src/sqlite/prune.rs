//! Keeping the store small: records that ended long ago become ledger rows.

use gangway_jobs::clock::Timestamp;
use rusqlite::params;

use super::fault::{Answer, Fault};
use super::rows;
use super::tx::Tx;
use crate::Error;

pub(super) fn prune(tx: &mut Tx<'_>, ended_before: Timestamp, limit: usize) -> Answer<usize> {
    let mut pruned = 0;
    for seq in candidates(tx, ended_before, limit)? {
        let Some(stored) = rows::by_seq(tx.conn, seq)? else { continue };
        match stored.parse() {
            Ok(onboarding) => {
                tx.reduce(&onboarding)?;
                pruned += 1;
            }
            Err(Fault::Refused(Error::Damaged { .. })) => set_aside(tx, seq)?,
            Err(fault) => return Err(fault),
        }
    }
    Ok(pruned)
}

fn candidates(tx: &Tx<'_>, ended_before: Timestamp, limit: usize) -> Answer<Vec<i64>> {
    let mut statement = tx.conn.prepare_cached(
        "SELECT seq FROM onboarding
         WHERE prune_from < ?1
           AND NOT EXISTS (SELECT 1 FROM job WHERE job.id BETWEEN seq * 4 AND seq * 4 + 3 AND hold <> 2)
         ORDER BY prune_from LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![ended_before.as_millis(), limit], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A record that cannot be read stays as it is, and is not looked at each time.
fn set_aside(tx: &Tx<'_>, seq: i64) -> Answer<()> {
    tracing::error!(seq, "the record of an onboarding cannot be read; it is not pruned");
    tx.conn
        .prepare_cached("UPDATE onboarding SET prune_from = NULL WHERE seq = ?1")?
        .execute(params![seq])?;
    Ok(())
}
