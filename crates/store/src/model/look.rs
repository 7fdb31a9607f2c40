//! What people see.

use std::collections::BTreeMap;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::{JobId, OnboardingId};
use gangway_jobs::job::{Hold, State as JobState};
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::{Record, Stage};

use super::state::State;
use crate::words::{DeadFilter, DeadLetter, Inspection, Status, Target};

impl State {
    pub(super) fn status(&self, now: Timestamp) -> Status {
        let mut by_stage: BTreeMap<Stage, u64> = BTreeMap::new();
        let stages = self.records.values().map(|record| record.stage);
        for stage in stages.chain(self.ledger.values().map(|row| row.end)) {
            *by_stage.entry(stage).or_default() += 1;
        }
        let mut jobs: BTreeMap<Kind, BTreeMap<JobState, u64>> = BTreeMap::new();
        for job in self.jobs.values() {
            *jobs.entry(job.id.kind).or_default().entry(job.state(now)).or_default() += 1;
        }
        let groups = self.groups.iter().map(|(name, group)| (name.clone(), self.unread(group)));
        let status = Status {
            by_stage,
            jobs,
            outbox_length: self.events.len() as u64,
            groups: groups.collect(),
            circuit: Default::default(),
            paused: self.paused.iter().copied().collect(),
            workers: self.worker_states(now).into_iter().filter(|worker| worker.alive).collect(),
            unknown_hints: self.unknown_hints,
        };
        status.with_circuit(self.circuit.summary(now))
    }

    pub(super) fn inspect(&self, target: &Target) -> Option<Inspection> {
        let record = self.records.get(&self.resolve(target)?)?;
        let jobs = self.jobs_of(record.id).cloned().collect();
        Some(Inspection { record: record.clone(), jobs })
    }

    pub(super) fn records_after(&self, after: Option<OnboardingId>, limit: usize) -> Vec<Record> {
        let is_after = |record: &&Record| after.is_none_or(|after| record.id > after);
        self.records.values().filter(is_after).take(limit).cloned().collect()
    }

    pub(super) fn dead_letters(
        &self,
        which: &DeadFilter,
        after: Option<JobId>,
        limit: usize,
    ) -> Vec<DeadLetter> {
        let letter = |job: &gangway_jobs::job::Job| {
            let Hold::Dead(since) = job.hold else { return None };
            let reference = self.records.get(&job.id.onboarding).and_then(|record| record.reference.clone());
            let failure = job.failure.clone();
            Some(DeadLetter { job: job.id, reference, attempts: job.attempt, since, failure })
        };
        self.matching(which, after).take(limit).filter_map(letter).collect()
    }
}
