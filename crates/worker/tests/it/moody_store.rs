//! A store that plays "the store is away": everything else it leaves to the one inside.
//!
//! Its `changed` is as sparing as it may be: it tells only of writes after which more may be due, and only those who wait
//! already.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gangway_jobs::enqueue::NewOnboarding;
use gangway_jobs::kind::Kind;
use gangway_store::{Error, Permit, Result, SharedStore, Store};
use tokio::sync::Notify;

mod operations;

/// How the store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    #[default]
    Works,
    /// Another process holds it: waiting helps.
    Busy,
    /// It answers nothing.
    Hangs,
    /// Gone for good.
    Closed,
    /// Leases cannot be read any more, everything else works.
    LeasesDamaged,
    /// Leases cannot be renewed, everything else works.
    NoRenewals,
    /// Its server came back without its data, as the sums tell.
    Forgetful,
}

/// The decorator.
#[derive(Debug)]
pub(crate) struct MoodyStore {
    inner: SharedStore,
    mode: Mutex<Mode>,
    /// So many lease calls lose their reply.
    lose_leases: Mutex<usize>,
    /// Taken in by another process between the answer "nothing is due" and the wait for a change.
    pub(crate) late_arrival: Mutex<Option<NewOnboarding>>,
    /// How long the answer to a lease is on its way.
    pub(crate) slow_leases: Mutex<Duration>,
    /// Its own wake-ups; absent if those of the store inside are under test.
    wake: Option<Notify>,
    /// Answers to the next permits; then the store inside decides.
    pub(crate) permits: Mutex<VecDeque<Permit>>,
    /// Settlements written.
    settled: AtomicUsize,
    /// Who is told of a change now, and who is asking for jobs.
    waiting: AtomicUsize,
    leasing: AtomicUsize,
    calls: Mutex<Vec<&'static str>>,
}

/// Counts somebody for as long as it lives.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn one(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn busy() -> Error {
    Error::Busy { path: "moody.db".into(), seconds: 0 }
}

impl MoodyStore {
    pub(crate) fn over(inner: SharedStore) -> Arc<Self> {
        Arc::new(Self::new(inner))
    }

    /// With the wake-ups of the store inside.
    pub(crate) fn around(inner: SharedStore) -> Arc<Self> {
        Arc::new(Self { wake: None, ..Self::new(inner) })
    }

    fn wake(&self) {
        if let Some(wake) = &self.wake {
            wake.notify_waiters();
        }
    }

    fn new(inner: SharedStore) -> Self {
        Self {
            inner,
            mode: Mutex::default(),
            lose_leases: Mutex::default(),
            late_arrival: Mutex::default(),
            slow_leases: Mutex::default(),
            wake: Some(Notify::new()),
            permits: Mutex::default(),
            settled: AtomicUsize::default(),
            waiting: AtomicUsize::default(),
            leasing: AtomicUsize::default(),
            calls: Mutex::default(),
        }
    }

    pub(crate) fn turn(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    pub(crate) fn lose_lease_replies(&self, count: usize) {
        *self.lose_leases.lock().unwrap() = count;
    }

    pub(crate) fn settled_count(&self) -> u64 {
        self.settled.load(Ordering::SeqCst) as u64
    }

    /// Whether all three kinds of one worker have been told that there is nothing to do, and wait for a change.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.leasing.load(Ordering::SeqCst) == 0 && self.waiting.load(Ordering::SeqCst) == Kind::ALL.len()
    }

    /// Somebody takes a customer in.
    pub(crate) async fn enqueue_one_more(&self) {
        self.enqueue(vec![crate::fixtures::onboarding(1_000_000)]).await.unwrap();
    }

    /// How often an operation was called.
    pub(crate) fn count(&self, operation: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|call| **call == operation).count()
    }

    fn is(&self, mode: Mode) -> bool {
        *self.mode.lock().unwrap() == mode
    }

    async fn pass(&self, operation: &'static str) -> Result<()> {
        self.calls.lock().unwrap().push(operation);
        let mode = *self.mode.lock().unwrap();
        match mode {
            Mode::Busy => Err(busy()),
            Mode::Hangs => std::future::pending().await,
            Mode::Closed => Err(Error::Closed),
            Mode::LeasesDamaged if operation == "lease" => Err(Error::Closed),
            Mode::NoRenewals if operation == "extend" => Err(busy()),
            Mode::Works | Mode::LeasesDamaged | Mode::NoRenewals | Mode::Forgetful => Ok(()),
        }
    }
}
