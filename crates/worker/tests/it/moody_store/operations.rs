//! Each operation passes the mood first.

use std::sync::atomic::Ordering;
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
use gangway_store::*;
use uuid::Uuid;

use super::{Counted, Mode as Mood, MoodyStore, busy};

#[async_trait]
impl Store for MoodyStore {
    async fn now(&self) -> Result<Timestamp> {
        self.pass("now").await?;
        self.inner.now().await
    }

    async fn stamp(&self) -> Result<Stamp> {
        self.pass("stamp").await?;
        self.inner.stamp().await
    }

    async fn enqueue(&self, batch: Vec<NewOnboarding>) -> Result<Vec<Answer>> {
        self.pass("enqueue").await?;
        let answer = self.inner.enqueue(batch).await?;
        self.wake();
        Ok(answer)
    }

    async fn import_begin(&self, start: ImportStart) -> Result<ImportBegun> {
        self.pass("import_begin").await?;
        self.inner.import_begin(start).await
    }

    async fn import_progress(&self, import: ImportId, owner: Uuid, checkpoint: Checkpoint) -> Result<bool> {
        self.pass("import_progress").await?;
        self.inner.import_progress(import, owner, checkpoint).await
    }

    async fn import_end(&self, import: ImportId, owner: Uuid, checkpoint: Checkpoint) -> Result<bool> {
        self.pass("import_end").await?;
        self.inner.import_end(import, owner, checkpoint).await
    }

    async fn lease(&self, ask: LeaseRequest) -> Result<Grant> {
        let _leasing = Counted::one(&self.leasing);
        self.pass("lease").await?;
        let kind = ask.kind;
        let grant = self.inner.lease(ask).await?;
        let slow = *self.slow_leases.lock().unwrap();
        if !slow.is_zero() {
            tokio::time::sleep(slow).await;
        }
        let late = self
            .late_arrival
            .lock()
            .unwrap()
            .take_if(|_| kind == Kind::CreateCustomer && grant.jobs.is_empty());
        if let Some(late) = late {
            self.enqueue(vec![late]).await?;
        }
        let mut to_lose = self.lose_leases.lock().unwrap();
        if !grant.jobs.is_empty() && *to_lose > 0 {
            // The jobs are leased, and nobody is told.
            *to_lose -= 1;
            return Err(busy());
        }
        Ok(grant)
    }

    async fn extend(&self, leases: Vec<(JobId, LeaseToken)>, length: Duration) -> Result<Vec<bool>> {
        self.pass("extend").await?;
        self.inner.extend(leases, length).await
    }

    async fn settle(&self, batch: Vec<Settlement>) -> Result<Vec<Settled>> {
        self.pass("settle").await?;
        let answers = self.inner.settle(batch).await?;
        self.settled.fetch_add(answers.len(), Ordering::SeqCst);
        self.wake();
        Ok(answers)
    }

    async fn release(&self, leases: Vec<Release>) -> Result<()> {
        self.pass("release").await?;
        let answer = self.inner.release(leases).await?;
        self.wake();
        Ok(answer)
    }

    async fn permit(&self, ask: PermitRequest) -> Result<Permit> {
        self.pass("permit").await?;
        let scripted = self.permits.lock().unwrap().pop_front();
        match scripted {
            Some(answer) => Ok(answer),
            None => self.inner.permit(ask).await,
        }
    }

    async fn report(&self, report: CallReport) -> Result<()> {
        self.pass("report").await?;
        self.inner.report(report).await
    }

    async fn take_back(&self, limit: usize) -> Result<TakenBack> {
        self.pass("take_back").await?;
        let answer = self.inner.take_back(limit).await?;
        if answer.jobs > 0 {
            self.wake();
        }
        Ok(answer)
    }

    async fn changed(&self, at_most: Duration) {
        let _waiting = Counted::one(&self.waiting);
        match &self.wake {
            Some(wake) => drop(tokio::time::timeout(at_most, wake.notified()).await),
            None => self.inner.changed(at_most).await,
        }
    }

    async fn register(&self, worker: WorkerInfo) -> Result<()> {
        self.pass("register").await?;
        self.inner.register(worker).await
    }

    async fn beat(&self, worker: WorkerId, slots_busy: u32) -> Result<bool> {
        self.pass("beat").await?;
        self.inner.beat(worker, slots_busy).await
    }

    async fn deregister(&self, worker: WorkerId) -> Result<()> {
        self.pass("deregister").await?;
        self.inner.deregister(worker).await
    }

    async fn workers(&self) -> Result<Vec<WorkerState>> {
        self.pass("workers").await?;
        self.inner.workers().await
    }

    async fn hint(&self, target: Target) -> Result<Hinted> {
        self.pass("hint").await?;
        self.inner.hint(target).await
    }

    async fn request_link(&self, target: Target) -> Result<LinkRequested> {
        self.pass("request_link").await?;
        self.inner.request_link(target).await
    }

    async fn pause(&self, kind: Option<Kind>) -> Result<()> {
        self.pass("pause").await?;
        self.inner.pause(kind).await
    }

    async fn resume(&self, kind: Option<Kind>) -> Result<()> {
        self.pass("resume").await?;
        let answer = self.inner.resume(kind).await?;
        self.wake();
        Ok(answer)
    }

    async fn set_limits(&self, limits: Option<RatePolicy>) -> Result<()> {
        self.pass("set_limits").await?;
        self.inner.set_limits(limits).await?;
        self.wake();
        Ok(())
    }

    async fn limits(&self) -> Result<Option<RatePolicy>> {
        self.pass("limits").await?;
        self.inner.limits().await
    }

    async fn cancel(&self, target: Target) -> Result<Option<EndRequest>> {
        self.pass("cancel").await?;
        self.inner.cancel(target).await
    }

    async fn erase(&self, target: Target) -> Result<Option<EndRequest>> {
        self.pass("erase").await?;
        self.inner.erase(target).await
    }

    async fn redrive(&self, which: DeadFilter, limit: usize) -> Result<usize> {
        self.pass("redrive").await?;
        self.inner.redrive(which, limit).await
    }

    async fn drop_dead(&self, which: DeadFilter, limit: usize) -> Result<usize> {
        self.pass("drop_dead").await?;
        self.inner.drop_dead(which, limit).await
    }

    async fn circuit(&self) -> Result<Summary> {
        self.pass("circuit").await?;
        self.inner.circuit().await
    }

    async fn resolve_circuit(&self, resolution: Resolution) -> Result<Vec<Kind>> {
        self.pass("resolve_circuit").await?;
        let answer = self.inner.resolve_circuit(resolution).await?;
        self.wake();
        Ok(answer)
    }

    async fn status(&self) -> Result<Status> {
        self.pass("status").await?;
        if self.is(Mood::Forgetful) { Ok(Status::default()) } else { self.inner.status().await }
    }

    async fn find(&self, target: Target) -> Result<Option<Inspection>> {
        self.pass("find").await?;
        self.inner.find(target).await
    }

    async fn records(&self, after: Option<OnboardingId>, limit: usize) -> Result<Vec<Record>> {
        self.pass("records").await?;
        self.inner.records(after, limit).await
    }

    async fn dead(&self, which: DeadFilter, after: Option<JobId>, limit: usize) -> Result<Vec<DeadLetter>> {
        self.pass("dead").await?;
        self.inner.dead(which, after, limit).await
    }

    async fn group_add(&self, group: &str, from: GroupStart) -> Result<bool> {
        self.pass("group_add").await?;
        self.inner.group_add(group, from).await
    }

    async fn group_remove(&self, group: &str) -> Result<bool> {
        self.pass("group_remove").await?;
        self.inner.group_remove(group).await
    }

    async fn read(&self, ask: ReadRequest) -> Result<Vec<(Position, Event)>> {
        self.pass("read").await?;
        self.inner.read(ask).await
    }

    async fn ack(&self, group: &str, positions: Vec<Position>) -> Result<usize> {
        self.pass("ack").await?;
        self.inner.ack(group, positions).await
    }

    async fn events(&self, after: Position, limit: usize) -> Result<Vec<(Position, Event)>> {
        self.pass("events").await?;
        self.inner.events(after, limit).await
    }

    async fn prune(&self, ended_before: Timestamp, limit: usize) -> Result<usize> {
        self.pass("prune").await?;
        self.inner.prune(ended_before, limit).await
    }

    async fn trim(&self, older_than: Timestamp, limit: usize) -> Result<usize> {
        self.pass("trim").await?;
        self.inner.trim(older_than, limit).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
