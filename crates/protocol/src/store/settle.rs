//! Settling, and giving back.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::LeaseToken;
use gangway_jobs::job::{Hold, Job, Lease};
use gangway_jobs::kind::Kind;
use gangway_jobs::outcome::{Outcome, Settled};
use gangway_jobs::transition::{self, Consequence, Loss};

use super::{Store, View};
use crate::bounds::MAX_LOSSES;
use crate::onboarding::Onboarding;
use crate::rule::Rule;
use crate::slot::Slot;

/// A settle as it arrives.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) slot: Slot,
    pub(crate) token: LeaseToken,
    pub(crate) outcome: Outcome,
    /// What the lease has read.
    pub(crate) view: Option<&'a View>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) settled: Settled,
    /// Nothing had to be read.
    pub(crate) unread: bool,
}

impl Store {
    pub(crate) fn settle(&mut self, ask: Ask<'_>, now: Timestamp, without: Option<Rule>) -> Answer {
        let place = ask.slot.place;
        let known = ask.view.filter(|view| self.still_stands(ask.slot, view, without));
        let unread = known.is_some();
        let mut onboarding = known.map_or(&self.onboardings[place], |view| &view.onboarding).as_ref().clone();
        if without == Some(Rule::EventWithItsChange) {
            self.tell_beforehand(place, &ask.outcome, now);
            onboarding = (*self.onboardings[place]).clone();
        }
        let Some((job, lease)) = proven(&onboarding, ask.slot.kind, ask.token, now, without) else {
            let is_repeat = onboarding.fences[ask.slot.kind.index()] == Some(ask.token);
            let settled = if is_repeat { Settled::Already } else { Settled::LeaseLost };
            return Answer { settled, unread };
        };
        let is_retry = matches!(ask.outcome, Outcome::Retry { .. });
        let end = transition::settle(&mut onboarding.record, job, &lease, ask.outcome, now);
        onboarding.write(Some(ask.slot.kind), torn(end, without), self.moment(now));
        onboarding.fences[ask.slot.kind.index()] = Some(ask.token);
        self.write(place, onboarding, without);
        if is_retry && without == Some(Rule::WaitingIsQueued) {
            self.due.remove(&ask.slot);
        }
        Answer { settled: Settled::Done, unread }
    }

    /// What happens if events are appended apart from the write.
    fn tell_beforehand(&mut self, place: usize, outcome: &Outcome, now: Timestamp) {
        let moment = self.moment(now);
        let mut onboarding = (*self.onboardings[place]).clone();
        for event in &outcome.step().events {
            onboarding.append(event, moment);
        }
        self.write(place, onboarding, None);
    }

    /// Ends a lease before its end; answers whether it was still held.
    pub(crate) fn release(
        &mut self,
        slot: Slot,
        token: LeaseToken,
        started: bool,
        now: Timestamp,
        without: Option<Rule>,
    ) -> bool {
        let mut onboarding = (*self.onboardings[slot.place]).clone();
        let Some((job, lease)) = onboarding.held(slot.kind, token) else { return false };
        let in_doubt = started && without != Some(Rule::StartedStaysInDoubt);
        let loss = if in_doubt { Loss::Excused } else { Loss::Unstarted };
        let end = transition::take_back(&mut onboarding.record, job, &lease, loss, MAX_LOSSES, now);
        onboarding.write(Some(slot.kind), end, self.moment(now));
        self.write(slot.place, onboarding, without);
        true
    }
}

/// The job with its lease, if the token proves it.
fn proven(
    onboarding: &Onboarding,
    kind: Kind,
    token: LeaseToken,
    now: Timestamp,
    without: Option<Rule>,
) -> Option<(Job, Lease)> {
    let job = onboarding.job(kind);
    let is_repeat = onboarding.fences[kind.index()] == Some(token);
    match without {
        Some(Rule::TokenProves) if !is_repeat => job.and_then(|job| Some((job.clone(), *job.lease()?))),
        Some(Rule::TakenBackIsOver) if !is_repeat => match job {
            Some(job) if matches!(job.hold, Hold::Waiting) => Some((job.clone(), made_up(token, now))),
            _ => onboarding.held(kind, token),
        },
        Some(Rule::RepeatIsKnown) if is_repeat => job.map(|job| (job.clone(), made_up(token, now))),
        _ => onboarding.held(kind, token),
    }
}

/// The lease that a store would believe in if it did not look.
fn made_up(token: LeaseToken, now: Timestamp) -> Lease {
    let worker = gangway_jobs::id::WorkerId::from_uuid(uuid::Uuid::nil());
    Lease { token, worker, since: now, until: now, uncertain_before: None, hastened: false }
}

/// The write without the part that was left for later.
fn torn(mut end: Consequence, without: Option<Rule>) -> Consequence {
    match without {
        Some(Rule::ChangeWithItsEvent) => end.events.clear(),
        Some(Rule::FollowUpWithTheEnd) => end.follow_ups.clear(),
        _ => {}
    }
    end
}
