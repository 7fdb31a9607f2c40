//! Taking back leases that have run out, and those that are given back before.

use gangway_jobs::id::{JobId, OnboardingId};
use gangway_jobs::job::Hold;
use gangway_jobs::kind::Kind;
use gangway_jobs::transition::{self, Loss};
use uuid::Uuid;

use super::desk::{Decided, Desk, Wanted};
use super::portion::PORTION;
use super::reply::{bytes, list, other_form};
use super::{RedisStore, lua};
use crate::bounds::bounded;
use crate::{Release, Result, TakenBack};

impl RedisStore {
    pub(super) async fn take_overdue_back(&self, limit: usize) -> Result<TakenBack> {
        const ACTION: &str = "take leases back";
        let limit = limit.min(PORTION);
        let reply = self.core.call(ACTION, &lua::OVERDUE, |command| {
            command.arg(limit + 1);
        });
        let [members] = reply.await?.parts(ACTION)?;
        let mut overdue: Vec<JobId> = list(members)
            .ok_or_else(|| other_form(ACTION))?
            .into_iter()
            .filter_map(|member| job_of(&bytes(member)?))
            .collect();
        let more = overdue.len() > limit;
        overdue.truncate(limit);
        if overdue.is_empty() {
            return Ok(TakenBack { more, ..TakenBack::default() });
        }
        let wanted = Wanted { ids: distinct(&overdue), ..Wanted::default() };
        let lose = |desk: &mut Desk<'_>| {
            let mut taken = TakenBack { more, ..TakenBack::default() };
            for job in &overdue {
                if let Some(poisoned) = lose_overdue(desk, *job)? {
                    taken.jobs += 1;
                    taken.poisoned += usize::from(poisoned);
                }
            }
            Ok(taken)
        };
        self.core.decide(ACTION, wanted, lose).await
    }

    pub(super) async fn give_back(&self, leases: Vec<Release>) -> Result<()> {
        bounded(leases.len())?;
        for portion in leases.chunks(PORTION) {
            self.leased.take(portion.iter().map(|release| (release.job, release.token)));
            let ids = distinct(&portion.iter().map(|release| release.job).collect::<Vec<_>>());
            let wanted = Wanted { ids, circuit: true, ..Wanted::default() };
            let give = |desk: &mut Desk<'_>| portion.iter().try_for_each(|release| give_one(desk, release));
            self.core.decide("release leases", wanted, give).await?;
        }
        Ok(())
    }
}

fn give_one(desk: &mut Desk<'_>, release: &Release) -> Decided<()> {
    let JobId { onboarding, kind } = release.job;
    let draft = desk.draft(onboarding)?;
    let is_held = draft.found.held[kind.index()].is_some_and(|held| held.token() == release.token);
    if is_held && draft.is_damaged() {
        draft.set_aside.push(kind);
    } else if draft.held(kind, release.token).is_some() {
        desk.circuit().withdraw(release.token);
        let loss = if release.started { Loss::Excused } else { Loss::Unstarted };
        lose(desk, release.job, loss)?;
    }
    Ok(())
}

/// Takes one lease back; answers whether its job is poison. Nothing if the lease was renewed meanwhile.
fn lose_overdue(desk: &mut Desk<'_>, job: JobId) -> Decided<Option<bool>> {
    let now = desk.moment.now;
    let draft = desk.draft(job.onboarding)?;
    if draft.is_damaged() {
        let was_held =
            draft.found.held[job.kind.index()].is_some() && draft.found.until[job.kind.index()] <= now;
        if was_held {
            draft.set_aside.push(job.kind);
            draft.run_out.push(job.kind);
        }
        return Ok(was_held.then_some(false));
    }
    let lease = draft.onboarding().and_then(|onboarding| onboarding.job(job.kind)?.lease().copied());
    let Some(lease) = lease.filter(|lease| lease.until <= now) else { return Ok(None) };
    draft.run_out.push(job.kind);
    let loss = if desk.is_alive(lease.worker)? { Loss::Excused } else { Loss::Worker };
    lose(desk, job, loss).map(Some)
}

/// Ends a lease without an outcome; answers whether that buried the job.
fn lose(desk: &mut Desk<'_>, job: JobId, loss: Loss) -> Decided<bool> {
    let most = desk.policies.max_lease_losses;
    let Some(held) =
        desk.draft(job.onboarding)?.onboarding().and_then(|onboarding| onboarding.job(job.kind)).cloned()
    else {
        return Ok(false);
    };
    let Some(lease) = held.lease().copied() else { return Ok(false) };
    let buried = desk.decide(job.onboarding, Some(job.kind), |record, now| {
        let end = transition::take_back(record, held, &lease, loss, most, now);
        (end.job.as_ref().is_some_and(|job| matches!(job.hold, Hold::Dead(_))), end)
    })?;
    Ok(buried.unwrap_or(false))
}

fn distinct(jobs: &[JobId]) -> Vec<OnboardingId> {
    let mut seen = std::collections::HashSet::new();
    jobs.iter().map(|job| job.onboarding).filter(|id| seen.insert(*id)).collect()
}

/// A leased job by its name in the set of leases.
pub(super) fn job_of(member: &[u8]) -> Option<JobId> {
    let (id, kind) = member.split_at_checked(16)?;
    let kind = Kind::ALL.get(usize::from(*kind.first()?))?;
    let onboarding = OnboardingId::from_uuid(Uuid::from_slice(id).ok()?);
    Some(JobId { onboarding, kind: *kind })
}

/// The name of a leased job there.
pub(super) fn member_of(job: JobId) -> [u8; 17] {
    let mut member = [0; 17];
    member[..16].copy_from_slice(job.onboarding.as_uuid().as_bytes());
    member[16] = u8::try_from(job.kind.index()).unwrap_or_default();
    member
}
