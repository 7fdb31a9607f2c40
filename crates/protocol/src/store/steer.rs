//! What people and hints ask for.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::job::Hold;
use gangway_jobs::kind::Kind;
use gangway_jobs::outcome::FollowUp;
use gangway_jobs::payload::{Payload, PollStatus};
use gangway_jobs::transition;

use super::Store;
use crate::rule::Rule;

impl Store {
    /// Whether a hint about the onboarding changes anything.
    pub(crate) fn takes_hints(&self, place: usize) -> bool {
        let record = &self.onboardings[place].record;
        record.customer_id.is_some() && !record.stage.is_end()
    }

    /// Brings the poll forward, or queues one.
    pub(crate) fn hint(&mut self, place: usize, now: Timestamp, without: Option<Rule>) {
        let mut onboarding = (*self.onboardings[place]).clone();
        onboarding.record.hinted_at = Some(now);
        let is_leased =
            onboarding.job(Kind::PollStatus).is_some_and(|job| matches!(job.hold, Hold::Leased(_)));
        if !(is_leased && without == Some(Rule::HasteReachesTheLeased)) {
            onboarding.queue(&FollowUp::now(Payload::PollStatus(PollStatus::default())), now);
        }
        self.write(place, onboarding, without);
    }

    /// Calls an onboarding off.
    pub(crate) fn cancel(&mut self, place: usize, now: Timestamp, without: Option<Rule>) {
        let mut onboarding = (*self.onboardings[place]).clone();
        let leased = onboarding.is_leased() && without != Some(Rule::CancelWaitsForTheSettle);
        let (_, end) = transition::cancel(&mut onboarding.record, leased, now);
        self.called_off.insert(place);
        onboarding.write(None, end, self.moment(now));
        self.write(place, onboarding, without);
    }
}
