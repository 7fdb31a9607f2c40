//! Pruning: from a record that has ended to its ledger row.

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::OnboardingId;
use gangway_jobs::onboarding::LedgerRow;

use super::state::State;

impl State {
    pub(super) fn prune(&mut self, ended_before: Timestamp, limit: usize) -> usize {
        let mut old: Vec<OnboardingId> = self
            .records
            .values()
            .filter(|record| self.ended_at.get(&record.id).is_some_and(|at| *at < ended_before))
            .filter(|record| !self.is_leased(record.id) && record.is_told_by_a_ledger_row())
            .map(|record| record.id)
            .collect();
        old.sort_by_key(|id| (self.ended_at.get(id), self.places.get(id)));
        old.truncate(limit);
        for id in &old {
            if let Some(record) = self.records.remove(id) {
                self.ledger.insert(*id, LedgerRow::of(&record));
                self.jobs.retain(|job, _| job.onboarding != *id);
                self.fences.retain(|job, _| job.onboarding != *id);
                self.ended_at.remove(id);
            }
        }
        old.len()
    }
}
