//! What people and webhooks ask for.

use gangway_jobs::circuit::Resolution;
use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::JobId;
use gangway_jobs::job::{Hold, Job};
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::{Record, Stage};
use gangway_jobs::outcome::FollowUp;
use gangway_jobs::payload::{Payload, PollStatus};
use gangway_jobs::transition::{self, Consequence, EndRequest};

use super::state::State;
use crate::words::{DeadFilter, Hinted, LinkRequested, Target};

/// What stands in the way of steering an onboarding.
enum Footing {
    Open,
    Reopened,
    Ended(Stage),
    TooEarly,
}

impl State {
    fn record_of(&self, target: &Target) -> Option<Record> {
        self.resolve(target).and_then(|id| self.records.get(&id)).cloned()
    }

    /// Reopens what can be; the record is written in any case.
    fn reopen_if_ended(&mut self, record: &mut Record, eager_link: bool, now: Timestamp) -> Footing {
        match record.stage {
            Stage::Rejected | Stage::Expired => {
                let again = transition::reopen(record, eager_link, None, now);
                self.write(record.clone(), None, again, now);
                Footing::Reopened
            }
            Stage::Approved | Stage::Dead | Stage::Cancelled | Stage::Erased => Footing::Ended(record.stage),
            _ if record.customer_id.is_none() => Footing::TooEarly,
            Stage::Accepted | Stage::Created | Stage::Linked | Stage::InReview | Stage::ActionRequired => {
                Footing::Open
            }
        }
    }

    pub(super) fn hint(&mut self, target: &Target, now: Timestamp) -> Hinted {
        let Some(mut record) = self.record_of(target) else {
            self.unknown_hints += 1;
            return Hinted::Unknown;
        };
        let eager = self.policies.eager_links;
        let hinted_before = record.hinted_at;
        record.hinted_at = Some(now);
        match self.reopen_if_ended(&mut record, eager, now) {
            Footing::Reopened => Hinted::Reopened,
            Footing::Ended(stage) => {
                record.hinted_at = hinted_before;
                Hinted::Ended(stage)
            }
            Footing::TooEarly => Hinted::TooEarly,
            Footing::Open => {
                let poll = FollowUp::now(Payload::PollStatus(PollStatus::default()));
                let asked = Consequence { follow_ups: vec![poll], ..Consequence::default() };
                self.write(record, None, asked, now);
                Hinted::Hastened
            }
        }
    }

    pub(super) fn request_link(&mut self, target: &Target, now: Timestamp) -> LinkRequested {
        let Some(mut record) = self.record_of(target) else { return LinkRequested::Unknown };
        match self.reopen_if_ended(&mut record, true, now) {
            Footing::Reopened => LinkRequested::Reopened,
            Footing::Ended(stage) => LinkRequested::Ended(stage),
            Footing::TooEarly => LinkRequested::TooEarly,
            Footing::Open => {
                let link = FollowUp::now(Payload::CreateLink(transition::next_link(&record)));
                let asked = Consequence { follow_ups: vec![link], ..Consequence::default() };
                self.write(record, None, asked, now);
                LinkRequested::Queued
            }
        }
    }

    pub(super) fn pause(&mut self, kind: Option<Kind>) {
        self.paused.extend(kinds(kind));
    }

    pub(super) fn resume(&mut self, kind: Option<Kind>) {
        for kind in kinds(kind) {
            self.paused.remove(&kind);
        }
    }

    pub(super) fn cancel(&mut self, target: &Target, now: Timestamp) -> Option<EndRequest> {
        let mut record = self.record_of(target)?;
        let leased = self.is_leased(record.id);
        let (answer, consequence) = transition::cancel(&mut record, leased, now);
        self.write(record, None, consequence, now);
        Some(answer)
    }

    pub(super) fn erase(&mut self, target: &Target, now: Timestamp) -> Option<EndRequest> {
        let Some(mut record) = self.record_of(target) else { return self.erase_pruned(target) };
        let leased = self.is_leased(record.id);
        let (answer, consequence) = transition::erase(&mut record, leased, now);
        self.write(record, None, consequence, now);
        Some(answer)
    }

    /// Of a pruned onboarding there is only what its ledger row and its events tell.
    fn erase_pruned(&mut self, target: &Target) -> Option<EndRequest> {
        let Target::Id(id) = target else { return None };
        let row = self.ledger.get_mut(id)?;
        if row.end == Stage::Erased {
            return Some(EndRequest::Already(Stage::Erased));
        }
        row.end = Stage::Erased;
        (row.email_key, row.content, row.later_key) = (None, None, None);
        self.redact(*id);
        Some(EndRequest::Ended)
    }

    /// Dead letters that match, in the order of their ids.
    pub(super) fn matching(&self, which: &DeadFilter, after: Option<JobId>) -> impl Iterator<Item = &Job> {
        self.jobs.values().filter(move |job| {
            let code = job.failure.as_ref().map(|failure| failure.code.as_str());
            matches!(job.hold, Hold::Dead(since) if which.covers(since))
                && after.is_none_or(|after| job.id > after)
                && which.onboarding.is_none_or(|id| job.id.onboarding == id)
                && which.kind.is_none_or(|kind| job.id.kind == kind)
                && which.code.as_deref().is_none_or(|wanted| code == Some(wanted))
        })
    }

    pub(super) fn redrive(&mut self, which: &DeadFilter, limit: usize, now: Timestamp) -> usize {
        let dead: Vec<Job> = self.matching(which, None).take(limit).cloned().collect();
        for job in &dead {
            if let Some(mut record) = self.records.get(&job.id.onboarding).cloned() {
                let consequence = transition::redrive(&mut record, job.clone(), now);
                self.write(record, Some(job.id), consequence, now);
            }
        }
        dead.len()
    }

    pub(super) fn drop_dead(&mut self, which: &DeadFilter, limit: usize) -> usize {
        let dead: Vec<JobId> = self.matching(which, None).take(limit).map(|job| job.id).collect();
        for id in &dead {
            self.jobs.remove(id);
        }
        dead.len()
    }

    pub(super) fn resolve_circuit(&mut self, resolution: Resolution, now: Timestamp) -> Vec<Kind> {
        let policy = self.policies.circuit.clone();
        let kinds = self.circuit.resolve(resolution, &policy, now);
        // The parked are tried again either way: as if nothing had been, or to be buried if they meet it again.
        for job in self.jobs.values_mut().filter(|job| job.parked && kinds.contains(&job.id.kind)) {
            job.parked = false;
            transition::hasten(job, now);
        }
        kinds
    }
}

fn kinds(kind: Option<Kind>) -> Vec<Kind> {
    kind.map_or_else(|| Kind::ALL.to_vec(), |kind| vec![kind])
}
