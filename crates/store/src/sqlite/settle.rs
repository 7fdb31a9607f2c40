//! Writing the ends of attempts. Each is whole or not at all, and one that cannot be written harms only itself.

use std::time::Duration;

use super::fault::{Answer, Fault};
use super::rows::{self, Stored, blob};
use super::tx::Tx;
use super::{jobs, ledger, workers};
use crate::CallReport;
use gangway_jobs::circuit::{Report, Verdict};
use gangway_jobs::failure::{Code, Failure};
use gangway_jobs::id::{JobId, LeaseToken};
use gangway_jobs::job::{Job, Lease};
use gangway_jobs::outcome::{Outcome, Settled, Settlement, Step};
#[cfg(feature = "planted")]
use gangway_jobs::planted;
use gangway_jobs::signal::Signal;
use gangway_jobs::transition;
use rusqlite::params;

/// Writes a batch. All of it at first; if one end cannot be written, each again in a savepoint of its own, which costs more
/// and names the culprit.
pub(super) fn settle(tx: &mut Tx<'_>, batch: &[Settlement]) -> Answer<Vec<Settled>> {
    let before = tx.circuit()?.clone();
    let together = tx.savepoint(|tx| batch.iter().map(|settlement| one(tx, settlement)).collect());
    match together {
        Err(fault) if fault.is_deterministic() => {
            *tx.circuit()? = before;
            batch.iter().map(|settlement| one_apart(tx, settlement)).collect()
        }
        done => done,
    }
}

/// The leased job that a settlement is about, with its onboarding's row.
type Held = (Stored, Job, Lease);

/// Finds it; or else what there is to answer.
fn find(tx: &Tx<'_>, settlement: &Settlement) -> Answer<Result<Held, Settled>> {
    let (JobId { onboarding, kind }, token) = (settlement.job, settlement.token);
    let not_held = |written_before| if written_before { Settled::Already } else { Settled::LeaseLost };
    let Some(stored) = rows::by_id(tx.conn, onboarding)? else {
        return Ok(Err(not_held(ledger::fence(tx.conn, onboarding)?.is(kind, token))));
    };
    Ok(match held(tx, jobs::row_of(stored.seq, kind), token)? {
        Some((job, lease)) => Ok((stored, job, lease)),
        None => Err(not_held(stored.fence.is(kind, token))),
    })
}

fn one(tx: &mut Tx<'_>, settlement: &Settlement) -> Answer<Settled> {
    let (stored, job, lease) = match find(tx, settlement)? {
        Ok(held) => held,
        Err(settled) => return Ok(settled),
    };
    let (job, outcome) = judge(tx, job, settlement)?;
    write(tx, stored, job, &lease, outcome)?;
    Ok(Settled::Done)
}

/// The same, whatever is wrong with it.
fn one_apart(tx: &mut Tx<'_>, settlement: &Settlement) -> Answer<Settled> {
    let (stored, job, lease) = match find(tx, settlement)? {
        Ok(held) => held,
        Err(settled) => return Ok(settled),
    };
    let row = jobs::row_of(stored.seq, job.id.kind);
    // Before the savepoint: what the attempt learnt about the API stays learnt.
    let (job, outcome) = judge(tx, job, settlement)?;
    match tx.savepoint(|tx| write(tx, stored, job, &lease, outcome)) {
        Ok(()) => Ok(Settled::Done),
        Err(fault) if fault.is_deterministic() => bury(tx, row, &lease, &fault),
        Err(fault) => Err(fault),
    }
}

/// The job, if it is leased under that token.
fn held(tx: &Tx<'_>, row: i64, token: LeaseToken) -> Answer<Option<(Job, Lease)>> {
    let job = jobs::load(tx.conn, row)?;
    Ok(job.and_then(|job| {
        let lease = job.lease().copied().filter(|lease| proves(lease, token))?;
        Some((job, lease))
    }))
}

/// Whether the token proves the lease.
fn proves(lease: &Lease, token: LeaseToken) -> bool {
    #[cfg(feature = "planted")]
    if planted::is_planted(planted::Bug::SettleWithoutLeaseCheck) {
        return true;
    }
    lease.token == token
}

/// Appends events that a planted bug has taken out of their settle.
#[cfg(feature = "planted")]
pub(super) fn append_apart(tx: &mut Tx<'_>, apart: Vec<planted::Apart>) -> Answer<()> {
    for (id, events) in apart {
        if let Some(stored) = rows::by_id(tx.conn, id)? {
            let late = transition::Consequence { events, ..transition::Consequence::default() };
            tx.write(&mut stored.parse()?, None, late)?;
        }
    }
    Ok(())
}

/// What the circuit makes of an outcome, now that it knows of it.
fn judge(tx: &mut Tx<'_>, mut job: Job, settlement: &Settlement) -> Answer<(Job, Outcome)> {
    let live_workers = live_workers(tx, &settlement.signal)?;
    let report = Report {
        job: job.id,
        token: settlement.token,
        worker: settlement.worker,
        credential: &settlement.credential,
        signal: &settlement.signal,
        parked: job.parked,
        live_workers,
    };
    let outcome = settlement.outcome.clone();
    let outcome = match observe(tx, &report)? {
        Verdict::Stands => outcome,
        Verdict::Park(after) => {
            job.parked = true;
            // People should see why it stands aside.
            if let Outcome::Bury { failure, .. } | Outcome::Retry { failure, .. } = &outcome {
                job.failure = Some(failure.clone());
            }
            transition::parked(&outcome, after)
        }
        Verdict::Excuse(_) => transition::excused(outcome, Duration::ZERO),
    };
    Ok((job, outcome))
}

/// Only a refused credential asks how many there are.
fn live_workers(tx: &Tx<'_>, signal: &Signal) -> Answer<usize> {
    Ok(if *signal == Signal::Unauthorized { workers::alive(tx.conn, tx.now)? } else { 0 })
}

/// Tells the circuit, and gives back the attempts that it excuses.
fn observe(tx: &mut Tx<'_>, report: &Report<'_>) -> Answer<Verdict> {
    let (policy, now) = (&tx.policies.circuit, tx.now);
    let verdict = tx.circuit()?.observe(report, policy, now);
    if let Verdict::Excuse(excused) = &verdict {
        for job in excused {
            tx.conn
                .prepare_cached(
                    "UPDATE job SET attempt = MAX(attempt - 1, 0)
                     WHERE id = (SELECT seq FROM onboarding WHERE id = ?1) * 4 + ?2 AND hold = 0",
                )?
                .execute(params![blob(job.onboarding.as_uuid()), jobs::place(job.kind)])?;
        }
    }
    Ok(verdict)
}

fn write(tx: &mut Tx<'_>, stored: Stored, job: Job, lease: &Lease, outcome: Outcome) -> Answer<()> {
    let mut onboarding = stored.parse()?;
    let kind = job.id.kind;
    let end = transition::settle(&mut onboarding.record, job, lease, outcome, tx.now);
    onboarding.fence.set(kind, lease.token);
    tx.write(&mut onboarding, Some(kind), end)
}

/// Buries a job whose end cannot be written.
fn bury(tx: &mut Tx<'_>, row: i64, lease: &Lease, fault: &Fault) -> Answer<Settled> {
    let (Some(stored), Some(job)) = (rows::by_seq(tx.conn, jobs::seq_of(row))?, jobs::load(tx.conn, row)?)
    else {
        return Ok(Settled::LeaseLost);
    };
    tracing::error!(job.id = %job.id, reason = fault.in_short(), "the end of an attempt cannot be written");
    let failure = Failure::new(Code::Unsettleable, &fault.in_short(), tx.now);
    let outcome = Outcome::Bury { failure, step: Step::default() };
    match tx.savepoint(|tx| write(tx, stored, job, lease, outcome)) {
        Ok(()) => Ok(Settled::Done),
        Err(fault) if fault.is_deterministic() => {
            // Not even that: the record itself cannot be read.
            jobs::bury_aside(tx.conn, row, tx.now)?;
            Ok(Settled::Done)
        }
        Err(fault) => Err(fault),
    }
}

/// Takes in what a call outside of a lease learnt.
pub(super) fn report(tx: &mut Tx<'_>, call: &CallReport) -> Answer<()> {
    let live_workers = live_workers(tx, &call.signal)?;
    let report = Report {
        job: call.job,
        // No lease, so never a probe.
        token: LeaseToken::from_uuid(uuid::Uuid::nil()),
        worker: call.worker,
        credential: &call.credential,
        signal: &call.signal,
        parked: false,
        live_workers,
    };
    observe(tx, &report)?;
    Ok(())
}
