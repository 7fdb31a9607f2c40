//! Writing the ends of attempts: each whole or not at all, and one that cannot be written harms only itself.

use std::time::Duration;

use futures::future::try_join_all;
use gangway_jobs::circuit::{Report, Verdict};
use gangway_jobs::failure::{Code, Failure};
use gangway_jobs::id::{JobId, LeaseToken};
use gangway_jobs::job::{Hold, Job, Lease};
use gangway_jobs::outcome::{Outcome, Settled, Settlement, Step};
use gangway_jobs::payload::MAX_BYTES;
use gangway_jobs::signal::Signal;
use gangway_jobs::transition;
use uuid::Uuid;

use super::RedisStore;
use super::desk::{Decided, Desk, Wanted};
use super::portion::portions;
use crate::bounds::bounded;
use crate::{CallReport, Error, Result};

impl RedisStore {
    pub(super) async fn write_ends(&self, batch: Vec<Settlement>) -> Result<Vec<Settled>> {
        bounded(batch.len())?;
        // The next portion is decided while the server writes the one before.
        // An event is the dearest part of an end.
        let weight = |end: &Settlement| 1 + end.outcome.step().events.len();
        let portions = portions(&batch, weight).map(|portion| self.write_portion(portion));
        Ok(try_join_all(portions).await?.concat())
    }

    async fn write_portion(&self, batch: &[Settlement]) -> Result<Vec<Settled>> {
        let (known, ids) =
            self.leased.take(batch.iter().map(|settlement| (settlement.job, settlement.token)));
        let wanted = Wanted { ids, known, circuit: true, ..Wanted::default() };
        let one_by_one = |desk: &mut Desk<'_>| {
            desk.need(batch.iter().map(|settlement| settlement.job.onboarding))?;
            batch.iter().map(|settlement| one(desk, settlement)).collect::<Decided<Vec<_>>>()
        };
        self.core.decide("settle", wanted, one_by_one).await
    }

    /// Takes in what a call outside of a lease learnt.
    pub(super) async fn take_in_report(&self, call: CallReport) -> Result<()> {
        let wanted = Wanted { circuit: true, ..Wanted::default() };
        let observed = |desk: &mut Desk<'_>| {
            let report = Report {
                job: call.job,
                // No lease, so never a probe.
                token: LeaseToken::from_uuid(Uuid::nil()),
                worker: call.worker,
                credential: &call.credential,
                signal: &call.signal,
                parked: false,
                live_workers: live_workers(desk, &call.signal)?,
            };
            observe(desk, &report).map(drop)
        };
        self.core.decide("take in a report", wanted, observed).await
    }
}

fn one(desk: &mut Desk<'_>, settlement: &Settlement) -> Decided<Settled> {
    let JobId { onboarding: id, kind } = settlement.job;
    let draft = desk.draft(id)?;
    let Some((job, lease)) = draft.held(kind, settlement.token) else {
        if draft.is_damaged()
            && draft.found.held[kind.index()].is_some_and(|it| it.token() == settlement.token)
        {
            draft.set_aside.push(kind);
            return Ok(Settled::Done);
        }
        let is_repeat = draft.was_settled_under(settlement.job, settlement.token);
        return Ok(if is_repeat { Settled::Already } else { Settled::LeaseLost });
    };
    let job = job.clone();
    let (job, outcome) = judge(desk, job, settlement)?;
    write(desk, job, &lease, writable(settlement.job, outcome, desk.moment.now))?;
    Ok(Settled::Done)
}

fn write(desk: &mut Desk<'_>, job: Job, lease: &Lease, outcome: Outcome) -> Decided<()> {
    let JobId { onboarding: id, kind } = job.id;
    desk.decide(id, Some(kind), |record, now| ((), transition::settle(record, job, lease, outcome, now)))?;
    desk.draft(id)?.set_fence(kind, lease.token);
    Ok(())
}

/// An outcome that could never be written becomes one that can: the job is buried, and says why.
fn writable(job: JobId, outcome: Outcome, now: gangway_jobs::clock::Timestamp) -> Outcome {
    let largest = outcome.step().follow_ups.iter().map(|next| next.payload.encode().len()).max();
    let Some(bytes) = largest.filter(|bytes| *bytes > MAX_BYTES) else { return outcome };
    let fault = Error::PayloadTooLarge { index: 0, bytes, max: MAX_BYTES };
    tracing::error!(job.id = %job, reason = %fault, "the end of an attempt cannot be written");
    let failure = Failure::new(Code::Unsettleable, &fault.to_string(), now);
    Outcome::Bury { failure, step: Step::default() }
}

/// What the circuit makes of an outcome, now that it knows of it.
fn judge(desk: &mut Desk<'_>, mut job: Job, settlement: &Settlement) -> Decided<(Job, Outcome)> {
    let report = Report {
        job: job.id,
        token: settlement.token,
        worker: settlement.worker,
        credential: &settlement.credential,
        signal: &settlement.signal,
        parked: job.parked,
        live_workers: live_workers(desk, &settlement.signal)?,
    };
    let outcome = settlement.outcome.clone();
    let outcome = match observe(desk, &report)? {
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
fn live_workers(desk: &Desk<'_>, signal: &Signal) -> Decided<usize> {
    if *signal == Signal::Unauthorized { desk.live_workers() } else { Ok(0) }
}

/// Tells the circuit, and gives back the attempts that it excuses.
fn observe(desk: &mut Desk<'_>, report: &Report<'_>) -> Decided<Verdict> {
    let (policies, now) = (desk.policies, desk.moment.now);
    let verdict = desk.circuit().observe(report, &policies.circuit, now);
    if let Verdict::Excuse(excused) = &verdict {
        desk.need(excused.iter().map(|job| job.onboarding))?;
        for job in excused {
            desk.draft(job.onboarding)?.with_job(job.kind, |job| {
                if matches!(job.hold, Hold::Waiting) {
                    job.attempt = job.attempt.saturating_sub(1);
                }
            });
        }
    }
    Ok(verdict)
}
