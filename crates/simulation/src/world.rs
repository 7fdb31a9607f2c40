//! Everything of one run: the people, the store, the workers, the network, the books.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use gangway_jobs::clock::Clock;
use gangway_jobs::id::{OnboardingId, WorkerId};
use gangway_store::model::ModelStore;
use gangway_store::sqlite::SqliteStore;
use gangway_store::stamp::Expected;
use gangway_store::{SharedStore, WorkerInfo};
use gangway_worker::{Chance as Jitter, Context, Limit};

use crate::Kind;
use crate::audit::{Books, Outside, nobody_twice};
use crate::chance::Chance;
use crate::consumer::Consumer;
use crate::importer::Importer;
use crate::network::{Network, WorkerApi};
use crate::people::People;
use crate::profile::{self, Profile};
use crate::time::{MachineClock, Time};
use crate::trace::Trace;
use crate::violation::{Held, answered};
use crate::worker::Worker;

/// The longest that a call waits for its answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// A run.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) chance: Chance,
    pub(crate) trace: Trace,
    pub(crate) time: Time,
    pub(crate) profile: Profile,
    pub(crate) people: People,
    pub(crate) network: Network,
    pub(crate) store: SharedStore,
    kind: Kind,
    pub(crate) store_clock: MachineClock,
    pub(crate) workers: Vec<Worker>,
    workers_so_far: u32,
    pub(crate) importer: Importer,
    pub(crate) consumer: Consumer,
    pub(crate) books: Books,
    /// What this step may have changed.
    pub(crate) touched: BTreeSet<OnboardingId>,
    /// How often somebody may still set the store's clock.
    pub(crate) jumps: u32,
}

impl World {
    /// The beginning of a run.
    pub(crate) async fn new(seed: u64, kind: Kind, trace: Trace) -> Held<Self> {
        let mut chance = Chance::new(seed);
        let profile = Profile::draw(&mut chance);
        let people = People::draw(&mut chance, profile.someone_is_taken);
        let identity = people.identity.clone();
        let mut network = Network::new(chance.word(), profile.knobs.clone(), profile.storm, identity)?;
        for email in &people.taken {
            network.occupy(email, chance.uuid());
        }
        let time = Time::default();
        let store_clock = MachineClock::new(&time, 0);
        let store = make(kind, &people, &store_clock)?;
        let epoch = answered(store.stamp().await)?.epoch;
        Ok(Self {
            importer: Importer::default(),
            consumer: Consumer::default(),
            books: Books::new(epoch, 0),
            touched: BTreeSet::new(),
            workers: Vec::new(),
            workers_so_far: 0,
            jumps: 2,
            chance,
            trace,
            time,
            profile,
            people,
            network,
            store,
            kind,
            store_clock,
        })
    }

    /// Notes what happened.
    pub(crate) fn note(&mut self, what: impl Display) {
        self.trace.note(self.time.passed(), what);
    }

    /// All onboardings may have changed.
    pub(crate) fn touch_all(&mut self) {
        self.touched.extend(self.books.all());
    }

    /// Compares the books with everything that this step may have changed.
    pub(crate) async fn look(&mut self) -> Held {
        let touched = std::mem::take(&mut self.touched);
        let outside = Outside { store: &self.store, people: &self.people, network: &self.network };
        let looked = self.books.look(&touched, &outside).await;
        for news in std::mem::take(&mut self.books.events.news) {
            self.note(news);
        }
        looked?;
        nobody_twice(&self.network)
    }

    /// Lets time pass: for the API's users, for calls that get no answer, for timers.
    pub(crate) async fn pass(&mut self, by: Duration) {
        let mut left = by;
        while !left.is_zero() {
            let now = self.time.passed();
            let step = self.next_moment().map_or(left, |at| at.saturating_sub(now).clamp(MOMENT, left));
            self.time.pass(step).await;
            left -= step;
            self.network.pass(step, self.time.passed());
            self.end_old_calls();
        }
    }

    /// When something happens by itself.
    fn next_moment(&self) -> Option<Duration> {
        let calls = self.workers.iter().flat_map(|worker| &worker.flights);
        let timeouts =
            calls.filter_map(|flight| flight.call.as_ref().map(|(_, since)| *since + CALL_TIMEOUT));
        timeouts.chain(self.network.next_effect()).min()
    }

    /// Calls that had no answer for too long: their clients give up.
    fn end_old_calls(&mut self) {
        let now = self.time.passed();
        for flight in self.workers.iter_mut().flat_map(|worker| &mut worker.flights) {
            if let Some((posted, _)) = flight.call.take_if(|(_, since)| *since + CALL_TIMEOUT <= now) {
                self.network.let_go(posted, now, &mut self.chance);
            }
        }
    }

    /// Starts a worker; answers its place.
    pub(crate) async fn start_worker(&mut self) -> Held<usize> {
        self.workers_so_far += 1;
        let number = self.workers_so_far;
        let clock =
            MachineClock::new(&self.time, i64::try_from(self.chance.below(4_000)).unwrap_or(0) - 2_000);
        let config = profile::config();
        let info = WorkerInfo {
            id: WorkerId::from_uuid(self.chance.uuid()),
            name: format!("w{number}"),
            slots: 8,
            patience: config.lease,
        };
        let context = Context {
            store: Arc::clone(&self.store),
            api: Arc::new(WorkerApi::new(clock.clone())),
            identity: self.people.identity.clone(),
            config,
            clock: Arc::new(clock),
            worker: info.id,
            limit: Limit::default(),
            chance: Jitter::seeded(self.chance.word()),
        };
        answered(self.store.register(info.clone()).await)?;
        self.note(format_args!("w{number} starts"));
        let context = Arc::new(context);
        let flights = Vec::new();
        self.workers.push(Worker { number, info, context, frozen: false, flights, unanswered: [None; 3] });
        Ok(self.workers.len() - 1)
    }

    /// A worker is gone. What it had sent may still arrive.
    pub(crate) fn end_worker(&mut self, place: usize) {
        let now = self.time.passed();
        for flight in self.workers.remove(place).flights {
            if let Some((posted, _)) = flight.call {
                self.network.let_go(posted, now, &mut self.chance);
            }
        }
    }

    /// The store is gone, and everything that worked on it; another one is made.
    pub(crate) async fn lose_the_store(&mut self) -> Held {
        while !self.workers.is_empty() {
            self.end_worker(0);
        }
        self.network.flush();
        self.note("the store is lost");
        self.store = make(self.kind, &self.people, &self.store_clock)?;
        let epoch = answered(self.store.stamp().await)?.epoch;
        self.books = Books::new(epoch, self.books.leases.last());
        self.importer = Importer::default();
        self.consumer = Consumer::default();
        self.touched.clear();
        Ok(())
    }
}

/// The shortest step of time.
const MOMENT: Duration = Duration::from_millis(1);

fn make(kind: Kind, people: &People, clock: &MachineClock) -> Held<SharedStore> {
    let made_for = Expected {
        api_base_url: "https://api.example".to_owned(),
        entity: people.identity.entity().to_owned(),
        secret_fingerprint: people.identity.secret_fingerprint(),
    };
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    Ok(match kind {
        Kind::Sqlite => answered(SqliteStore::open_inline(made_for, profile::policies(), clock))?,
        Kind::Model => ModelStore::new(made_for, profile::policies(), clock),
    })
}
