//! A store and the model beside it, which are asked the same.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each group of operations names its own; one of another group would panic"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use gangway_jobs::clock::{Clock as _, Timestamp};
use gangway_jobs::enqueue::Answer;
use gangway_jobs::failure::Code;
use gangway_jobs::id::{CustomerId, JobId, LeaseToken, OnboardingId, WorkerId};
use gangway_jobs::job::{Job, LeasedJob};
use gangway_jobs::kind::Kind;
use gangway_jobs::outcome::{FollowUp, Outcome, Settlement};
use gangway_jobs::payload::{Payload, PollStatus};
use gangway_jobs::signal::Signal;
use gangway_store::conformance::world::{
    CREDENTIAL, LEASE, PATIENCE, Row, check_events, identity, import, roomy,
};
use gangway_store::conformance::{Harness, outcomes};
use gangway_store::{
    DeadFilter, LeaseRequest, PermitRequest, Policies, Position, ReadRequest, Release, SharedStore, Status,
    Target, WorkerInfo,
};
use uuid::Uuid;

use crate::harness::{Compared, Model};

use super::op::{End, Op};

const GROUPS: [&str; 3] = ["main", "crm", "typo"];

/// A store, the model beside it, and what has happened to both.
pub(super) struct Pair<H> {
    pub(super) harness: H,
    pub(super) store: SharedStore,
    beside: Model,
    model: SharedStore,
    leases: Vec<(LeasedJob, WorkerId)>,
    tokens: u128,
    taken_in: std::collections::BTreeSet<OnboardingId>,
}

/// Asks both the same, and compares the answers.
macro_rules! both {
    ($pair:expr, $operation:ident($($argument:expr),*)) => {{
        let ours = $pair.store.$operation($($argument.clone()),*).await;
        let theirs = $pair.model.$operation($($argument.clone()),*).await;
        // Errors have no equality; their words have.
        assert_eq!(
            ours.as_ref().map_err(ToString::to_string),
            theirs.as_ref().map_err(ToString::to_string),
            stringify!($operation)
        );
        theirs
    }};
}

fn worker(n: u128) -> WorkerId {
    WorkerId::from_uuid(Uuid::from_u128(n))
}

fn target(n: u32) -> Target {
    match n % 2 {
        0 => Target::Id(Row::of(n).identified().id),
        _ => Target::Reference(format!("ref-{n}")),
    }
}

/// Low enough that gates open and buckets run dry now and then.
fn nervous() -> Policies {
    let mut policies = roomy();
    policies.circuit.threshold = 3;
    policies.circuit.suspects = 2;
    policies.circuit.give_up_probes = 2;
    policies.rate.per_second = 20.0;
    policies
}

impl<H: Compared> Pair<H> {
    pub(super) async fn start() -> Self {
        let harness = H::start(nervous()).await;
        let beside = Model::of::<H>(nervous());
        let (store, model) = (harness.open().await, beside.open().await);
        let (leases, taken_in) = Default::default();
        let pair = Self { harness, store, beside, model, leases, tokens: 0, taken_in };
        pair.register(1).await;
        pair
    }

    fn now(&self) -> Timestamp {
        self.harness.clock().now()
    }

    fn advance(&self, by: Duration) {
        self.harness.clock().advance(by);
        self.beside.clock().advance(by);
    }

    async fn register(&self, n: u128) {
        let info = WorkerInfo { id: worker(n), name: "host/1".to_owned(), slots: 4, patience: PATIENCE };
        both!(self, register(info)).unwrap();
    }

    pub(super) async fn run(&mut self, op: Op) {
        match op {
            Op::Enqueue { .. }
            | Op::Cancel { .. }
            | Op::Erase { .. }
            | Op::Hint { .. }
            | Op::RequestLink { .. }
            | Op::Prune { .. }
            | Op::Redrive { .. }
            | Op::DropDead { .. } => self.run_on_records(op).await,
            Op::GroupAdd { .. }
            | Op::GroupRemove { .. }
            | Op::Read { .. }
            | Op::Ack { .. }
            | Op::Trim { .. } => self.run_on_outbox(op).await,
            Op::Advance { seconds } => self.advance(Duration::from_secs(seconds)),
            Op::Reopen => self.store = self.harness.open().await,
            Op::Look => self.compare().await,
            other => self.run_on_jobs(other).await,
        }
        // Each operation has a time of its own: which of two jobs that are due at once comes first is nobody's promise.
        self.advance(Duration::from_millis(1));
    }

    async fn run_on_records(&mut self, op: Op) {
        match op {
            Op::Enqueue { n, email, other_company, row } => {
                let mut new = Row::of(n).email(email);
                if other_company {
                    new = new.company("Other");
                }
                new.row = row.map(|(run, row)| (import(run), row));
                let new = new.identified();
                let answers = both!(self, enqueue(vec![new.clone()])).unwrap();
                if answers == [Answer::New] {
                    self.taken_in.insert(new.id);
                }
            }
            Op::Cancel { n } => drop(both!(self, cancel(target(n)))),
            Op::Erase { n } => drop(both!(self, erase(target(n)))),
            Op::Hint { n } => drop(both!(self, hint(target(n)))),
            Op::RequestLink { n } => drop(both!(self, request_link(target(n)))),
            Op::Redrive { limit } => drop(both!(self, redrive(DeadFilter::default(), limit))),
            Op::DropDead { limit } => drop(both!(self, drop_dead(DeadFilter::default(), limit))),
            Op::Prune { age, limit } => {
                drop(both!(self, prune(self.now().before(Duration::from_secs(age)), limit)));
            }
            other => unreachable!("{other:?}"),
        }
    }

    async fn run_on_outbox(&mut self, op: Op) {
        match op {
            Op::GroupAdd { group, from } => drop(both!(self, group_add(GROUPS[group], from))),
            Op::GroupRemove { group } => drop(both!(self, group_remove(GROUPS[group]))),
            Op::Read { group, consumer, count } => {
                let (group, consumer) = (GROUPS[group].to_owned(), format!("reader-{consumer}"));
                let ask = ReadRequest { group, consumer, count, claim: LEASE };
                drop(both!(self, read(ask)));
            }
            Op::Ack { group, positions } => {
                let positions: Vec<Position> = positions.into_iter().map(Position).collect();
                drop(both!(self, ack(GROUPS[group], positions)));
            }
            Op::Trim { age, limit } => {
                drop(both!(self, trim(self.now().before(Duration::from_secs(age)), limit)));
            }
            other => unreachable!("{other:?}"),
        }
    }

    async fn run_on_jobs(&mut self, op: Op) {
        match op {
            Op::Lease { kind, max, worker } => self.lease_anew(kind, max, worker).await,
            Op::Work { kind, max, end, signal } => {
                let before = self.leases.len();
                self.lease_anew(kind, max, 1).await;
                let batch: Vec<Settlement> = self.leases[before..]
                    .iter()
                    .map(|(job, worker)| settlement(job, *worker, end, signal.clone()))
                    .collect();
                both!(self, settle(batch)).unwrap();
            }
            Op::Die { kind, worker: n } => {
                self.lease_anew(kind, 2, n).await;
                both!(self, deregister(worker(n))).unwrap();
                self.advance(LEASE);
                both!(self, take_back(100)).unwrap();
            }
            Op::LeaseAgain { lease } => {
                if let Some((job, _)) = self.leased(lease) {
                    self.lease(job.id.kind, 3, 1, job.token).await;
                }
            }
            Op::Settle { lease, end, signal } => {
                if let Some((job, worker)) = self.leased(lease) {
                    let batch = vec![settlement(&job, worker, end, signal)];
                    both!(self, settle(batch)).unwrap();
                }
            }
            Op::SettleAll { end } => {
                let batch: Vec<Settlement> = self
                    .leases
                    .iter()
                    .map(|(job, worker)| settlement(job, *worker, end, Signal::None))
                    .collect();
                both!(self, settle(batch)).unwrap();
            }
            Op::Extend { lease } => {
                if let Some((job, _)) = self.leased(lease) {
                    both!(self, extend(vec![(job.id, job.token)], LEASE)).unwrap();
                }
            }
            Op::Release { lease, started } => {
                if let Some((job, _)) = self.leased(lease) {
                    both!(self, release(vec![Release { job: job.id, token: job.token, started }])).unwrap();
                }
            }
            Op::TakeBack { limit } => drop(both!(self, take_back(limit))),
            Op::Beat { worker: n } => {
                if !both!(self, beat(worker(n), 0)).unwrap() {
                    self.register(n).await;
                }
            }
            Op::Deregister { worker: n } => drop(both!(self, deregister(worker(n)))),
            Op::Pause { kind } => drop(both!(self, pause(kind))),
            Op::Resume { kind } => drop(both!(self, resume(kind))),
            Op::Resolve { resolution } => drop(both!(self, resolve_circuit(resolution))),
            Op::Permit { class } => {
                let credential = CREDENTIAL.to_owned();
                let ask = PermitRequest { class, worker: worker(1), credential };
                drop(both!(self, permit(ask)));
            }
            Op::SetLimits { limits } => {
                drop(both!(self, set_limits(limits)));
                both!(self, limits()).unwrap();
            }
            other => unreachable!("{other:?}"),
        }
    }

    /// A lease of the past, the latest first.
    fn leased(&self, back: usize) -> Option<(LeasedJob, WorkerId)> {
        self.leases.iter().rev().nth(back).cloned()
    }

    async fn lease_anew(&mut self, kind: Kind, max: usize, n: u128) {
        self.tokens += 1;
        let token = LeaseToken::from_uuid(Uuid::from_u128(self.tokens << 64));
        self.lease(kind, max, n, token).await;
    }

    async fn lease(&mut self, kind: Kind, max: usize, n: u128, token: LeaseToken) {
        let ask = LeaseRequest {
            kind,
            max,
            token,
            worker: worker(n),
            credential: CREDENTIAL.to_owned(),
            length: LEASE,
        };
        // How soon to ask again is advice: a store may know better than the model.
        let mut ours = self.store.lease(ask.clone()).await.unwrap().jobs;
        let mut theirs = self.model.lease(ask).await.unwrap().jobs;
        let is_known = self.leases.iter().any(|(job, _)| job.token == token);
        if is_known {
            for job in ours.iter_mut().chain(&mut theirs) {
                // The answer to a repeat may tell its own time.
                job.now = job.until;
            }
            ours.sort_by_key(|job| job.id);
            theirs.sort_by_key(|job| job.id);
        }
        assert_eq!(ours, theirs, "lease");
        for job in ours {
            self.lost_are_lost(&job).await;
            if !is_known {
                self.leases.push((job, worker(n)));
            }
        }
    }

    /// No two leases of one job are held at once.
    async fn lost_are_lost(&self, held: &LeasedJob) {
        let others = self.leases.iter().filter(|(job, _)| job.id == held.id && job.token != held.token);
        let others: Vec<(JobId, LeaseToken)> = others.map(|(job, _)| (job.id, job.token)).collect();
        let still_held = both!(self, extend(others, LEASE)).unwrap();
        assert!(!still_held.contains(&true), "two leases of {}", held.id);
    }

    /// All that can be seen agrees, and what always holds does.
    pub(super) async fn compare(&self) {
        assert_eq!(self.status(&self.store).await, self.status(&self.model).await);
        let records = both!(self, records(None::<OnboardingId>, 1_000)).unwrap();
        for record in &records {
            let target = Target::Id(record.id);
            let sorted = |inspection: Option<gangway_store::Inspection>| {
                let mut jobs: Vec<Job> = inspection.unwrap().jobs;
                jobs.sort_by_key(|job| job.id);
                jobs
            };
            let ours = sorted(self.store.find(target.clone()).await.unwrap());
            assert_eq!(ours, sorted(self.model.find(target).await.unwrap()), "jobs of {}", record.id);
            if record.stage.is_end() {
                let left_over =
                    ours.iter().filter(|job| job.hold == gangway_jobs::job::Hold::Waiting).count();
                assert_eq!(left_over, 0, "a job waits although its onboarding is {}", record.stage);
            }
        }
        both!(self, dead(DeadFilter::default(), None::<JobId>, 1_000)).unwrap();
        let events = both!(self, events(Position::default(), 1_000)).unwrap();
        check_events(&events, &records);
        let status = self.status(&self.store).await;
        assert_eq!(status.total(), self.taken_in.len() as u64, "nothing is lost");
    }

    async fn status(&self, store: &SharedStore) -> Status {
        let mut status = store.status().await.unwrap();
        status.by_stage.retain(|_, count| *count > 0);
        for states in status.jobs.values_mut() {
            states.retain(|_, count| *count > 0);
        }
        status.jobs.retain(|_, states: &mut BTreeMap<_, _>| !states.is_empty());
        status.workers.sort_by_key(|worker| worker.info.id);
        status
    }
}

fn settlement(job: &LeasedJob, worker: WorkerId, end: End, signal: Signal) -> Settlement {
    Settlement {
        job: job.id,
        token: job.token,
        worker,
        credential: CREDENTIAL.to_owned(),
        outcome: outcome(job, end),
        signal,
    }
}

fn outcome(job: &LeasedJob, end: End) -> Outcome {
    match (job.id.kind, end) {
        (Kind::CreateCustomer, End::Success | End::Status(..)) => outcomes::created(job),
        (Kind::CreateLink, End::Success | End::Status(..)) => outcomes::linked(job),
        (Kind::PollStatus, End::Success) => outcomes::polled(job, "UNDER_REVIEW", "t3"),
        (Kind::PollStatus, End::Status(word, updated_at)) => outcomes::polled(job, word, updated_at),
        (_, End::Snooze) => outcomes::snooze(20),
        (_, End::Retry) => outcomes::retry(2),
        (_, End::GiveBack) => outcomes::give_back(1),
        (Kind::CreateLink, End::Bury(code)) => {
            let Outcome::Bury { failure, mut step } = outcomes::bury(code) else { unreachable!() };
            step.follow_ups.push(FollowUp::now(Payload::PollStatus(PollStatus::default())));
            Outcome::Bury { failure, step }
        }
        (_, End::Bury(code)) => outcomes::bury(code),
        (Kind::CreateCustomer, End::NextGeneration) => {
            let Outcome::Retry { after, failure, mut step } = outcomes::retry(1) else { unreachable!() };
            let email = &Row::of(0).identified().customer.email;
            step.patch.next_generation =
                Some(identity().idempotency_key(None, email, job.record.generation + 1));
            Outcome::Retry { after, failure, step }
        }
        (Kind::CreateCustomer, End::Foreign) => {
            let Outcome::Bury { failure, mut step } = outcomes::bury(Code::ForeignCustomer) else {
                unreachable!()
            };
            step.patch.foreign_customer_id = CustomerId::parse("foreign");
            Outcome::Bury { failure, step }
        }
        (_, End::NextGeneration | End::Foreign) => outcomes::retry(5),
    }
}
