//! What happens next: one action, drawn by its weight.

use crate::violation::Held;
use crate::worker::Flight;
use crate::world::World;

mod passing;
mod steering;
mod upkeep;
mod working;

/// Something that can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Import,
    CrashImport,
    HandIn,
    Lease,
    GoOn,
    Answer,
    Settle,
    StartWorker,
    CrashWorker,
    StopWorker,
    Freeze,
    Thaw,
    Beat,
    TakeBack,
    Pass,
    Jump,
    Mood,
    Hint,
    RequestLink,
    Cancel,
    Erase,
    Redrive,
    DropDead,
    Pause,
    Resume,
    Limits,
    Resolve,
    Prune,
    Consume,
    LoseTheStore,
}

impl World {
    /// One action, and the books after it.
    pub(crate) async fn act(&mut self) -> Held {
        let weights = self.weights();
        if let Some(action) = self.chance.weighted(&weights) {
            self.take(action).await?;
        }
        self.look().await
    }

    fn weights(&self) -> [(u64, Action); 30] {
        let crashes = self.profile.crashes;
        let importing = if self.is_importing() || self.importer.done == [0, 0] { 25 } else { 1 };
        let few_workers = if self.workers.len() < self.profile.workers { 12 } else { 0 };
        let frozen = self.workers.iter().filter(|worker| worker.frozen).count() as u64;
        let flights = || self.workers.iter().flat_map(|worker| &worker.flights);
        let some = |weight: u64, there_are: bool| if there_are { weight } else { 0 };
        let has_customers = u64::from(!self.books.all().is_empty());
        [
            (importing, Action::Import),
            (u64::from(self.is_importing()), Action::CrashImport),
            (1, Action::HandIn),
            (16, Action::Lease),
            (some(30, flights().any(Flight::can_go_on)), Action::GoOn),
            (some(40, flights().any(|flight| flight.call.is_some())), Action::Answer),
            (some(25, flights().any(|flight| flight.end.is_some())), Action::Settle),
            (few_workers, Action::StartWorker),
            (crashes, Action::CrashWorker),
            (crashes.min(1), Action::StopWorker),
            (crashes, Action::Freeze),
            (frozen, Action::Thaw),
            (some(6, flights().next().is_some()), Action::Beat),
            (some(8, self.books.leases.valid().next().is_some()), Action::TakeBack),
            (16, Action::Pass),
            (u64::from(self.jumps.min(1)), Action::Jump),
            (u64::from(self.profile.storm > 0), Action::Mood),
            (3 * has_customers, Action::Hint),
            (2 * has_customers, Action::RequestLink),
            (has_customers, Action::Cancel),
            (u64::from(self.profile.steps.is_multiple_of(2)) * has_customers, Action::Erase),
            (3 * u64::from(self.profile.may_refuse()), Action::Redrive),
            (u64::from(self.profile.steps.is_multiple_of(3)), Action::DropDead),
            (1, Action::Pause),
            (3, Action::Resume),
            (1, Action::Limits),
            (1, Action::Resolve),
            (2, Action::Prune),
            (5, Action::Consume),
            (u64::from(self.profile.loses_the_store), Action::LoseTheStore),
        ]
    }

    async fn take(&mut self, action: Action) -> Held {
        match action {
            Action::Import => {
                let file = usize::from(self.importer.done != [0, 0] && self.chance.happens(500));
                self.import(file).await
            }
            Action::CrashImport => {
                self.crash_import();
                Ok(())
            }
            Action::HandIn => self.hand_in_one().await,
            Action::Lease => self.lease().await,
            Action::GoOn => {
                self.go_on();
                Ok(())
            }
            Action::Answer => {
                self.answer();
                Ok(())
            }
            Action::Settle => self.settle().await,
            Action::StartWorker => self.start_worker().await.map(drop),
            Action::CrashWorker => {
                self.crash_worker();
                Ok(())
            }
            Action::StopWorker => self.stop_worker().await,
            Action::Freeze | Action::Thaw => {
                self.freeze_or_thaw(action == Action::Freeze);
                Ok(())
            }
            Action::Beat => self.beat_one().await,
            Action::TakeBack => self.take_back().await,
            Action::Pass => self.let_time_pass().await,
            Action::Jump => {
                self.jump();
                Ok(())
            }
            Action::Mood => {
                self.change_mood();
                Ok(())
            }
            Action::Hint => self.hint().await,
            Action::RequestLink => self.request_link().await,
            Action::Cancel => self.cancel().await,
            Action::Erase => self.erase().await,
            Action::Redrive => self.redrive().await,
            Action::DropDead => self.drop_dead().await,
            Action::Pause => self.pause().await,
            Action::Resume => self.resume().await,
            Action::Limits => self.set_limits().await,
            Action::Resolve => self.resolve().await,
            Action::Prune => self.prune().await,
            Action::Consume => {
                let dies = self.chance.happens(250);
                self.consume(dies).await.map(drop)
            }
            Action::LoseTheStore => {
                self.profile.loses_the_store = false;
                self.lose_the_store().await
            }
        }
    }
}
