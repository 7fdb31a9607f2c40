//! The end of all faults: everything that was begun must now come to its end, and every end must be true.

use std::time::Duration;

use gangway_jobs::kind::Kind;

use crate::network::Mood;
use crate::violation::{Held, answered, broken};
use crate::world::World;

/// Rounds of work after which something stands still.
const PATIENCE: u32 = 3_000;

/// The longest sleep of a worker that finds nothing to do.
const NAP: Duration = Duration::from_hours(4);

impl World {
    /// Ends all faults, and works until every onboarding has ended.
    pub(crate) async fn heal(&mut self) -> Held {
        self.note("all faults end");
        (self.network.mood, self.network.storm) = (Mood::Up, 0);
        answered(self.store.resume(None).await)?;
        answered(self.store.set_limits(None).await)?;
        // Whoever froze wakes up; all but one die, so that their leases must run out.
        while self.workers.len() > 1 {
            self.crash_worker();
        }
        match self.workers.first_mut() {
            Some(worker) => worker.frozen = false,
            None => self.start_worker().await.map(drop)?,
        }
        let mut idle = 0;
        for _ in 0..PATIENCE {
            let before = self.books.leases.last();
            let nap = self.work_once().await?;
            idle = if self.books.leases.last() == before { idle + 1 } else { 0 };
            self.look().await?;
            if self.is_done() {
                return self.close_the_books().await;
            }
            // As a worker's fetcher, it asks less and less often: a clock that was set back may stand still for a while.
            let least = Duration::from_millis(5) * idle.clamp(1, 200);
            let by = nap.unwrap_or(NAP).clamp(least, NAP);
            self.pass(by).await;
        }
        let open: Vec<String> = self.open();
        broken("everything comes to an end when the faults do", format!("{} did not", open.join(", ")))
    }

    fn is_done(&self) -> bool {
        self.importer.done.iter().any(|done| *done > 0)
            && !self.is_importing()
            && self.books.all_ended()
            && self.workers.iter().all(|worker| worker.flights.is_empty())
            && self.books.leases.valid().next().is_none()
    }

    fn open(&self) -> Vec<String> {
        let ids = self.books.all().into_iter().filter(|id| self.is_open(*id));
        ids.map(|id| self.people.name(id).to_owned()).collect()
    }

    /// Everybody does all that can be done now. Answers how long to sleep.
    async fn work_once(&mut self) -> Held<Option<Duration>> {
        let mut nap = self.network.idle_for();
        if self.is_importing() || self.importer.done == [0, 0] {
            self.import(0).await?;
            nap = Some(Duration::from_secs(31));
        }
        self.take_back().await?;
        self.look().await?;
        for place in 0..self.workers.len() {
            self.beat(place).await?;
            for kind in Kind::ALL {
                let ask_again = self.lease_kind(place, kind, false).await?;
                nap = [nap, ask_again].into_iter().flatten().min();
            }
            self.run_flights(place);
            let ends = self.workers[place].ends();
            if !ends.is_empty() {
                self.hand_ends_in(place, ends, false).await?;
                nap = Some(Duration::ZERO);
            }
            if !self.workers[place].flights.is_empty() {
                nap = Some(nap.unwrap_or(NAP).min(Duration::from_secs(1)));
            }
        }
        if self.books.leases.valid().next().is_some() {
            nap = Some(nap.unwrap_or(NAP).min(LEASE));
        }
        Ok(nap)
    }

    /// Every handler of a worker goes on for as long as it waits for nothing but answers.
    fn run_flights(&mut self, place: usize) {
        for flight in 0..self.workers[place].flights.len() {
            // A create looks up several keys at most; then it ends, or waits for a permit.
            for _ in 0..20 {
                self.carry(place, flight);
                if !self.workers[place].flights[flight].can_go_on() {
                    break;
                }
                self.poll(place, flight);
                if self.workers[place].flights[flight].call.is_none() {
                    break;
                }
            }
        }
    }

    /// The last look: nothing is leased, and consumers have got everything.
    async fn close_the_books(&mut self) -> Held {
        self.touch_all();
        self.look().await?;
        self.pass(Duration::from_mins(1)).await;
        while self.consume(false).await? > 0 {}
        self.consumer_has_all()
    }
}

/// A lease that may have to run out first.
const LEASE: Duration = Duration::from_secs(10);
