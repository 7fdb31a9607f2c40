//! Enqueue.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::enqueue::{self, Answer, Known, NewOnboarding};
use gangway_jobs::id::OnboardingId;
use gangway_jobs::identity::EmailKey;
use gangway_jobs::outcome::FollowUp;
use gangway_jobs::transition::{self, Consequence};

use super::state::State;
use crate::{Error, Result};

impl State {
    pub(super) fn enqueue(&mut self, batch: &[NewOnboarding], now: Timestamp) -> Result<Vec<Answer>> {
        crate::bounds::bounded(batch.len())?;
        for (index, new) in batch.iter().enumerate() {
            let (bytes, max) = (new.payload().encode().len(), gangway_jobs::payload::MAX_BYTES);
            if bytes > max {
                return Err(Error::PayloadTooLarge { index, bytes, max });
            }
        }
        Ok(batch.iter().map(|new| self.enqueue_one(new, now)).collect())
    }

    fn enqueue_one(&mut self, new: &NewOnboarding, now: Timestamp) -> Answer {
        let known = match (self.records.get(&new.id), self.ledger.get(&new.id)) {
            (Some(record), _) => Known::Record(record),
            (None, Some(row)) => Known::Ledger(row),
            (None, None) => Known::Nothing,
        };
        let answer = enqueue::decide(new, &known, self.owner_of(new.email_key));
        match answer {
            _ if self.records.get(&new.id).is_some_and(|record| enqueue::is_repeat(new, record)) => {}
            Answer::New => self.take_in(new, now),
            Answer::Revived => self.revive(new, now),
            Answer::Duplicate | Answer::ConflictingContent | Answer::ConflictingEmail => {}
        }
        answer
    }

    fn owner_of(&self, email: EmailKey) -> Option<OnboardingId> {
        let kept = self.records.values().find(|record| record.email_key == email).map(|record| record.id);
        kept.or_else(|| self.ledger.values().find(|row| row.email_key == Some(email)).map(|row| row.id))
    }

    fn take_in(&mut self, new: &NewOnboarding, now: Timestamp) {
        let record = enqueue::new_record(new, now);
        let create = Consequence { follow_ups: vec![FollowUp::now(new.payload())], ..Consequence::default() };
        self.write(record, None, create, now);
    }

    fn revive(&mut self, new: &NewOnboarding, now: Timestamp) {
        let kept = self.records.get(&new.id).cloned();
        let row = self.ledger.remove(&new.id);
        let Some(mut record) = kept.or_else(|| row.map(|row| enqueue::record_from_ledger(new, &row, now)))
        else {
            return;
        };
        enqueue::take_over(&mut record, new);
        let eager = self.policies.eager_links;
        let again = transition::reopen(&mut record, eager, Some(new.payload()), now);
        self.write(record, None, again, now);
    }
}
