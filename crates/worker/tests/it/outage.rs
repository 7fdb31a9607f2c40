//! A store that is away for a while, and one that is gone for good.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gangway_jobs::onboarding::Stage;
use gangway_worker::{Error, Until, Worker};
use tracing_subscriber::fmt::MakeWriter;

use crate::living_api::{LivingApi, Mood};
use crate::moody_store::Mode;
use crate::plant::{Plant, ended, until};
use crate::scripted_api::Call;

/// Everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Listens to this thread, which runs the whole of a test.
    fn listen() -> (Self, tracing::subscriber::DefaultGuard) {
        // One for all threads beside it: else what another thread meets first is taken for unwanted everywhere.
        static EVERYWHERE: std::sync::Once = std::sync::Once::new();
        EVERYWHERE.call_once(|| {
            let sink =
                tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(std::io::sink);
            tracing::subscriber::set_global_default(sink.finish()).unwrap();
        });
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::Level::TRACE)
            .with_writer(log.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn count(&self, words: &str) -> usize {
        self.text().lines().filter(|line| line.contains(words)).count()
    }
}

#[tokio::test]
async fn a_store_that_is_away_is_waited_for_quietly_and_nothing_is_lost() {
    let (log, _listening) = Log::listen();
    let api = LivingApi::planned(|_, _| Mood::After(Duration::from_millis(5)));
    let plant = Plant::new(api);
    plant.take_in(40).await;
    let running = plant.start(Until::Terminal);
    until("some customers", || plant.api.customers() > 10).await;
    plant.store.turn(Mode::Busy);
    let asked = plant.store.count("settle");
    until("five tries to write", || plant.store.count("settle") >= asked + 5).await;
    let (calls, begun) = (plant.api.calls().len(), Instant::now());
    until("two more", || plant.store.count("settle") >= asked + 7).await;
    assert_eq!(plant.api.calls().len(), calls, "no call is made whose end cannot be written");
    // At least the half of 0.8 and of 1.6 s, or 0.4 and 0.8 if one was under way when the store went away.
    assert!(begun.elapsed() > Duration::from_millis(500), "the waits grow: {:?}", begun.elapsed());
    plant.store.turn(Mode::Works);
    ended(running).await.unwrap();
    assert_eq!((plant.stage(Stage::Approved).await, plant.api.customers()), (40, 40));
    let warnings = log.count("the store does not answer");
    assert!((1..=8).contains(&warnings), "{warnings} warnings: one for each task that met it");
    assert!(log.count("the store answers again") <= warnings);
}

#[tokio::test]
async fn nothing_personal_is_logged_at_any_level() {
    let (log, _listening) = Log::listen();
    let api = LivingApi::planned(|call, before| match call {
        Call::Create(_) if before == 0 => Mood::Panics,
        Call::Create(_) if before == 1 => Mood::Hangs,
        _ => Mood::Answers,
    });
    let mut plant = Plant::new(api);
    plant.config.job_timeout = Duration::from_millis(100);
    plant.take_in(5).await;
    plant.finish().await;
    let text = log.text();
    assert!(text.contains("attempt finished"), "the test listens");
    for personal in ["ops@", "ops2@", "Ada", "Byron", "Acme", "R-1", "t-1", "onboard.example"] {
        assert!(!text.contains(personal), "{personal} was logged");
    }
}

#[tokio::test]
async fn a_store_that_is_gone_for_good_ends_the_worker_promptly_with_its_reason() {
    for mode in [Mode::Closed, Mode::LeasesDamaged] {
        for hangs in [false, true] {
            let mood = if hangs { Mood::Hangs } else { Mood::After(Duration::from_millis(20)) };
            let mut plant = Plant::new(LivingApi::planned(move |_, _| mood.clone()));
            plant.config.grace = Duration::from_secs(40);
            plant.take_in(50).await;
            let running = plant.start(Until::Terminal);
            until("a running create", || plant.api.running() > 0).await;
            plant.store.turn(mode);
            let begun = Instant::now();
            if mode == Mode::LeasesDamaged && hangs {
                // Every slot of the creates is taken, but the others ask when something changes.
                plant.store.enqueue_one_more().await;
            }
            let error = ended(running).await.unwrap_err();
            assert!(matches!(error, Error::Store { .. }), "{mode:?} {hangs}: {error:?}");
            assert!(begun.elapsed() < Duration::from_secs(2), "{mode:?} {hangs}: {:?}", begun.elapsed());
        }
    }
}

#[tokio::test]
async fn an_idle_worker_notices_that_its_store_is_gone() {
    let plant = Plant::new(LivingApi::healthy());
    let running = plant.start(Until::Stopped);
    until("the first questions", || plant.store.count("lease") >= 3).await;
    plant.store.turn(Mode::Closed);
    let begun = Instant::now();
    assert!(matches!(ended(running).await, Err(Error::Store { .. })));
    assert!(begun.elapsed() < Duration::from_secs(2));
}

/// What a worker says of a store that holds less than before.
const LOST: &str = "the store has lost onboardings";

#[tokio::test]
async fn a_worker_whose_store_has_lost_everything_does_not_end_as_if_all_were_done() {
    let (log, _listening) = Log::listen();
    let plant = Plant::new(LivingApi::planned(|_, _| Mood::After(Duration::from_millis(20))));
    plant.take_in(100).await;
    let running = plant.start(Until::Terminal);
    until("some customers", || plant.api.customers() > 10).await;
    plant.store.turn(Mode::Forgetful);
    let error = ended(running).await.unwrap_err();
    assert!(matches!(error, Error::Forgotten { lost: 100, left: 0 }), "{error:?}");
    assert_eq!(log.count(LOST), 1);
}

#[tokio::test]
async fn a_store_that_was_emptied_before_the_worker_looked_has_lost_what_others_saw() {
    let plant = Plant::new(LivingApi::healthy());
    let worker = Worker { known: 7, ..plant.worker() };
    let error = worker.run(Until::Terminal, plant.shutdown.clone()).await.unwrap_err();
    assert!(matches!(error, Error::Forgotten { lost: 7, left: 0 }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_goes_on_tells_once_that_its_store_has_lost_onboardings() {
    let (log, _listening) = Log::listen();
    let plant = Plant::new(LivingApi::healthy());
    plant.take_in(3).await;
    let running = plant.start(Until::Stopped);
    until("a look", || plant.store.count("status") > 0).await;
    plant.store.turn(Mode::Forgetful);
    until("a few more looks", || plant.store.count("status") > 4).await;
    assert_eq!(log.count(LOST), 1);
    plant.store.turn(Mode::Works);
    plant.shutdown.cancel();
    ended(running).await.unwrap();
}

#[tokio::test]
async fn a_lease_whose_reply_was_lost_is_asked_for_again_and_not_waited_for() {
    let mut plant = Plant::new(LivingApi::healthy());
    plant.config.lease = Duration::from_mins(1);
    plant.store.lose_lease_replies(4);
    plant.take_in(20).await;
    let begun = Instant::now();
    plant.finish().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "nobody waits for a lease to run out");
    assert_eq!((plant.stage(Stage::Approved).await, plant.counts().lost), (20, 0));
}

#[tokio::test]
async fn a_worker_that_starts_before_its_store_waits_for_it() {
    let plant = Plant::new(LivingApi::healthy());
    plant.take_in(2).await;
    plant.store.turn(Mode::Busy);
    let running = plant.start(Until::Terminal);
    until("a few tries", || plant.store.count("register") >= 3).await;
    plant.store.turn(Mode::Works);
    ended(running).await.unwrap();
    assert_eq!(plant.stage(Stage::Approved).await, 2);

    plant.store.turn(Mode::Busy);
    let running = plant.start(Until::Stopped);
    plant.shutdown.cancel();
    ended(running).await.unwrap();
}
