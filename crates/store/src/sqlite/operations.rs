//! The contract of [`Store`], each operation handed to the thread that does it.

use std::time::Duration;

use async_trait::async_trait;
use gangway_jobs::circuit::{Resolution, Summary};
use gangway_jobs::clock::Timestamp;
use gangway_jobs::enqueue::{Answer as Enqueued, NewOnboarding};
use gangway_jobs::event::Event;
use gangway_jobs::id::{ImportId, JobId, LeaseToken, OnboardingId, WorkerId};
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::RatePolicy;
use gangway_jobs::onboarding::Record;
use gangway_jobs::outcome::{Settled, Settlement};
use gangway_jobs::payload::MAX_BYTES;
use gangway_jobs::transition::EndRequest;
use uuid::Uuid;

use super::look::Look;
use super::{
    SqliteStore, end, enqueue, imports, lease, limits, outbox, prune, settle, steer, take_back, workers,
};
use crate::bounds::{bounded, valid};
use crate::{
    CallReport, Checkpoint, DeadFilter, DeadLetter, Error, Grant, GroupStart, Hinted, ImportBegun,
    ImportStart, Inspection, LeaseRequest, LinkRequested, Permit, PermitRequest, Position, ReadRequest,
    Release, Result, Stamp, Status, Store, TakenBack, Target, WorkerInfo, WorkerState,
};

/// Encodes the payloads outside of the transaction.
fn with_payloads(batch: Vec<NewOnboarding>) -> Result<Vec<enqueue::Item>> {
    bounded(batch.len())?;
    let encoded = batch.into_iter().enumerate().map(|(index, new)| {
        let payload = new.payload().encode();
        let bytes = payload.len();
        if bytes > MAX_BYTES {
            return Err(Error::PayloadTooLarge { index, bytes, max: MAX_BYTES });
        }
        Ok((new, payload))
    });
    encoded.collect()
}

#[async_trait]
impl Store for SqliteStore {
    async fn now(&self) -> Result<Timestamp> {
        Ok(self.time.now())
    }

    async fn stamp(&self) -> Result<Stamp> {
        Ok(self.stamp.clone())
    }

    // ---- taking in ----

    async fn enqueue(&self, batch: Vec<NewOnboarding>) -> Result<Vec<Enqueued>> {
        let batch = with_payloads(batch)?;
        self.write("enqueue", |tx| enqueue::enqueue(tx, batch)).await
    }

    async fn import_begin(&self, start: ImportStart) -> Result<ImportBegun> {
        self.write("begin an import", move |tx| imports::begin(tx, &start)).await
    }

    async fn import_progress(&self, import: ImportId, owner: Uuid, checkpoint: Checkpoint) -> Result<bool> {
        self.write("note an import", move |tx| imports::progress(tx, import, owner, checkpoint)).await
    }

    async fn import_end(&self, import: ImportId, owner: Uuid, checkpoint: Checkpoint) -> Result<bool> {
        self.write("end an import", move |tx| imports::end(tx, import, owner, checkpoint)).await
    }

    // ---- running ----

    async fn lease(&self, ask: LeaseRequest) -> Result<Grant> {
        self.write("lease jobs", move |tx| lease::lease(tx, &ask)).await
    }

    async fn extend(&self, leases: Vec<(JobId, LeaseToken)>, length: Duration) -> Result<Vec<bool>> {
        bounded(leases.len())?;
        self.write("extend leases", move |tx| lease::extend(tx, &leases, length)).await
    }

    async fn settle(&self, batch: Vec<Settlement>) -> Result<Vec<Settled>> {
        bounded(batch.len())?;
        let settled = self.write("settle", move |tx| settle::settle(tx, &batch)).await;
        #[cfg(feature = "planted")]
        self.append_apart().await?;
        settled
    }

    async fn release(&self, leases: Vec<Release>) -> Result<()> {
        bounded(leases.len())?;
        self.write("release leases", move |tx| lease::release(tx, &leases)).await
    }

    async fn permit(&self, ask: PermitRequest) -> Result<Permit> {
        self.write("permit a call", move |tx| limits::permit(tx, &ask)).await
    }

    async fn report(&self, report: CallReport) -> Result<()> {
        self.write("take in a report", move |tx| settle::report(tx, &report)).await
    }

    async fn take_back(&self, limit: usize) -> Result<TakenBack> {
        self.write("take leases back", move |tx| take_back::take_back(tx, limit)).await
    }

    async fn changed(&self, at_most: Duration) {
        self.wake.changed(at_most).await;
    }

    async fn register(&self, worker: WorkerInfo) -> Result<()> {
        self.write("register a worker", move |tx| workers::register(tx, &worker)).await
    }

    async fn beat(&self, worker: WorkerId, slots_busy: u32) -> Result<bool> {
        self.write("note a heartbeat", move |tx| workers::beat(tx, worker, slots_busy)).await
    }

    async fn deregister(&self, worker: WorkerId) -> Result<()> {
        self.write("deregister a worker", move |tx| workers::deregister(tx, worker)).await
    }

    async fn workers(&self) -> Result<Vec<WorkerState>> {
        self.look("list workers", |look| workers::all(look.conn, look.now)).await
    }

    // ---- steering ----

    async fn hint(&self, target: Target) -> Result<Hinted> {
        self.write("take in a hint", move |tx| steer::hint(tx, &target)).await
    }

    async fn request_link(&self, target: Target) -> Result<LinkRequested> {
        self.write("request a link", move |tx| steer::request_link(tx, &target)).await
    }

    async fn pause(&self, kind: Option<Kind>) -> Result<()> {
        self.write("pause", move |tx| steer::pause(tx, kind)).await
    }

    async fn resume(&self, kind: Option<Kind>) -> Result<()> {
        self.write("resume", move |tx| steer::resume(tx, kind)).await
    }

    async fn set_limits(&self, limits: Option<RatePolicy>) -> Result<()> {
        valid(limits.as_ref())?;
        self.write("set the rate limit", move |tx| limits::set(tx, limits)).await
    }

    async fn limits(&self) -> Result<Option<RatePolicy>> {
        self.look("read the rate limit", |look| limits::load(look.conn)).await
    }

    async fn cancel(&self, target: Target) -> Result<Option<EndRequest>> {
        self.write("cancel an onboarding", move |tx| steer::cancel(tx, &target)).await
    }

    async fn erase(&self, target: Target) -> Result<Option<EndRequest>> {
        self.write("erase an onboarding", move |tx| steer::erase(tx, &target)).await
    }

    async fn redrive(&self, which: DeadFilter, limit: usize) -> Result<usize> {
        self.write("redrive dead jobs", move |tx| steer::redrive(tx, &which, limit)).await
    }

    async fn drop_dead(&self, which: DeadFilter, limit: usize) -> Result<usize> {
        self.write("drop dead jobs", move |tx| steer::drop_dead(tx, &which, limit)).await
    }

    async fn circuit(&self) -> Result<Summary> {
        self.look("read the circuit", |look: &Look<'_>| look.circuit()).await
    }

    async fn resolve_circuit(&self, resolution: Resolution) -> Result<Vec<Kind>> {
        self.write("resolve the circuit", move |tx| steer::resolve_circuit(tx, resolution)).await
    }

    // ---- looking ----

    async fn status(&self) -> Result<Status> {
        self.look("sum up", |look: &Look<'_>| look.status()).await
    }

    async fn find(&self, target: Target) -> Result<Option<Inspection>> {
        self.look("find an onboarding", move |look| look.find(&target)).await
    }

    async fn records(&self, after: Option<OnboardingId>, limit: usize) -> Result<Vec<Record>> {
        self.look("read records", move |look| look.records(after, limit)).await
    }

    async fn dead(&self, which: DeadFilter, after: Option<JobId>, limit: usize) -> Result<Vec<DeadLetter>> {
        self.look("read dead letters", move |look| look.dead(&which, after, limit)).await
    }

    // ---- outbox ----

    async fn group_add(&self, group: &str, from: GroupStart) -> Result<bool> {
        let group = group.to_owned();
        self.write("add an outbox group", move |tx| outbox::group_add(tx, &group, from)).await
    }

    async fn group_remove(&self, group: &str) -> Result<bool> {
        let group = group.to_owned();
        self.write("remove an outbox group", move |tx| outbox::group_remove(tx, &group)).await
    }

    async fn read(&self, ask: ReadRequest) -> Result<Vec<(Position, Event)>> {
        self.write("read the outbox", move |tx| outbox::read(tx, &ask)).await
    }

    async fn ack(&self, group: &str, positions: Vec<Position>) -> Result<usize> {
        let group = group.to_owned();
        self.write("acknowledge events", move |tx| outbox::ack(tx, &group, &positions)).await
    }

    async fn events(&self, after: Position, limit: usize) -> Result<Vec<(Position, Event)>> {
        self.look("read events", move |look| outbox::events(look.conn, after, limit)).await
    }

    // ---- keeping small ----

    async fn prune(&self, ended_before: Timestamp, limit: usize) -> Result<usize> {
        self.write("prune records", move |tx| prune::prune(tx, ended_before, limit)).await
    }

    async fn trim(&self, older_than: Timestamp, limit: usize) -> Result<usize> {
        self.write("trim the outbox", move |tx| outbox::trim(tx, older_than, limit)).await
    }

    async fn close(&self) {
        let threads = self.shut();
        if let Err(error) = tokio::task::spawn_blocking(|| end(threads)).await {
            tracing::error!(%error, "failed to wait for the threads of the store");
        }
    }
}

#[cfg(feature = "planted")]
impl SqliteStore {
    /// Writes what a planted bug has left out, a moment later: whoever dies in between loses it.
    async fn append_apart(&self) -> Result<()> {
        let apart = gangway_jobs::planted::take_apart();
        if apart.is_empty() {
            return Ok(());
        }
        tokio::task::yield_now().await;
        self.write("append events", move |tx| settle::append_apart(tx, apart)).await
    }
}
