//! Four processes do whatever comes to their minds with the same few onboardings, on real time; some lose their replies.
//! Then everything is counted again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use gangway_jobs::circuit::Resolution;
use gangway_jobs::failure::Code;
use gangway_jobs::id::{JobId, LeaseToken, OnboardingId};
use gangway_jobs::job::LeasedJob;
use gangway_jobs::kind::Kind;
use gangway_jobs::outcome::{FollowUp, Outcome, Settled, Settlement, Step};
use gangway_jobs::payload::{Payload, PollStatus};
use gangway_jobs::signal::{Blame, Signal};
use gangway_store::conformance::outcomes;
use gangway_store::conformance::world::{Row, import};
use gangway_store::{DeadFilter, LeaseRequest, Release, SharedStore, Target};
use gangway_testkit::redis::{Fsync, Options, Server};
use rand::RngExt as _;
use tokio::sync::watch;

use super::audit::audit;
use super::place::{Place, ask, register, settle, settlement, worker};

const PROCESSES: u128 = 4;
/// So many customers are played with at a time; every few milliseconds another one takes the place of the oldest.
const CUSTOMERS: u128 = 20;
const EVERY: u128 = 15;
const LASTS: Duration = Duration::from_secs(4);
/// And so much longer, if the server was not hurt often enough by then.
const LONGEST: Duration = Duration::from_mins(1);

/// What all of them remember together.
#[derive(Default)]
struct Memory {
    taken_in: Mutex<BTreeSet<OnboardingId>>,
    done: Mutex<BTreeMap<(JobId, LeaseToken), u32>>,
    calls: watch::Sender<u64>,
    /// How often something was done to their server.
    hurts: AtomicU32,
}

impl Memory {
    /// Returns when so many more calls were begun. While the server is away each process has one, or two if it gave one up.
    async fn more_calls(&self, count: u64) {
        let goal = *self.calls.borrow() + count;
        self.calls.subscribe().wait_for(|calls| *calls >= goal).await.unwrap();
    }

    fn hurts(&self) -> u32 {
        self.hurts.load(Ordering::SeqCst)
    }

    fn hurt(&self) {
        self.hurts.fetch_add(1, Ordering::SeqCst);
    }
}

/// One process.
struct Process {
    number: u128,
    store: SharedStore,
    leased: Vec<LeasedJob>,
    memory: Arc<Memory>,
}

fn below(end: u32) -> u32 {
    rand::rng().random_range(0..end)
}

fn chance(percent: u32) -> bool {
    below(100) < percent
}

fn customer() -> u32 {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    u32::try_from(BEGUN.elapsed().as_millis() / EVERY + rand::rng().random_range(0..CUSTOMERS)).unwrap()
}

fn kind() -> Kind {
    Kind::ALL[below(3) as usize]
}

fn target() -> Target {
    let n = customer();
    if chance(50) { Target::Id(Row::of(n).identified().id) } else { Target::Reference(format!("ref-{n}")) }
}

/// Calls; in one of ten cases the reply is lost, and the same is asked again. So it is when the connection is.
macro_rules! call {
    ($process:expr, $call:expr) => {{
        $process.memory.calls.send_modify(|calls| *calls += 1);
        if chance(10) {
            let patience = Duration::from_micros(u64::from(below(1_500)));
            // Whatever it brings.
            drop(tokio::time::timeout(patience, $call).await);
        }
        loop {
            match $call.await {
                Ok(answer) => break answer,
                Err(error) => assert!(error.is_transient(), "{error}"),
            }
        }
    }};
}

impl Process {
    async fn run(mut self, until: Instant, hurts: u32) {
        register(&self.store, self.number).await;
        while Instant::now() < until || self.memory.hurts() < hurts {
            assert!(Instant::now() < until + LONGEST, "hurt {} times only", self.memory.hurts());
            self.step().await;
        }
    }

    async fn step(&mut self) {
        match below(100) {
            0..12 => self.enqueue().await,
            12..40 => self.lease().await,
            40..70 => self.settle().await,
            70..73 => self.extend().await,
            73..76 => self.release().await,
            76..80 => _ = call!(self, self.store.take_back(1 + below(20) as usize)),
            80..84 => _ = call!(self, self.store.hint(target())),
            84..87 => _ = call!(self, self.store.request_link(target())),
            87..89 => _ = call!(self, self.store.cancel(target())),
            89..90 if chance(5) => _ = call!(self, self.store.erase(target())),
            90..94 => _ = call!(self, self.store.redrive(DeadFilter::default(), below(5) as usize)),
            94..95 => _ = call!(self, self.store.drop_dead(DeadFilter::default(), 1)),
            95..96 => {
                let now = call!(self, self.store.now());
                _ = call!(self, self.store.prune(now.before(Duration::from_millis(500)), 3));
            }
            96..97 => _ = call!(self, self.store.resolve_circuit(Resolution::Retry)),
            97..98 => _ = call!(self, self.store.beat(worker(self.number), 1)),
            98..99 => self.leased.clear(),
            _ => _ = call!(self, self.store.status()),
        }
    }

    async fn enqueue(&self) {
        let rows = (0..=below(4)).map(|_| {
            let n = customer();
            let mut row = Row::of(n).email(if chance(90) { n } else { customer() });
            if chance(10) {
                row = row.company("Other");
            }
            if chance(50) { row.from(import(u128::from(below(2))), u64::from(n)) } else { row }
        });
        let batch: Vec<_> = rows.map(|row| row.identified()).collect();
        let answers = call!(self, self.store.enqueue(batch.clone()));
        let kept = batch.iter().zip(answers).filter(|(_, answer)| !answer.is_conflict());
        self.memory.taken_in.lock().unwrap().extend(kept.map(|(new, _)| new.id));
    }

    async fn lease(&mut self) {
        let length = Duration::from_millis([5, 50, 400][below(3) as usize]);
        let ask = LeaseRequest { length, ..ask(kind(), 1 + below(6) as usize, self.number) };
        let grant = call!(self, self.store.lease(ask.clone()));
        let mut ids: Vec<JobId> = grant.jobs.iter().map(|job| job.id).collect();
        ids.dedup();
        assert_eq!(ids.len(), grant.jobs.len(), "one job twice in a grant");
        self.leased.extend(grant.jobs);
    }

    fn some_leased(&mut self) -> Vec<LeasedJob> {
        let count = self.leased.len().min(1 + below(5) as usize);
        let from = below(u32::try_from(self.leased.len() - count + 1).unwrap()) as usize;
        self.leased.drain(from..from + count).collect()
    }

    async fn settle(&mut self) {
        let jobs = self.some_leased();
        let batch: Vec<Settlement> = jobs
            .iter()
            .map(|job| Settlement { worker: worker(self.number), ..settlement(job, outcome(job), signal()) })
            .collect();
        let answers = call!(self, self.store.settle(batch.clone()));
        for (job, answer) in jobs.iter().zip(&answers) {
            if *answer == Settled::Done {
                let mut done = self.memory.done.lock().unwrap();
                let times = done.entry((job.id, job.token)).or_default();
                *times += 1;
                assert_eq!(*times, 1, "{} was settled twice under one token", job.id);
            }
        }
        if chance(5) {
            let again = call!(self, self.store.settle(batch.clone()));
            assert!(!again.contains(&Settled::Done), "a repeated settle is not written again: {again:?}");
        }
    }

    async fn extend(&mut self) {
        let leases: Vec<_> = self.leased.iter().map(|job| (job.id, job.token)).take(100).collect();
        let still = call!(self, self.store.extend(leases.clone(), Duration::from_millis(200)));
        assert_eq!(still.len(), leases.len());
    }

    async fn release(&mut self) {
        let jobs = self.some_leased();
        let release = |job: &LeasedJob| Release { job: job.id, token: job.token, started: chance(50) };
        let leases: Vec<Release> = jobs.iter().map(release).collect();
        call!(self, self.store.release(leases.clone()));
    }
}

fn signal() -> Signal {
    match below(40) {
        0 => Signal::Down { internal: chance(50) },
        1 => Signal::Unauthorized,
        2 => outcomes::refused("no", Blame::Unclear),
        3 => outcomes::refused("never", Blame::Everybody),
        4..10 => Signal::None,
        _ => Signal::Healthy { fresh: chance(50) },
    }
}

fn outcome(job: &LeasedJob) -> Outcome {
    match (job.id.kind, below(20)) {
        (_, 0) => outcomes::snooze(0),
        (_, 1) => Outcome::Retry {
            after: Duration::from_millis(20),
            failure: outcomes::failure(Code::Unreachable),
            step: Step::default(),
        },
        (_, 2) => outcomes::give_back(0),
        (Kind::CreateCustomer, 3) => outcomes::bury(Code::Unresolved),
        (Kind::CreateCustomer, 4 | 5) => outcomes::bury(Code::Invalid),
        (Kind::PollStatus, 3) => outcomes::bury(Code::Refused),
        (Kind::CreateLink, 3 | 4) => {
            let Outcome::Bury { failure, mut step } = outcomes::bury(Code::Refused) else { unreachable!() };
            step.follow_ups.push(FollowUp::now(Payload::PollStatus(PollStatus::default())));
            Outcome::Bury { failure, step }
        }
        (Kind::CreateCustomer, _) => outcomes::created(job),
        (Kind::CreateLink, _) => outcomes::linked(job),
        (Kind::PollStatus, n) => {
            let word = ["INIT", "APPROVED", "REJECTED", "PENDING_RESPONSE", "PENDING_REVIEW"][n as usize % 5];
            let mut end = outcomes::polled(job, word, &format!("t{}", below(3)));
            if let Outcome::Snooze { after, .. } = &mut end {
                *after = Duration::from_millis(10);
            }
            end
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_processes_in_a_crowd_leave_everything_in_its_place() {
    let server = Server::start(&Options::default()).unwrap();
    crowd(Place::at(server.url()), 0, async |_| std::future::pending().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn they_do_so_too_while_their_connections_are_cut() {
    let server = Server::start(&Options::default()).unwrap();
    crowd(Place::at(server.url()), 5, async |memory| {
        loop {
            memory.more_calls(200 + u64::from(below(100))).await;
            server.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).unwrap();
            memory.hurt();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn they_do_so_too_while_their_server_is_killed() {
    let options = Options { appendonly: Some(Fsync::Always), ..Options::default() };
    let mut server = Server::start(&options).unwrap();
    crowd(Place::at(server.url()), 3, async |memory| {
        loop {
            memory.more_calls(200 + u64::from(below(100))).await;
            tokio::task::block_in_place(|| server.restart()).unwrap();
            memory.hurt();
        }
    })
    .await;
}

/// Lets the processes loose on a store at a server of its own, and `trouble` on that server, until it was hurt that often.
async fn crowd(mut place: Place, hurts: u32, trouble: impl AsyncFnOnce(&Memory)) {
    place.policies.circuit.threshold = 4;
    place.policies.circuit.suspects = 2;
    place.policies.circuit.probe_interval = Duration::from_millis(20);
    place.policies.circuit.confirm_after = Duration::from_millis(20);
    let memory = Arc::new(Memory::default());
    let until = Instant::now() + LASTS;
    let mut crowd = tokio::task::JoinSet::new();
    for number in 1..=PROCESSES {
        let (store, memory) = (place.open().await, Arc::clone(&memory));
        crowd.spawn(Process { number, store, leased: Vec::new(), memory }.run(until, hurts));
    }
    let all = async {
        while let Some(ended) = crowd.join_next().await {
            ended.unwrap();
        }
    };
    tokio::select! {
        () = all => {}
        () = trouble(&memory) => {}
    }
    until_alone(&place).await;
    let store = place.open().await;
    audit(&place, &store).await;
    let status = store.status().await.unwrap();
    let taken_in = memory.taken_in.lock().unwrap().len() as u64;
    assert_eq!(status.total(), taken_in, "something was lost: {:?}", status.by_stage);
    let calls = *memory.calls.borrow();
    assert!(calls > 500, "{calls} calls tell nothing");
    bring_to_their_ends(&store).await;
    audit(&place, &store).await;
}

/// Waits until the server has dealt with all that was sent to it, replies that nobody waits for included.
async fn until_alone(place: &Place) {
    let mut raw = place.raw().await;
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let clients: String =
            redis::cmd("CLIENT").arg("LIST").query_async(&mut raw.connection).await.unwrap();
        if clients.lines().count() == 1 {
            return;
        }
        assert!(Instant::now() < until, "somebody stays: {clients}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Nothing stands still: whoever goes on brings everybody to an end.
async fn bring_to_their_ends(store: &SharedStore) {
    register(store, 1).await;
    let until = Instant::now() + Duration::from_secs(20);
    while store.status().await.unwrap().in_progress() > 0 {
        assert!(Instant::now() < until, "it goes on for ever: {:?}", store.status().await.unwrap());
        store.resolve_circuit(Resolution::Retry).await.unwrap();
        while store.take_back(100).await.unwrap().jobs > 0 {}
        for kind in Kind::ALL {
            for job in store.lease(ask(kind, 50, 1)).await.unwrap().jobs {
                let end = match kind {
                    Kind::CreateCustomer => outcomes::created(&job),
                    Kind::CreateLink => outcomes::linked(&job),
                    Kind::PollStatus => outcomes::polled(&job, "APPROVED", "t9"),
                };
                settle(store, &job, end).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
