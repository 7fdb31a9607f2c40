//! What people and webhooks ask for: hints, links, pause, cancel, erase, redrive.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::{JobId, OnboardingId};
use gangway_jobs::job::Hold;
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::{LedgerRow, Record, Stage};
use gangway_jobs::outcome::FollowUp;
use gangway_jobs::payload::{Payload, PollStatus};
use gangway_jobs::transition::{self, Consequence, EndRequest};

use super::desk::{Decided, Desk, Fault, Wanted};
use super::look::{damaged, is_meant};
use super::portion::PORTION;
use super::{RedisStore, lua};
use crate::{DeadFilter, Hinted, LinkRequested, Result, Target};

/// Whether the onboarding is kept, and is the one that is meant.
fn is_meant_on(desk: &mut Desk<'_>, id: OnboardingId, target: &Target) -> Decided<bool> {
    let draft = desk.draft(id)?;
    if draft.is_damaged() {
        return Err(Fault::Refused(damaged(id)));
    }
    Ok(draft.record().is_some_and(|record| is_meant(target, record)))
}

const fn can_reopen(record: &Record) -> bool {
    matches!(record.stage, Stage::Rejected | Stage::Expired)
}

impl RedisStore {
    /// Decides about one onboarding. Nothing if it is unknown.
    async fn steer<T>(
        &self,
        action: &'static str,
        target: &Target,
        decision: impl Fn(&mut Desk<'_>, OnboardingId) -> Decided<Option<T>>,
    ) -> Result<Option<T>> {
        let Some(id) = self.resolve(target).await? else { return Ok(None) };
        let wanted = Wanted { ids: vec![id], ..Wanted::default() };
        self.core.decide(action, wanted, |desk| decision(desk, id)).await
    }

    pub(super) async fn take_in_hint(&self, target: Target) -> Result<Hinted> {
        const ACTION: &str = "take in a hint";
        let eager = self.core.policies.eager_links;
        let hinted = self.steer(ACTION, &target, |desk, id| {
            if !is_meant_on(desk, id, &target)? {
                return Ok(None);
            }
            desk.decide(id, None, |record, now| hint(record, eager, now))
        });
        if let Some(hinted) = hinted.await? {
            return Ok(hinted);
        }
        self.core.count(ACTION, "unknown_hints").await?;
        Ok(Hinted::Unknown)
    }

    pub(super) async fn ask_for_link(&self, target: Target) -> Result<LinkRequested> {
        let requested = self.steer("request a link", &target, |desk, id| {
            if !is_meant_on(desk, id, &target)? {
                return Ok(None);
            }
            desk.decide(id, None, request_link)
        });
        Ok(requested.await?.unwrap_or(LinkRequested::Unknown))
    }

    pub(super) async fn call_off(&self, target: Target) -> Result<Option<EndRequest>> {
        self.steer("cancel an onboarding", &target, |desk, id| {
            if !is_meant_on(desk, id, &target)? {
                return Ok(None);
            }
            let leased = desk.draft(id)?.is_leased();
            desk.decide(id, None, |record, now| transition::cancel(record, leased, now))
        })
        .await
    }

    pub(super) async fn forget(&self, target: Target) -> Result<Option<EndRequest>> {
        let erased = self.steer("erase an onboarding", &target, |desk, id| {
            if is_meant_on(desk, id, &target)? {
                let leased = desk.draft(id)?.is_leased();
                return desk.decide(id, None, |record, now| transition::erase(record, leased, now));
            }
            let life = desk.moment.life;
            let draft = desk.draft(id)?;
            let is_by_id = matches!(target, Target::Id(_));
            let Some(row) = draft.row().filter(|_| is_by_id).cloned() else { return Ok(None) };
            // Of a pruned onboarding there is only what its ledger row and its events tell.
            if row.end == Stage::Erased {
                return Ok(Some(EndRequest::Already(Stage::Erased)));
            }
            let row =
                LedgerRow { end: Stage::Erased, email_key: None, content: None, later_key: None, ..row };
            draft.set_row(row, [None; 3], life);
            Ok(Some(EndRequest::Ended))
        });
        erased.await
    }

    pub(super) async fn redrive_dead(&self, which: &DeadFilter, limit: usize) -> Result<usize> {
        let mut redriven = 0;
        let mut after: Option<JobId> = None;
        while redriven < limit {
            let dead = self.dead_jobs(which, after, PORTION.min(limit - redriven)).await?;
            let Some((last, _)) = dead.last() else { break };
            after = Some(*last);
            let jobs: Vec<JobId> = dead.iter().map(|(job, _)| *job).collect();
            redriven += self.put_dead_back(which, &jobs).await?;
        }
        Ok(redriven)
    }

    async fn put_dead_back(&self, which: &DeadFilter, jobs: &[JobId]) -> Result<usize> {
        self.with_dead("redrive dead jobs", which, jobs, |desk, id| {
            let Some(job) = desk
                .draft(id.onboarding)?
                .onboarding()
                .and_then(|onboarding| onboarding.job(id.kind))
                .cloned()
            else {
                return Ok(());
            };
            desk.decide(id.onboarding, Some(id.kind), |record, now| {
                ((), transition::redrive(record, job, now))
            })?;
            Ok(())
        })
        .await
    }

    pub(super) async fn drop_letters(&self, which: &DeadFilter, limit: usize) -> Result<usize> {
        let mut dropped = 0;
        let mut after: Option<JobId> = None;
        while dropped < limit {
            let dead = self.dead_jobs(which, after, PORTION.min(limit - dropped)).await?;
            let Some((last, _)) = dead.last() else { break };
            // Past those that cannot be read, which stay.
            after = Some(*last);
            let jobs: Vec<JobId> = dead.iter().map(|(job, _)| *job).collect();
            let drop = self.with_dead("drop dead jobs", which, &jobs, |desk, id| {
                desk.draft(id.onboarding)?.remove_job(id.kind);
                Ok(())
            });
            dropped += drop.await?;
        }
        Ok(dropped)
    }

    /// Does something to jobs that are still dead; answers how many were.
    async fn with_dead(
        &self,
        action: &'static str,
        which: &DeadFilter,
        jobs: &[JobId],
        change: impl Fn(&mut Desk<'_>, JobId) -> Decided<()>,
    ) -> Result<usize> {
        let mut ids: Vec<OnboardingId> = jobs.iter().map(|job| job.onboarding).collect();
        ids.dedup();
        let wanted = Wanted { ids, ..Wanted::default() };
        let each = |desk: &mut Desk<'_>| {
            let mut changed = 0;
            for id in jobs {
                let job =
                    desk.draft(id.onboarding)?.onboarding().and_then(|onboarding| onboarding.job(id.kind));
                if job.is_some_and(|job| matches!(job.hold, Hold::Dead(since) if which.covers(since))) {
                    change(desk, *id)?;
                    changed += 1;
                }
            }
            Ok(changed)
        };
        self.core.decide(action, wanted, each).await
    }

    /// Pauses or resumes a kind, or all.
    pub(super) async fn switch(&self, word: &'static str, kind: Option<Kind>) -> Result<()> {
        let kinds = kind.map_or_else(|| Kind::ALL.to_vec(), |kind| vec![kind]);
        let reply = self.core.call(word, &lua::PAUSE, |command| {
            command.arg(word);
            for kind in &kinds {
                command.arg(kind.index());
            }
        });
        reply.await?;
        self.core.woken();
        Ok(())
    }
}

fn hint(record: &mut Record, eager: bool, now: Timestamp) -> (Hinted, Consequence) {
    if can_reopen(record) {
        record.hinted_at = Some(now);
        return (Hinted::Reopened, transition::reopen(record, eager, None, now));
    }
    if record.stage.is_end() {
        return (Hinted::Ended(record.stage), Consequence::default());
    }
    if record.customer_id.is_none() {
        return (Hinted::TooEarly, Consequence::default());
    }
    record.hinted_at = Some(now);
    (Hinted::Hastened, follow_up(Payload::PollStatus(PollStatus::default())))
}

fn request_link(record: &mut Record, now: Timestamp) -> (LinkRequested, Consequence) {
    if can_reopen(record) {
        return (LinkRequested::Reopened, transition::reopen(record, true, None, now));
    }
    if record.stage.is_end() {
        return (LinkRequested::Ended(record.stage), Consequence::default());
    }
    if record.customer_id.is_none() {
        return (LinkRequested::TooEarly, Consequence::default());
    }
    let link = transition::next_link(record);
    (LinkRequested::Queued, follow_up(Payload::CreateLink(link)))
}

fn follow_up(payload: Payload) -> Consequence {
    Consequence { follow_ups: vec![FollowUp::now(payload)], ..Consequence::default() }
}
