//! Keeping the store small: records that ended long ago become ledger rows.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::OnboardingId;
use gangway_jobs::onboarding::Record;
use uuid::Uuid;

use super::desk::{Desk, Wanted};
use super::portion::PORTION;
use super::reply::{bytes, list, other_form};
use super::{RedisStore, keys, outbox};
use crate::Result;

impl RedisStore {
    pub(super) async fn prune_ended(&self, ended_before: Timestamp, limit: usize) -> Result<usize> {
        // What an erasure left to clean because its process died.
        outbox::redact_all(&self.core).await?;
        let (mut pruned, mut past) = (0, 0);
        while pruned < limit {
            let candidates = self.ended(ended_before, past, PORTION.min(limit - pruned)).await?;
            if candidates.is_empty() {
                break;
            }
            let done = self.reduce(&candidates).await?;
            // What runs, or cannot be read, stays where it is: the next page lies behind it.
            past += candidates.len() - done;
            pruned += done;
        }
        Ok(pruned)
    }

    async fn ended(&self, before: Timestamp, past: usize, count: usize) -> Result<Vec<OnboardingId>> {
        const ACTION: &str = "prune records";
        let mut page = redis::cmd("ZRANGEBYSCORE");
        page.arg(self.core.keys.of(keys::ENDED)).arg("-inf").arg(format!("({}", before.as_millis()));
        page.arg("LIMIT").arg(past).arg(count);
        let members = list(self.core.work.send(ACTION, &page).await?).ok_or_else(|| other_form(ACTION))?;
        let id = |member| Uuid::from_slice(bytes(member)?.get(6..)?).ok().map(OnboardingId::from_uuid);
        Ok(members.into_iter().filter_map(id).collect())
    }

    async fn reduce(&self, candidates: &[OnboardingId]) -> Result<usize> {
        let wanted = Wanted { ids: candidates.to_vec(), ..Wanted::default() };
        let reduce = |desk: &mut Desk<'_>| {
            let life = desk.moment.life;
            let mut reduced = 0;
            for id in candidates {
                let draft = desk.draft(*id)?;
                let is_told = |record: &Record| record.stage.is_end() && record.is_told_by_a_ledger_row();
                if draft.record().is_some_and(is_told) && !draft.is_leased() {
                    draft.reduce(life);
                    reduced += 1;
                }
            }
            Ok(reduced)
        };
        self.core.decide("prune records", wanted, reduce).await
    }
}
