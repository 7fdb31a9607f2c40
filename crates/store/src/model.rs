//! The store as a reader would explain it: maps under one lock, linear scans, nothing durable.
//!
//! It is what the other stores are compared with, and the store of deterministic simulations. So it is naive on purpose:
//! no index, no cache, no number that is kept beside what it counts. Whatever could be computed is computed anew.
//! What one step does to a record and its job it takes from [`gangway_jobs::transition`], as every store does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use gangway_jobs::circuit::{Resolution, Summary};
use gangway_jobs::clock::{Clock, Timestamp};
use gangway_jobs::enqueue::{Answer, NewOnboarding};
use gangway_jobs::event::{Epoch, Event};
use gangway_jobs::id::{ImportId, JobId, LeaseToken, OnboardingId, WorkerId};
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::RatePolicy;
use gangway_jobs::onboarding::Record;
use gangway_jobs::outcome::{Settled, Settlement};
use gangway_jobs::transition::EndRequest;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::stamp::{Expected, KEY_VERSION};
use crate::words::{
    CallReport, Checkpoint, DeadFilter, DeadLetter, Grant, GroupStart, Hinted, ImportBegun, ImportStart,
    Inspection, LeaseRequest, LinkRequested, Permit, PermitRequest, Position, ReadRequest, Release, Status,
    TakenBack, Target, WorkerInfo, WorkerState,
};
use crate::{Error, Policies, Result, Stamp, Store};

mod imports;
mod lease;
mod limits;
mod look;
mod outbox;
mod prune;
mod rescue;
mod settle;
mod state;
mod steer;
mod take_in;
mod workers;

use state::State;

/// The store in memory.
#[derive(Debug)]
pub struct ModelStore {
    clock: Arc<dyn Clock>,
    stamp: Stamp,
    state: Mutex<State>,
    wake: Notify,
}

impl ModelStore {
    /// An empty store.
    pub fn new(stamp: Expected, policies: Policies, clock: Arc<dyn Clock>) -> Arc<Self> {
        let now = clock.now();
        let epoch = Epoch(now.as_millis());
        Arc::new(Self {
            clock,
            stamp: Stamp { made_for: stamp, key_version: KEY_VERSION, epoch },
            state: Mutex::new(State::new(policies, epoch, now)),
            wake: Notify::new(),
        })
    }

    /// The same, but events that are redacted move to the end of the outbox: as in a store whose outbox is a stream.
    pub fn with_a_stream(stamp: Expected, policies: Policies, clock: Arc<dyn Clock>) -> Arc<Self> {
        let store = Self::new(stamp, policies, clock);
        store.lock().moves_redacted = true;
        store
    }

    /// Goes on after [`Store::close`], with all that was written: what a crash and a new start are to a store that keeps.
    pub fn reopen(&self) {
        self.lock().closed = false;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in one operation is a failed test, and shall not hide behind a second one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one step on the whole state, at the store's time.
    fn step<T>(&self, step: impl FnOnce(&mut State, Timestamp) -> Result<T>) -> Result<T> {
        let mut state = self.lock();
        if state.closed {
            return Err(Error::Closed);
        }
        let now = state.now(self.clock.now());
        let result = step(&mut state, now);
        state.move_redacted();
        drop(state);
        self.wake.notify_waiters();
        result
    }
}

#[async_trait]
impl Store for ModelStore {
    async fn now(&self) -> Result<Timestamp> {
        self.step(|_, now| Ok(now))
    }

    async fn stamp(&self) -> Result<Stamp> {
        self.step(|_, _| Ok(self.stamp.clone()))
    }

    async fn enqueue(&self, batch: Vec<NewOnboarding>) -> Result<Vec<Answer>> {
        self.step(|state, now| state.enqueue(&batch, now))
    }

    async fn import_begin(&self, start: ImportStart) -> Result<ImportBegun> {
        self.step(|state, now| Ok(state.import_begin(&start, now)))
    }

    async fn import_progress(&self, import: ImportId, owner: Uuid, checkpoint: Checkpoint) -> Result<bool> {
        self.step(|state, now| Ok(state.import_progress(import, owner, checkpoint, now)))
    }

    async fn import_end(&self, import: ImportId, owner: Uuid, checkpoint: Checkpoint) -> Result<bool> {
        self.step(|state, now| Ok(state.import_end(import, owner, checkpoint, now)))
    }

    async fn lease(&self, ask: LeaseRequest) -> Result<Grant> {
        self.step(|state, now| Ok(state.lease(&ask, now)))
    }

    async fn extend(&self, leases: Vec<(JobId, LeaseToken)>, length: Duration) -> Result<Vec<bool>> {
        self.step(|state, now| state.extend(&leases, length, now))
    }

    async fn settle(&self, batch: Vec<Settlement>) -> Result<Vec<Settled>> {
        self.step(|state, now| state.settle(batch, now))
    }

    async fn release(&self, leases: Vec<Release>) -> Result<()> {
        self.step(|state, now| state.release(&leases, now))
    }

    async fn permit(&self, ask: PermitRequest) -> Result<Permit> {
        self.step(|state, now| Ok(state.permit(&ask, now)))
    }

    async fn report(&self, report: CallReport) -> Result<()> {
        self.step(|state, now| {
            state.report(&report, now);
            Ok(())
        })
    }

    async fn take_back(&self, limit: usize) -> Result<TakenBack> {
        self.step(|state, now| Ok(state.take_back(limit, now)))
    }

    async fn changed(&self, at_most: Duration) {
        // Running out of time is one of the two ways to return.
        drop(tokio::time::timeout(at_most, self.wake.notified()).await);
    }

    async fn register(&self, worker: WorkerInfo) -> Result<()> {
        self.step(|state, now| {
            state.register(worker, now);
            Ok(())
        })
    }

    async fn beat(&self, worker: WorkerId, _slots_busy: u32) -> Result<bool> {
        self.step(|state, now| Ok(state.beat(worker, now)))
    }

    async fn deregister(&self, worker: WorkerId) -> Result<()> {
        self.step(|state, _| {
            state.workers.remove(&worker);
            Ok(())
        })
    }

    async fn workers(&self) -> Result<Vec<WorkerState>> {
        self.step(|state, now| Ok(state.worker_states(now)))
    }

    async fn hint(&self, target: Target) -> Result<Hinted> {
        self.step(|state, now| Ok(state.hint(&target, now)))
    }

    async fn request_link(&self, target: Target) -> Result<LinkRequested> {
        self.step(|state, now| Ok(state.request_link(&target, now)))
    }

    async fn pause(&self, kind: Option<Kind>) -> Result<()> {
        self.step(|state, _| {
            state.pause(kind);
            Ok(())
        })
    }

    async fn resume(&self, kind: Option<Kind>) -> Result<()> {
        self.step(|state, _| {
            state.resume(kind);
            Ok(())
        })
    }

    async fn set_limits(&self, limits: Option<RatePolicy>) -> Result<()> {
        self.step(|state, _| state.set_limits(limits))
    }

    async fn limits(&self) -> Result<Option<RatePolicy>> {
        self.step(|state, _| Ok(state.limits))
    }

    async fn cancel(&self, target: Target) -> Result<Option<EndRequest>> {
        self.step(|state, now| Ok(state.cancel(&target, now)))
    }

    async fn erase(&self, target: Target) -> Result<Option<EndRequest>> {
        self.step(|state, now| Ok(state.erase(&target, now)))
    }

    async fn redrive(&self, which: DeadFilter, limit: usize) -> Result<usize> {
        self.step(|state, now| Ok(state.redrive(&which, limit, now)))
    }

    async fn drop_dead(&self, which: DeadFilter, limit: usize) -> Result<usize> {
        self.step(|state, _| Ok(state.drop_dead(&which, limit)))
    }

    async fn circuit(&self) -> Result<Summary> {
        self.step(|state, now| Ok(state.circuit.summary(now)))
    }

    async fn resolve_circuit(&self, resolution: Resolution) -> Result<Vec<Kind>> {
        self.step(|state, now| Ok(state.resolve_circuit(resolution, now)))
    }

    async fn status(&self) -> Result<Status> {
        self.step(|state, now| Ok(state.status(now)))
    }

    async fn find(&self, target: Target) -> Result<Option<Inspection>> {
        self.step(|state, _| Ok(state.inspect(&target)))
    }

    async fn records(&self, after: Option<OnboardingId>, limit: usize) -> Result<Vec<Record>> {
        self.step(|state, _| Ok(state.records_after(after, limit)))
    }

    async fn dead(&self, which: DeadFilter, after: Option<JobId>, limit: usize) -> Result<Vec<DeadLetter>> {
        self.step(|state, _| Ok(state.dead_letters(&which, after, limit)))
    }

    async fn group_add(&self, group: &str, from: GroupStart) -> Result<bool> {
        self.step(|state, _| Ok(state.group_add(group, from)))
    }

    async fn group_remove(&self, group: &str) -> Result<bool> {
        self.step(|state, _| Ok(state.groups.remove(group).is_some()))
    }

    async fn read(&self, ask: ReadRequest) -> Result<Vec<(Position, Event)>> {
        self.step(|state, now| state.read(&ask, now))
    }

    async fn ack(&self, group: &str, positions: Vec<Position>) -> Result<usize> {
        self.step(|state, _| state.ack(group, &positions))
    }

    async fn events(&self, after: Position, limit: usize) -> Result<Vec<(Position, Event)>> {
        self.step(|state, _| Ok(state.events_after(after, limit)))
    }

    async fn prune(&self, ended_before: Timestamp, limit: usize) -> Result<usize> {
        self.step(|state, _| Ok(state.prune(ended_before, limit)))
    }

    async fn trim(&self, older_than: Timestamp, limit: usize) -> Result<usize> {
        self.step(|state, _| Ok(state.trim(older_than, limit)))
    }

    async fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_waiters();
    }
}
