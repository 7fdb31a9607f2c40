//! What keeps leases and workers up, and what ends them: beats, rescues, crashes, freezes, good ends.

use gangway_jobs::id::JobId;
use gangway_store::{Release, Target};

use crate::audit::{Loss, named};
use crate::violation::{Held, answered, broken};
use crate::worker::Flight;
use crate::world::World;

/// Leases that are taken back at once.
const TAKE_BACK: usize = 100;

impl World {
    /// A worker dies.
    pub(crate) fn crash_worker(&mut self) {
        let place = self.chance.index(self.workers.len());
        if let Some(worker) = self.workers.get(place) {
            let number = worker.number;
            self.note(format_args!("w{number} dies"));
            self.end_worker(place);
        }
    }

    /// A worker ends in good order: what it has not begun goes back, what it has begun is cut short.
    pub(crate) async fn stop_worker(&mut self) -> Held {
        let Some(place) = self.someone() else { return Ok(()) };
        let ends = self.workers[place].ends();
        if !ends.is_empty() {
            self.hand_ends_in(place, ends, false).await?;
        }
        let worker = &self.workers[place];
        let (number, id) = (worker.number, worker.id());
        let release =
            |flight: &Flight| Release { job: flight.job, token: flight.token, started: flight.has_started() };
        let releases: Vec<Release> = worker.flights.iter().map(release).collect();
        for flight in &self.workers[place].flights {
            if self.books.leases.is_valid(flight.grant, flight.job) {
                self.books.attempts.released(flight.job);
            }
            self.touched.insert(flight.job.onboarding);
        }
        self.note(format_args!("w{number} stops and gives {} leases back", releases.len()));
        answered(self.store.release(releases).await)?;
        answered(self.store.deregister(id).await)?;
        self.end_worker(place);
        Ok(())
    }

    /// A worker stands still, or wakes up and knows of nothing.
    pub(crate) fn freeze_or_thaw(&mut self, freeze: bool) {
        let those: Vec<usize> =
            (0..self.workers.len()).filter(|place| self.workers[*place].frozen != freeze).collect();
        if let Some(place) = self.chance.pick(&those).copied() {
            let worker = &mut self.workers[place];
            worker.frozen = freeze;
            let (number, what) = (worker.number, if freeze { "freezes" } else { "wakes up" });
            self.note(format_args!("w{number} {what}"));
        }
    }

    /// A worker shows that it lives and renews its leases.
    pub(crate) async fn beat_one(&mut self) -> Held {
        match self.someone() {
            Some(place) => self.beat(place).await,
            None => Ok(()),
        }
    }

    /// That worker does, if it can.
    pub(crate) async fn beat(&mut self, place: usize) -> Held {
        let worker = &self.workers[place];
        if worker.frozen {
            return Ok(());
        }
        let busy = u32::try_from(worker.flights.len()).unwrap_or(u32::MAX);
        if !answered(self.store.beat(worker.id(), busy).await)? {
            answered(self.store.register(worker.info.clone()).await)?;
        }
        let worker = &self.workers[place];
        let still = answered(self.store.extend(worker.held(), worker.context.config.lease).await)?;
        let number = worker.number;
        for (flight, still) in worker.flights.iter().zip(&still) {
            if *still != self.books.leases.is_valid(flight.grant, flight.job) {
                let found = format!(
                    "w{number} is told {still} of #{} ({})",
                    flight.grant,
                    named(flight.job, &self.people)
                );
                return broken("a lease is renewed as long as it is held, and no longer", found);
            }
        }
        if still.is_empty() {
            return Ok(());
        }
        let line =
            format!("w{number} renews {} of {} leases", still.iter().filter(|it| **it).count(), still.len());
        self.note(line);
        Ok(())
    }

    /// The rescuer takes back what has run out.
    pub(crate) async fn take_back(&mut self) -> Held {
        let before: Vec<(JobId, u64, Loss)> = self.losses().await?;
        let taken = answered(self.store.take_back(TAKE_BACK).await)?;
        if taken.jobs > 0 {
            self.note(format_args!(
                "{} leases are taken back, {} jobs are poison",
                taken.jobs, taken.poisoned
            ));
        }
        self.touched.extend(before.iter().map(|(job, ..)| job.onboarding));
        for (job, _, loss) in before {
            if self.is_taken_back(job).await? {
                self.books.attempts.taken_back(job, loss);
            }
        }
        Ok(())
    }

    /// The leases, and what it would mean to lose each.
    async fn losses(&self) -> Held<Vec<(JobId, u64, Loss)>> {
        let states = answered(self.store.workers().await)?;
        let alive = |id| states.iter().any(|state| state.info.id == id && state.alive);
        let leases = self.books.leases.valid();
        Ok(leases
            .map(|(job, lease)| {
                (*job, lease.grant, if alive(lease.worker) { Loss::Lived } else { Loss::Died })
            })
            .collect())
    }

    async fn is_taken_back(&self, job: JobId) -> Held<bool> {
        let found = answered(self.store.find(Target::Id(job.onboarding)).await)?;
        let stored = found.into_iter().flat_map(|found| found.jobs).find(|stored| stored.id == job);
        Ok(stored.is_some_and(|stored| stored.lease().is_none()))
    }
}
