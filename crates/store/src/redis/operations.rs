//! The contract of [`Store`], each operation in the file of its verb.

use std::time::Duration;

use async_trait::async_trait;
use gangway_jobs::circuit::{Resolution, Summary};
use gangway_jobs::clock::Timestamp;
use gangway_jobs::enqueue::{Answer, NewOnboarding};
use gangway_jobs::event::Event;
use gangway_jobs::id::{ImportId, JobId, LeaseToken, OnboardingId, WorkerId};
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::RatePolicy;
use gangway_jobs::onboarding::Record;
use gangway_jobs::outcome::{Settled, Settlement};
use gangway_jobs::transition::EndRequest;
use uuid::Uuid;

use super::{RedisStore, outbox, workers};
use crate::{
    CallReport, Checkpoint, DeadFilter, DeadLetter, Grant, GroupStart, Hinted, ImportBegun, ImportStart,
    Inspection, LeaseRequest, LinkRequested, Permit, PermitRequest, Position, ReadRequest, Release, Result,
    Stamp, Status, Store, TakenBack, Target, WorkerInfo, WorkerState,
};

#[async_trait]
impl Store for RedisStore {
    async fn now(&self) -> Result<Timestamp> {
        self.tell_time().await
    }

    async fn stamp(&self) -> Result<Stamp> {
        self.core.stamp()
    }

    // ---- taking in ----

    async fn enqueue(&self, batch: Vec<NewOnboarding>) -> Result<Vec<Answer>> {
        self.take_batch_in(batch).await
    }

    async fn import_begin(&self, start: ImportStart) -> Result<ImportBegun> {
        self.begin_import(&start).await
    }

    async fn import_progress(&self, import: ImportId, owner: Uuid, checkpoint: Checkpoint) -> Result<bool> {
        self.note_import("progress", import, owner, &checkpoint).await
    }

    async fn import_end(&self, import: ImportId, owner: Uuid, checkpoint: Checkpoint) -> Result<bool> {
        self.note_import("end", import, owner, &checkpoint).await
    }

    // ---- running ----

    async fn lease(&self, ask: LeaseRequest) -> Result<Grant> {
        self.lease_due(&ask).await
    }

    async fn extend(&self, leases: Vec<(JobId, LeaseToken)>, length: Duration) -> Result<Vec<bool>> {
        self.renew(leases, length).await
    }

    async fn settle(&self, batch: Vec<Settlement>) -> Result<Vec<Settled>> {
        self.write_ends(batch).await
    }

    async fn release(&self, leases: Vec<Release>) -> Result<()> {
        self.give_back(leases).await
    }

    async fn permit(&self, ask: PermitRequest) -> Result<Permit> {
        self.permit_call(&ask).await
    }

    async fn report(&self, report: CallReport) -> Result<()> {
        self.take_in_report(report).await
    }

    async fn take_back(&self, limit: usize) -> Result<TakenBack> {
        self.take_overdue_back(limit).await
    }

    async fn changed(&self, at_most: Duration) {
        self.core.wake.changed(at_most).await;
    }

    async fn register(&self, worker: WorkerInfo) -> Result<()> {
        self.register_worker(&worker).await
    }

    async fn beat(&self, worker: WorkerId, _slots_busy: u32) -> Result<bool> {
        self.note_beat(worker).await
    }

    async fn deregister(&self, worker: WorkerId) -> Result<()> {
        self.forget_worker(worker).await
    }

    async fn workers(&self) -> Result<Vec<WorkerState>> {
        workers::all(&self.core).await
    }

    // ---- steering ----

    async fn hint(&self, target: Target) -> Result<Hinted> {
        self.take_in_hint(target).await
    }

    async fn request_link(&self, target: Target) -> Result<LinkRequested> {
        self.ask_for_link(target).await
    }

    async fn pause(&self, kind: Option<Kind>) -> Result<()> {
        self.switch("pause", kind).await
    }

    async fn resume(&self, kind: Option<Kind>) -> Result<()> {
        self.switch("resume", kind).await
    }

    async fn set_limits(&self, limits: Option<RatePolicy>) -> Result<()> {
        self.limit_all(limits).await
    }

    async fn limits(&self) -> Result<Option<RatePolicy>> {
        self.limits_of_all().await
    }

    async fn cancel(&self, target: Target) -> Result<Option<EndRequest>> {
        self.call_off(target).await
    }

    async fn erase(&self, target: Target) -> Result<Option<EndRequest>> {
        self.forget(target).await
    }

    async fn redrive(&self, which: DeadFilter, limit: usize) -> Result<usize> {
        self.redrive_dead(&which, limit).await
    }

    async fn drop_dead(&self, which: DeadFilter, limit: usize) -> Result<usize> {
        self.drop_letters(&which, limit).await
    }

    async fn circuit(&self) -> Result<Summary> {
        self.circuit_summary().await
    }

    async fn resolve_circuit(&self, resolution: Resolution) -> Result<Vec<Kind>> {
        self.decide_circuit(resolution).await
    }

    // ---- looking ----

    async fn status(&self) -> Result<Status> {
        self.sum_up().await
    }

    async fn find(&self, target: Target) -> Result<Option<Inspection>> {
        self.inspect(&target).await
    }

    async fn records(&self, after: Option<OnboardingId>, limit: usize) -> Result<Vec<Record>> {
        self.records_after(after, limit).await
    }

    async fn dead(&self, which: DeadFilter, after: Option<JobId>, limit: usize) -> Result<Vec<DeadLetter>> {
        self.dead_letters(&which, after, limit).await
    }

    // ---- outbox ----

    async fn group_add(&self, group: &str, from: GroupStart) -> Result<bool> {
        outbox::group_add(&self.core, group, from).await
    }

    async fn group_remove(&self, group: &str) -> Result<bool> {
        outbox::group_remove(&self.core, group).await
    }

    async fn read(&self, ask: ReadRequest) -> Result<Vec<(Position, Event)>> {
        outbox::read(&self.core, &ask).await
    }

    async fn ack(&self, group: &str, positions: Vec<Position>) -> Result<usize> {
        outbox::ack(&self.core, group, positions).await
    }

    async fn events(&self, after: Position, limit: usize) -> Result<Vec<(Position, Event)>> {
        outbox::events(&self.core, after, limit).await
    }

    // ---- keeping small ----

    async fn prune(&self, ended_before: Timestamp, limit: usize) -> Result<usize> {
        self.prune_ended(ended_before, limit).await
    }

    async fn trim(&self, older_than: Timestamp, limit: usize) -> Result<usize> {
        outbox::trim(&self.core, older_than, limit).await
    }

    async fn close(&self) {
        self.core.close();
    }
}
