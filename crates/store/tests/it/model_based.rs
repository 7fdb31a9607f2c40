//! Random sequences of operations on a store and on the model beside it: every answer and all that can be seen agree.
//!
//! The model is compared with itself, too: then only the invariants are at stake.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each group of operations names its own; one of another group would panic"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use gangway_jobs::circuit::Resolution;
use gangway_jobs::clock::{Clock as _, Timestamp};
use gangway_jobs::enqueue::Answer;
use gangway_jobs::failure::Code;
use gangway_jobs::id::{CustomerId, JobId, LeaseToken, OnboardingId, WorkerId};
use gangway_jobs::job::{Job, LeasedJob};
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::{Class, RatePolicy};
use gangway_jobs::outcome::{FollowUp, Outcome, Settlement};
use gangway_jobs::payload::{Payload, PollStatus};
use gangway_jobs::signal::{Blame, Signal};
use gangway_store::conformance::world::{
    CREDENTIAL, LEASE, PATIENCE, Row, check_events, identity, import, roomy,
};
use gangway_store::conformance::{Harness, outcomes};
use gangway_store::{
    DeadFilter, GroupStart, LeaseRequest, PermitRequest, Policies, Position, ReadRequest, Release,
    SharedStore, Status, Target, WorkerInfo,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use crate::harness::{Compared, Model, Redis, Sqlite};

/// One operation. Numbers name customers, workers, or places in the list of all leases ever given.
#[derive(Clone, Debug)]
enum Op {
    Enqueue {
        n: u32,
        email: u32,
        other_company: bool,
        row: Option<(u128, u64)>,
    },
    Lease {
        kind: Kind,
        max: usize,
        worker: u128,
    },
    LeaseAgain {
        lease: usize,
    },
    /// Leases and settles at once: what lets a sequence get anywhere.
    Work {
        kind: Kind,
        max: usize,
        end: End,
        signal: Signal,
    },
    /// Leases, and is never heard of again.
    Die {
        kind: Kind,
        worker: u128,
    },
    Settle {
        lease: usize,
        end: End,
        signal: Signal,
    },
    SettleAll {
        end: End,
    },
    Extend {
        lease: usize,
    },
    Release {
        lease: usize,
        started: bool,
    },
    TakeBack {
        limit: usize,
    },
    Advance {
        seconds: u64,
    },
    Beat {
        worker: u128,
    },
    Deregister {
        worker: u128,
    },
    Cancel {
        n: u32,
    },
    Erase {
        n: u32,
    },
    Hint {
        n: u32,
    },
    RequestLink {
        n: u32,
    },
    Redrive {
        limit: usize,
    },
    DropDead {
        limit: usize,
    },
    Pause {
        kind: Option<Kind>,
    },
    Resume {
        kind: Option<Kind>,
    },
    Resolve {
        resolution: Resolution,
    },
    Permit {
        class: Class,
    },
    SetLimits {
        limits: Option<RatePolicy>,
    },
    GroupAdd {
        group: usize,
        from: GroupStart,
    },
    GroupRemove {
        group: usize,
    },
    Read {
        group: usize,
        consumer: u8,
        count: usize,
    },
    Ack {
        group: usize,
        positions: Vec<u64>,
    },
    Prune {
        age: u64,
        limit: usize,
    },
    Trim {
        age: u64,
        limit: usize,
    },
    Reopen,
    Look,
}

/// How an attempt ends; what that means depends on its kind.
#[derive(Clone, Copy, Debug)]
enum End {
    Success,
    Status(&'static str, &'static str),
    Snooze,
    Retry,
    GiveBack,
    Bury(Code),
    NextGeneration,
    Foreign,
}

fn end() -> impl Strategy<Value = End> {
    let words = ["INIT", "PENDING_REVIEW", "pending_response", "APPROVED", "REJECTED", "FROZEN"];
    prop_oneof![
        6 => Just(End::Success),
        4 => (select(words.to_vec()), select(vec!["t1", "t2"])).prop_map(|(word, at)| End::Status(word, at)),
        1 => Just(End::Snooze),
        2 => Just(End::Retry),
        1 => Just(End::GiveBack),
        3 => select(vec![Code::Invalid, Code::EmailTaken, Code::Unresolved]).prop_map(End::Bury),
        1 => Just(End::NextGeneration),
        1 => Just(End::Foreign),
    ]
}

fn signal() -> impl Strategy<Value = Signal> {
    prop_oneof![
        20 => Just(Signal::None),
        10 => any::<bool>().prop_map(|fresh| Signal::Healthy { fresh }),
        2 => any::<bool>().prop_map(|internal| Signal::Down { internal }),
        1 => select(vec![None, Some(3), Some(40)])
            .prop_map(|wait| Signal::RateLimited { wait: wait.map(Duration::from_secs) }),
        1 => Just(Signal::Unauthorized),
        3 => select(vec![Blame::Row, Blame::Everybody, Blame::Unclear, Blame::Unclear])
            .prop_map(|blame| outcomes::refused("no", blame)),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    select(Kind::ALL.to_vec())
}

/// From a drop to more than anybody asks for, and one that is refused.
fn limits() -> impl Strategy<Value = RatePolicy> {
    let rates = select(vec![0.5, 4.0, 30.0, 100_000.0, 0.0]);
    let shares = select(vec![[0.3, 0.4, 0.3], [0.1, 0.8, 0.1], [0.6, 0.2, 0.2]]);
    (rates, shares).prop_map(|(per_second, shares)| RatePolicy { per_second, shares })
}

fn op() -> impl Strategy<Value = Op> {
    let n = || 0..8_u32;
    let lease = || 0..12_usize;
    let worker = || 1..4_u128;
    let running = prop_oneof![
        8 => (n(), 0..8_u32, proptest::bool::weighted(0.1), proptest::option::of((0..2_u128, 0..3_u64)), proptest::bool::weighted(0.8))
            .prop_map(|(n, email, other_company, row, own)| Op::Enqueue {
                n,
                email: if own { n } else { email },
                other_company,
                row,
            }),
        8 => (kind(), 1..5_usize, worker()).prop_map(|(kind, max, worker)| Op::Lease { kind, max, worker }),
        1 => lease().prop_map(|lease| Op::LeaseAgain { lease }),
        24 => (kind(), 1..5_usize, end(), signal())
            .prop_map(|(kind, max, end, signal)| Op::Work { kind, max, end, signal }),
        3 => (kind(), worker()).prop_map(|(kind, worker)| Op::Die { kind, worker }),
        8 => (lease(), end(), signal()).prop_map(|(lease, end, signal)| Op::Settle { lease, end, signal }),
        1 => end().prop_map(|end| Op::SettleAll { end }),
        1 => lease().prop_map(|lease| Op::Extend { lease }),
        1 => (lease(), any::<bool>()).prop_map(|(lease, started)| Op::Release { lease, started }),
        2 => (0..9_usize).prop_map(|limit| Op::TakeBack { limit }),
        5 => select(vec![0, 1, 5, 11, 31, 61, 61, 4_000, 4_000, 2_700_000]).prop_map(|seconds| Op::Advance { seconds }),
        2 => worker().prop_map(|worker| Op::Beat { worker }),
        1 => worker().prop_map(|worker| Op::Deregister { worker }),
        3 => Just(Op::Reopen),
        2 => Just(Op::Look),
    ];
    let steering = prop_oneof![
        2 => n().prop_map(|n| Op::Cancel { n }),
        1 => n().prop_map(|n| Op::Erase { n }),
        4 => n().prop_map(|n| Op::Hint { n }),
        4 => n().prop_map(|n| Op::RequestLink { n }),
        4 => (0..3_usize).prop_map(|limit| Op::Redrive { limit }),
        1 => (0..3_usize).prop_map(|limit| Op::DropDead { limit }),
        1 => proptest::option::of(kind()).prop_map(|kind| Op::Pause { kind }),
        4 => Just(Op::Resume { kind: None }),
        1 => kind().prop_map(|kind| Op::Resume { kind: Some(kind) }),
        2 => any::<bool>().prop_map(|retry| Op::Resolve {
            resolution: if retry { Resolution::Retry } else { Resolution::Bury },
        }),
        1 => select(Class::ALL.to_vec()).prop_map(|class| Op::Permit { class }),
        2 => proptest::option::of(limits()).prop_map(|limits| Op::SetLimits { limits }),
    ];
    let outbox = prop_oneof![
        1 => (0..3_usize, any::<bool>()).prop_map(|(group, now)| Op::GroupAdd {
            group,
            from: if now { GroupStart::Now } else { GroupStart::Beginning },
        }),
        1 => (0..3_usize).prop_map(|group| Op::GroupRemove { group }),
        3 => (0..3_usize, 0..2_u8, 0..6_usize)
            .prop_map(|(group, consumer, count)| Op::Read { group, consumer, count }),
        3 => (0..3_usize, vec(0..30_u64, 0..12)).prop_map(|(group, positions)| Op::Ack { group, positions }),
        2 => (0..100_u64, 0..4_usize).prop_map(|(age, limit)| Op::Prune { age, limit }),
        1 => (0..100_u64, 0..9_usize).prop_map(|(age, limit)| Op::Trim { age, limit }),
    ];
    prop_oneof![12 => running, 2 => steering, 2 => outbox]
}

const GROUPS: [&str; 3] = ["main", "crm", "typo"];

/// A store, the model beside it, and what has happened to both.
struct Pair<H> {
    harness: H,
    store: SharedStore,
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
    async fn start() -> Self {
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

    async fn run(&mut self, op: Op) {
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
    async fn compare(&self) {
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

fn agree<H: Compared>(ops: Vec<Op>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut pair = Pair::<H>::start().await;
        for op in ops {
            pair.run(op).await;
        }
        pair.compare().await;
        pair.harness.audit(&pair.store).await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_invariants_hold(ops in vec(op(), 1..200)) {
        agree::<Model>(ops);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_embedded_store_does_as_the_model(ops in vec(op(), 1..200)) {
        agree::<Sqlite>(ops);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_redis_store_does_as_the_model(ops in vec(op(), 1..200)) {
        agree::<Redis>(ops);
    }
}
