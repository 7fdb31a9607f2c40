//! The books that are kept beside the store: what it was asked, what it answered, what the API truly did, and whether all
//! that agrees. Looked at after each step.

use std::collections::{BTreeMap, BTreeSet};

use gangway_jobs::id::OnboardingId;
use gangway_jobs::job::Hold;
use gangway_jobs::onboarding::{Record, Stage};
use gangway_store::{Inspection, SharedStore, Status, Target};

use crate::network::Network;
use crate::people::People;
use crate::violation::{Held, answered, broken};

mod attempts;
mod conclusions;
mod events;
mod leases;

pub(crate) use attempts::{Attempts, Loss, MAX_LOSSES};
pub(crate) use conclusions::nobody_twice;
pub(crate) use events::Events;
pub(crate) use leases::{Leases, named};

/// The books of one life of the store.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) leases: Leases,
    pub(crate) attempts: Attempts,
    pub(crate) events: Events,
    /// All that was taken in, with the stage it was last seen in.
    life: BTreeMap<OnboardingId, Stage>,
    /// Those that a person has called off, or asked to erase, while a job ran.
    asked_to_end: BTreeSet<OnboardingId>,
}

/// What the books are compared with.
pub(crate) struct Outside<'a> {
    pub(crate) store: &'a SharedStore,
    pub(crate) people: &'a People,
    pub(crate) network: &'a Network,
}

impl Books {
    pub(crate) fn new(epoch: gangway_jobs::event::Epoch, first_grant: u64) -> Self {
        Self {
            leases: Leases::new(first_grant),
            attempts: Attempts::default(),
            events: Events::new(epoch),
            life: BTreeMap::new(),
            asked_to_end: BTreeSet::new(),
        }
    }

    /// The store has taken it in.
    pub(crate) fn taken_in(&mut self, id: OnboardingId, people: &People) -> Held {
        if self.life.insert(id, Stage::Accepted).is_some() {
            return broken(
                "an onboarding is new once",
                format!("{} was taken in as new again", people.name(id)),
            );
        }
        Ok(())
    }

    /// Whether the store has taken it in.
    pub(crate) fn knows(&self, id: OnboardingId) -> bool {
        self.life.contains_key(&id)
    }

    /// The stage that it was last seen in.
    pub(crate) fn stage(&self, id: OnboardingId) -> Option<Stage> {
        self.life.get(&id).copied()
    }

    /// All that was taken in.
    pub(crate) fn all(&self) -> Vec<OnboardingId> {
        self.life.keys().copied().collect()
    }

    /// A pruned one was erased: only the store's sums tell.
    pub(crate) fn erased(&mut self, id: OnboardingId) {
        self.life.insert(id, Stage::Erased);
    }

    /// A person asked for its end while a job ran.
    pub(crate) fn end_requested(&mut self, id: OnboardingId) {
        self.asked_to_end.insert(id);
    }

    /// Compares everything: new events, the onboardings that were touched, the sums. What should have changed nothing is
    /// compared after the next step that should.
    pub(crate) async fn look(&mut self, touched: &BTreeSet<OnboardingId>, outside: &Outside<'_>) -> Held {
        if touched.is_empty() {
            return Ok(());
        }
        self.events.take_in(outside).await?;
        for id in touched {
            match answered(outside.store.find(Target::Id(*id)).await)? {
                Some(found) => self.look_at(&found, outside)?,
                None => self.look_for(*id, outside)?,
            }
        }
        self.sum_up(&answered(outside.store.status().await)?)
    }

    fn look_at(&mut self, found: &Inspection, outside: &Outside<'_>) -> Held {
        let Inspection { record, jobs } = found;
        let name = outside.people.name(record.id);
        self.life.insert(record.id, record.stage);
        self.leases.compare(record.id, jobs, outside.people)?;
        self.attempts.compare(record.id, jobs, outside.people)?;
        self.events.compare(record, name)?;
        self.request_stands(record, name)?;
        conclusions::compare(record, name, outside.network)?;
        let live = jobs.iter().filter(|job| !matches!(job.hold, Hold::Dead(_))).count();
        let waiting = jobs.iter().filter(|job| job.hold == Hold::Waiting).count();
        if !record.stage.is_end() && live == 0 {
            return broken(
                "nothing is lost",
                format!("{name} is {} and no job will bring it on", record.stage),
            );
        }
        if record.stage.is_end() && waiting > 0 {
            return broken(
                "an end is an end",
                format!("{name} is {} and has a job that waits", record.stage),
            );
        }
        Ok(())
    }

    /// A cancel or an erasure that was promised stands on the record until the round has ended as that.
    fn request_stands(&mut self, record: &Record, name: &str) -> Held {
        if !self.asked_to_end.contains(&record.id) {
            return Ok(());
        }
        if record.stage.is_end() {
            self.asked_to_end.remove(&record.id);
        } else if !(record.cancel_requested || record.erase_requested) {
            return broken(
                "what others wrote while a job ran stays written",
                format!("the end that was asked for {name} is forgotten"),
            );
        }
        Ok(())
    }

    /// No record: it must have been pruned after its end, or erased.
    fn look_for(&mut self, id: OnboardingId, outside: &Outside<'_>) -> Held {
        let name = outside.people.name(id);
        self.leases.compare(id, &[], outside.people)?;
        self.attempts.forget(id);
        let Some(stage) = self.life.get_mut(&id) else { return Ok(()) };
        if self.events.was_erased(id) {
            *stage = Stage::Erased;
            self.asked_to_end.remove(&id);
        }
        if !stage.is_end() {
            return broken("nothing is lost", format!("{name} was {stage} and is gone"));
        }
        Ok(())
    }

    fn sum_up(&self, status: &Status) -> Held {
        let mut expected: BTreeMap<Stage, u64> = BTreeMap::new();
        for stage in self.life.values() {
            *expected.entry(*stage).or_default() += 1;
        }
        if status.by_stage != expected {
            return broken(
                "onboardings = ends + in progress",
                format!("the store counts {:?}, there are {expected:?}", status.by_stage),
            );
        }
        Ok(())
    }

    /// Whether every round has ended.
    pub(crate) fn all_ended(&self) -> bool {
        self.life.values().all(|stage| stage.is_end())
    }
}
