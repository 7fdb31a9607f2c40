//! The small world of a story: one store, one clock, one worker.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use gangway_jobs::clock::{Clock as _, Timestamp};
use gangway_jobs::customer::{NewCustomer, RawCustomer};
use gangway_jobs::enqueue::{Answer, NewOnboarding};
use gangway_jobs::event::{Event, EventType};
use gangway_jobs::id::{CustomerId, ImportId, JobId, LeaseToken, OnboardingId, WorkerId};
use gangway_jobs::identity::{Identity, IdentitySecret};
use gangway_jobs::job::{Job, LeasedJob};
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::RatePolicy;
use gangway_jobs::onboarding::{Record, Stage};
use gangway_jobs::outcome::{Outcome, Settled, Settlement};
use gangway_jobs::signal::Signal;
use uuid::Uuid;

use super::{Harness, outcomes};
use crate::stamp::Expected;
use crate::{
    Grant, LeaseRequest, MAX_BATCH, Policies, Position, ReadRequest, SharedStore, Status, Target, WorkerInfo,
};

/// The length of a lease in stories.
pub const LEASE: Duration = Duration::from_secs(30);

/// How long a worker may be silent in stories.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The credential that everybody uses.
pub const CREDENTIAL: &str = "credential-1";

/// A store in the middle of a story.
#[derive(Debug)]
pub struct World<H> {
    pub harness: H,
    pub store: SharedStore,
    /// Registered, and alive until it is silent for [`PATIENCE`].
    pub worker: WorkerId,
    taken_in: Mutex<BTreeSet<OnboardingId>>,
}

/// Policies under which the rate limit is out of the way.
pub fn roomy() -> Policies {
    let rate = RatePolicy { per_second: 100_000.0, ..RatePolicy::default() };
    Policies { rate, ..Policies::default() }
}

/// The stamp of every store in a story.
pub fn made_for() -> Expected {
    Expected {
        api_base_url: "https://api.example".to_owned(),
        entity: "default".to_owned(),
        secret_fingerprint: identity().secret_fingerprint(),
    }
}

/// When stories begin.
pub const fn beginning() -> Timestamp {
    Timestamp::from_millis(1_772_355_600_000)
}

pub fn identity() -> Identity {
    Identity::new(IdentitySecret::new("conformance"), "default")
}

/// What a partner hands in.
#[derive(Clone, Debug)]
pub struct Row {
    pub reference: Option<String>,
    pub email: String,
    pub company: String,
    pub row: Option<(ImportId, u64)>,
}

impl Row {
    /// The customer of that number.
    pub fn of(n: u32) -> Self {
        Self {
            reference: Some(format!("ref-{n}")),
            email: format!("person{n}@company.example"),
            company: "Company".to_owned(),
            row: None,
        }
    }

    #[must_use]
    pub fn email(mut self, n: u32) -> Self {
        self.email = format!("person{n}@company.example");
        self
    }

    #[must_use]
    pub fn company(mut self, company: &str) -> Self {
        company.clone_into(&mut self.company);
        self
    }

    #[must_use]
    pub const fn from(mut self, import: ImportId, row: u64) -> Self {
        self.row = Some((import, row));
        self
    }

    #[must_use]
    pub fn without_reference(mut self) -> Self {
        self.reference = None;
        self
    }

    /// The row with its identity.
    pub fn identified(&self) -> NewOnboarding {
        let customer = NewCustomer::parse(RawCustomer {
            reference: self.reference.as_deref(),
            email: &self.email,
            first_name: "Ada",
            last_name: "Byron",
            company_name: &self.company,
            customer_type: None,
        });
        NewOnboarding::new(&identity(), customer.unwrap(), self.row)
    }
}

/// The import of that number.
pub const fn import(n: u128) -> ImportId {
    ImportId::from_uuid(Uuid::from_u128(n))
}

/// The customer id that the API gives the onboarding.
pub fn customer_of(id: OnboardingId) -> CustomerId {
    CustomerId::parse(&format!("customer-{id}")).unwrap()
}

impl<H: Harness> World<H> {
    pub async fn new() -> Self {
        Self::with(roomy()).await
    }

    pub async fn with(policies: Policies) -> Self {
        let harness = H::start(policies).await;
        let store = harness.open().await;
        let world = Self {
            harness,
            store,
            worker: WorkerId::from_uuid(Uuid::from_u128(1)),
            taken_in: Mutex::default(),
        };
        world.register(world.worker).await;
        world
    }

    /// The process dies, and another one opens the store.
    pub async fn reopen(&mut self) {
        self.store = self.harness.open().await;
    }

    pub fn now(&self) -> Timestamp {
        self.harness.clock().now()
    }

    pub fn advance(&self, by: Duration) {
        self.harness.clock().advance(by);
    }

    pub fn advance_secs(&self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
    }

    pub async fn register(&self, id: WorkerId) {
        let info = WorkerInfo { id, name: "host/1".to_owned(), slots: 16, patience: PATIENCE };
        self.store.register(info).await.unwrap();
    }

    /// Another worker, registered.
    pub async fn another_worker(&self, n: u128) -> WorkerId {
        let id = WorkerId::from_uuid(Uuid::from_u128(n));
        self.register(id).await;
        id
    }

    pub async fn beat(&self) {
        assert!(self.store.beat(self.worker, 0).await.unwrap());
    }

    // ---- taking in ----

    pub async fn enqueue(&self, rows: impl IntoIterator<Item = Row>) -> Vec<Answer> {
        let batch: Vec<NewOnboarding> = rows.into_iter().map(|row| row.identified()).collect();
        let ids: Vec<OnboardingId> = batch.iter().map(|new| new.id).collect();
        let answers = self.store.enqueue(batch).await.unwrap();
        assert_eq!(answers.len(), ids.len());
        let new = ids.into_iter().zip(&answers).filter(|(_, answer)| **answer == Answer::New);
        self.taken_in.lock().unwrap().extend(new.map(|(id, _)| id));
        answers
    }

    pub async fn enqueue_one(&self, row: Row) -> Answer {
        self.enqueue([row]).await[0]
    }

    /// Takes the customer of that number in.
    pub async fn take_in(&self, n: u32) -> OnboardingId {
        let row = Row::of(n);
        let id = row.identified().id;
        assert_eq!(self.enqueue_one(row).await, Answer::New);
        id
    }

    /// Takes a customer in and creates it: what is left is its link job.
    pub async fn create(&self, n: u32) -> OnboardingId {
        let id = self.take_in(n).await;
        let job = self.lease_job(id, Kind::CreateCustomer).await;
        self.settle(&job, outcomes::created(&job)).await;
        id
    }

    /// Takes a customer in, creates it and makes its link: what is left is its poll job, due now.
    pub async fn link(&self, n: u32) -> OnboardingId {
        let id = self.create(n).await;
        let job = self.lease_job(id, Kind::CreateLink).await;
        self.settle(&job, outcomes::linked(&job)).await;
        id
    }

    /// Brings an onboarding to the end that the API's status `word` means.
    pub async fn end(&self, n: u32, word: &str) -> OnboardingId {
        let id = self.link(n).await;
        self.poll(id, word, "t1").await;
        id
    }

    /// Takes a customer in whose create is buried.
    pub async fn bury(&self, n: u32, code: gangway_jobs::failure::Code) -> OnboardingId {
        let id = self.take_in(n).await;
        let job = self.lease_job(id, Kind::CreateCustomer).await;
        self.settle(&job, outcomes::bury(code)).await;
        id
    }

    /// One poll that reads `word`.
    pub async fn poll(&self, id: OnboardingId, word: &str, updated_at: &str) {
        let job = self.lease_job(id, Kind::PollStatus).await;
        assert_eq!(self.settle(&job, outcomes::polled(&job, word, updated_at)).await, Settled::Done);
    }

    // ---- running ----

    pub fn ask(&self, kind: Kind, max: usize) -> LeaseRequest {
        LeaseRequest {
            kind,
            max,
            token: LeaseToken::mint(),
            worker: self.worker,
            credential: CREDENTIAL.to_owned(),
            length: LEASE,
        }
    }

    pub async fn grant(&self, kind: Kind, max: usize) -> Grant {
        self.store.lease(self.ask(kind, max)).await.unwrap()
    }

    pub async fn lease(&self, kind: Kind, max: usize) -> Vec<LeasedJob> {
        self.grant(kind, max).await.jobs
    }

    pub async fn lease_as(&self, worker: WorkerId, kind: Kind, max: usize) -> Vec<LeasedJob> {
        self.store.lease(LeaseRequest { worker, ..self.ask(kind, max) }).await.unwrap().jobs
    }

    /// Leases what is due of the kind; the job of that onboarding must be the only one.
    pub async fn lease_job(&self, id: OnboardingId, kind: Kind) -> LeasedJob {
        let mut jobs = self.lease(kind, MAX_BATCH).await;
        assert_eq!(jobs.iter().map(|job| job.id.onboarding).collect::<Vec<_>>(), [id], "{kind}");
        jobs.remove(0)
    }

    pub fn settlement(&self, job: &LeasedJob, outcome: Outcome) -> Settlement {
        Settlement {
            job: job.id,
            token: job.token,
            worker: self.worker,
            credential: CREDENTIAL.to_owned(),
            outcome,
            signal: Signal::None,
        }
    }

    pub async fn settle(&self, job: &LeasedJob, outcome: Outcome) -> Settled {
        self.settle_with(job, outcome, Signal::None).await
    }

    pub async fn settle_with(&self, job: &LeasedJob, outcome: Outcome, signal: Signal) -> Settled {
        self.settle_as(self.worker, CREDENTIAL, job, outcome, signal).await
    }

    pub async fn settle_as(
        &self,
        worker: WorkerId,
        credential: &str,
        job: &LeasedJob,
        outcome: Outcome,
        signal: Signal,
    ) -> Settled {
        let credential = credential.to_owned();
        let settlement = Settlement { worker, credential, signal, ..self.settlement(job, outcome) };
        let answer = self.store.settle(vec![settlement]).await.unwrap()[0];
        self.check_sums().await;
        answer
    }

    // ---- looking ----

    pub async fn status(&self) -> Status {
        self.store.status().await.unwrap()
    }

    pub async fn record(&self, id: OnboardingId) -> Record {
        self.store.find(Target::Id(id)).await.unwrap().unwrap().record
    }

    pub async fn stage(&self, id: OnboardingId) -> Stage {
        self.record(id).await.stage
    }

    pub async fn jobs(&self, id: OnboardingId) -> Vec<Job> {
        self.store.find(Target::Id(id)).await.unwrap().unwrap().jobs
    }

    /// The kinds of jobs that the onboarding has.
    pub async fn kinds(&self, id: OnboardingId) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = self.jobs(id).await.into_iter().map(|job| job.id.kind).collect();
        kinds.sort_unstable();
        kinds
    }

    pub async fn job(&self, id: JobId) -> Job {
        self.jobs(id.onboarding).await.into_iter().find(|job| job.id == id).unwrap()
    }

    pub async fn count(&self, stage: Stage) -> u64 {
        self.status().await.by_stage.get(&stage).copied().unwrap_or(0)
    }

    pub async fn all_events(&self) -> Vec<(Position, Event)> {
        let mut all: Vec<(Position, Event)> = Vec::new();
        loop {
            let after = all.last().map_or_else(Position::default, |(position, _)| *position);
            let page = self.store.events(after, 500).await.unwrap();
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    pub async fn events_of(&self, id: OnboardingId) -> Vec<EventType> {
        let all = self.all_events().await;
        all.into_iter().filter(|(_, event)| event.onboarding == id).map(|(_, event)| event.kind).collect()
    }

    pub fn reading(group: &str, consumer: &str, count: usize) -> ReadRequest {
        ReadRequest { group: group.to_owned(), consumer: consumer.to_owned(), count, claim: LEASE }
    }

    // ---- what always holds ----

    /// Nothing is lost: all that was ever taken in is in one stage.
    pub async fn check_sums(&self) {
        let status = self.status().await;
        let taken_in = self.taken_in.lock().unwrap().len() as u64;
        let ends: u64 =
            status.by_stage.iter().filter(|(stage, _)| stage.is_end()).map(|(_, count)| count).sum();
        assert_eq!(status.total(), taken_in, "something was lost or counted twice: {:?}", status.by_stage);
        assert_eq!(status.total(), ends + status.in_progress());
    }

    /// All that always holds.
    pub async fn check(&self) {
        self.check_sums().await;
        let records = self.store.records(None, 10 * MAX_BATCH).await.unwrap();
        let by_stage = self.status().await.by_stage;
        for stage in Stage::ALL {
            let kept = records.iter().filter(|record| record.stage == stage).count() as u64;
            let counted = by_stage.get(&stage).copied().unwrap_or(0);
            assert!(kept == counted || stage.is_end() && kept < counted, "{stage}: {kept} of {counted}");
        }
        check_events(&self.all_events().await, &records);
        let tokens = records.iter().map(|record| record.id).collect::<BTreeSet<_>>();
        assert_eq!(tokens.len(), records.len(), "each onboarding has one record");
    }
}

/// Sequences without gaps, one terminal event a round, and no end without its event.
pub fn check_events(events: &[(Position, Event)], records: &[Record]) {
    assert!(events.is_sorted_by_key(|(position, _)| *position));
    let mut by_onboarding: BTreeMap<OnboardingId, Vec<&Event>> = BTreeMap::new();
    for (_, event) in events {
        by_onboarding.entry(event.onboarding).or_default().push(event);
    }
    for (id, events) in &by_onboarding {
        let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
        assert!(sequences.windows(2).all(|pair| pair[1] == pair[0] + 1), "{id}: {sequences:?}");
        let mut rounds: Vec<u64> = events
            .iter()
            .filter(|event| event.kind.is_terminal())
            .map(|event| event.data["round"].as_u64().unwrap())
            .collect();
        let terminal = rounds.len();
        rounds.dedup();
        assert_eq!(rounds.len(), terminal, "{id}: a round has two terminal events");
    }
    for record in records {
        let Some(events) = by_onboarding.get(&record.id) else { continue };
        assert_eq!(events.last().map(|event| event.sequence), Some(record.sequence));
        let last_end = events.iter().rfind(|event| event.kind.is_terminal());
        let is_told = last_end.is_some_and(|event| event.data["round"] == record.round);
        assert_eq!(record.stage.is_end(), is_told, "{}: stage {} and its event", record.id, record.stage);
    }
}
