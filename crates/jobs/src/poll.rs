//! Following a customer's KYB status: what a read means, and when to look again.

use std::time::Duration;

use serde_json::json;

use crate::clock::Timestamp;
use crate::event::{EventType, NewEvent};
use crate::kyb::Status;
use crate::onboarding::{Kyb, Record, Stage};
use crate::outcome::{FollowUp, Outcome, Step};
use crate::payload::Payload;
use crate::transition;

/// How often to look, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollPolicy {
    /// The shortest interval: under review and after a hint or a change. The random part doubles it at most.
    pub min_interval: Duration,
    /// The longest interval: a form that nobody touches.
    pub max_interval: Duration,
    /// How long nothing may change in `INIT` or `PENDING_RESPONSE`.
    pub give_up_after: Duration,
    /// Whether `PENDING_RESPONSE` makes a link at once.
    pub eager_links: bool,
}

impl Default for PollPolicy {
    fn default() -> Self {
        Self {
            min_interval: Duration::from_secs(30),
            max_interval: Duration::from_hours(1),
            give_up_after: Duration::from_hours(720),
            eager_links: true,
        }
    }
}

impl PollPolicy {
    /// How long a hint or a change keeps polls frequent.
    const RECENT: Duration = Duration::from_mins(10);

    /// Checks the values against each other.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn validate(&self) -> Result<(), String> {
        if self.min_interval.is_zero() || self.min_interval > self.max_interval {
            return Err("poll.min_interval must be more than zero and at most poll.max_interval".to_owned());
        }
        if self.give_up_after < self.max_interval {
            return Err("poll.give_up_after must be at least poll.max_interval".to_owned());
        }
        Ok(())
    }

    /// How long to wait before the next look. `random` lies in `[0, 1)`; `crowd` is how long one round of polls of all
    /// waiting onboardings takes under the rate limit.
    pub fn delay(&self, record: &Record, now: Timestamp, random: f64, crowd: Duration) -> Duration {
        let status = record.status();
        let since_change = now.since(record.status_since);
        let since_hint = record.hinted_at.map_or(Duration::MAX, |at| now.since(at));
        let busy = status.is_some_and(Status::is_under_review) && !record.stale;
        let base = if busy || since_change.min(since_hint) < Self::RECENT {
            self.min_interval
        } else {
            // A tenth of its age: a form untouched for five hours is looked at every half hour.
            (since_change / 10).clamp(self.min_interval, self.max_interval)
        };
        let random = random.clamp(0.0, 1.0);
        let crowd = crowd.min(self.give_up_after);
        let jittered = base.max(crowd).mul_f64(1.0 + random);
        // The longest interval is jittered too, or all forms of one import would be looked at in one minute for ever.
        let longest = self.max_interval.max(crowd * 2).mul_f64(0.75 + 0.25 * random);
        jittered.min(longest).max(self.min_interval)
    }

    /// What one read means.
    pub fn decide(
        &self,
        record: &Record,
        seen: Kyb,
        now: Timestamp,
        random: f64,
        crowd: Duration,
    ) -> Outcome {
        let status = seen.status.status();
        let changed = record.kyb.as_ref().is_none_or(|known| known.status != seen.status);
        let moved = seen.has_moved_since(record.kyb.as_ref());
        let old_rejection = is_old_rejection(record, &seen);
        let mut step = Step::default();
        step.patch.polled = true;
        step.patch.forget_rejection = record.rejected_before.is_some() && !old_rejection;
        if changed {
            step.events.push(status_changed(record, &seen));
        }
        if moved && status == Status::PendingResponse {
            step.events.push(action_required(record, &seen));
            if self.eager_links {
                let link = transition::next_link(record);
                step.patch.link_wanted = Some(link.ordinal);
                step.follow_ups.push(FollowUp::now(Payload::CreateLink(link)));
            }
        }
        step.patch.kyb = Some(seen);
        step.patch.stage = stage_of(status, record).filter(|_| !old_rejection);
        if matches!(step.patch.stage, Some(Stage::Approved | Stage::Rejected)) {
            return Outcome::Complete(step);
        }
        let quiet_for = if moved { Duration::ZERO } else { now.since(record.status_since) };
        if quiet_for >= self.give_up_after {
            // A rejection that another round was to overcome waits for the customer as a form does.
            if old_rejection || matches!(status, Status::Init | Status::PendingResponse) {
                step.patch.stage = Some(Stage::Expired);
                return Outcome::Complete(step);
            }
            step.patch.stale = Some(true);
        } else if record.stale {
            step.patch.stale = Some(false);
        }
        let mut seen_record = record.clone();
        if moved {
            seen_record.status_since = now;
        }
        seen_record.kyb.clone_from(&step.patch.kyb);
        seen_record.stale = step.patch.stale.unwrap_or(record.stale);
        Outcome::Snooze { after: self.delay(&seen_record, now, random, crowd), step }
    }
}

/// In a round that began with a rejection, that same rejection is not yet this round's.
fn is_old_rejection(record: &Record, seen: &Kyb) -> bool {
    seen.status.status() == Status::Rejected
        && record.rejected_before.as_ref().is_some_and(|before| before.updated_at == seen.updated_at)
}

fn stage_of(status: Status, record: &Record) -> Option<Stage> {
    match status {
        Status::Approved => Some(Stage::Approved),
        Status::Rejected => Some(Stage::Rejected),
        Status::PendingResponse => Some(Stage::ActionRequired),
        Status::PendingReview
        | Status::UnderReview
        | Status::Escalated
        | Status::PendingApproval
        | Status::Provisioning => Some(Stage::InReview),
        // Back to the form: as far as its links go.
        Status::Init if record.link.is_some() => Some(Stage::Linked),
        Status::Init => Some(Stage::Created),
        Status::Unknown => None,
    }
}

fn status_changed(record: &Record, seen: &Kyb) -> NewEvent {
    let mut data = transition::about(record);
    data["previous_status"] = data["kyb_status"].take();
    data["kyb_status"] = json!(seen.status);
    data["api_updated_at"] = json!(seen.updated_at);
    NewEvent { kind: EventType::StatusChanged, fact: fact(record, seen), data }
}

fn action_required(record: &Record, seen: &Kyb) -> NewEvent {
    let mut data = transition::about(record);
    data["kyb_status"] = json!(seen.status);
    data["api_updated_at"] = json!(seen.updated_at);
    NewEvent { kind: EventType::ActionRequired, fact: fact(record, seen), data }
}

fn fact(record: &Record, seen: &Kyb) -> String {
    format!("{} {} {}", record.round, seen.status.as_str().to_ascii_uppercase(), seen.updated_at)
}

#[cfg(test)]
mod tests;
