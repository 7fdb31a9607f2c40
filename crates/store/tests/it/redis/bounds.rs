//! No call keeps the server from the others for long, however much there is to do.

use std::collections::BTreeMap;
use std::time::Duration;

use gangway_jobs::enqueue::NewOnboarding;
use gangway_jobs::failure::Code;
use gangway_jobs::kind::Kind;
use gangway_jobs::outcome::{Settled, Settlement};
use gangway_jobs::signal::Signal;
use gangway_store::conformance::outcomes::{self, HEALTHY};
use gangway_store::conformance::world::{LEASE, Row, import};
use gangway_store::{DeadFilter, MAX_BATCH, Position, Release, SharedStore, Target};
use gangway_testkit::redis::{Options, Server};

use super::audit::audit;
use super::place::{Place, ask, lease, register, settlement};

/// So long may a script take, on a machine that has other things to do, too; alone it is about half. The best of several
/// times counts.
const MOST: Duration = Duration::from_millis(8);
const TIMES: u32 = 5;

/// The slowest script of each kind of call, at its best.
struct Stopwatch {
    server: Server,
    best: BTreeMap<&'static str, Duration>,
}

impl Stopwatch {
    fn begin(&self) {
        self.server.note_slower_than(Duration::from_micros(100)).unwrap();
    }

    fn end(&mut self, what: &'static str) {
        let slow = self.server.slow().unwrap();
        let scripts = slow.into_iter().filter(|slow| slow.command[0] == "EVALSHA");
        let slowest = scripts.map(|slow| slow.took).max().unwrap_or_default();
        let best = self.best.entry(what).or_insert(slowest);
        *best = slowest.min(*best);
    }
}

macro_rules! time {
    ($watch:expr, $what:literal, $call:expr) => {{
        $watch.begin();
        let answer = $call.await.unwrap();
        $watch.end($what);
        answer
    }};
}

fn rows(from: u32) -> Vec<NewOnboarding> {
    (from..from + 1_000).map(|n| Row::of(n).from(import(1), u64::from(n)).identified()).collect()
}

async fn work(watch: &mut Stopwatch, store: &SharedStore, time: u32) {
    let batch = rows(time * 1_000);
    let ids: Vec<_> = batch.iter().map(|new| new.id).collect();
    time!(watch, "enqueue", store.enqueue(batch.clone()));
    time!(watch, "enqueue again", store.enqueue(batch));
    let jobs = time!(watch, "lease", store.lease(ask(Kind::CreateCustomer, MAX_BATCH, 1))).jobs;
    assert_eq!(jobs.len(), 1_000);
    let leases = jobs.iter().map(|job| (job.id, job.token)).collect();
    time!(watch, "extend", store.extend(leases, LEASE));
    let ends: Vec<Settlement> =
        jobs.iter().map(|job| settlement(job, outcomes::created(job), HEALTHY)).collect();
    let settled = time!(watch, "settle", store.settle(ends.clone()));
    assert!(settled.iter().all(|settled| *settled == Settled::Done));
    time!(watch, "settle again", store.settle(ends));
    let jobs = lease(store, Kind::CreateLink, MAX_BATCH).await;
    let release =
        |job: &gangway_jobs::job::LeasedJob| Release { job: job.id, token: job.token, started: true };
    time!(watch, "release", store.release(jobs.iter().map(release).collect()));
    let jobs = lease(store, Kind::CreateLink, MAX_BATCH).await;
    let buried =
        jobs.iter().map(|job| settlement(job, outcomes::bury(Code::Refused), Signal::None)).collect();
    time!(watch, "bury", store.settle(buried));
    assert_eq!(time!(watch, "dead", store.dead(DeadFilter::default(), None, 1_000)).len(), 1_000);
    assert_eq!(time!(watch, "redrive", store.redrive(DeadFilter::default(), 1_000)), 1_000);
    let jobs = lease(store, Kind::CreateLink, MAX_BATCH).await;
    let linked: Vec<Settlement> =
        jobs.iter().map(|job| settlement(job, outcomes::linked(job), HEALTHY)).collect();
    time!(watch, "settle links", store.settle(linked));
    let polls = lease(store, Kind::PollStatus, MAX_BATCH).await;
    let approved: Vec<Settlement> =
        polls.iter().map(|job| settlement(job, outcomes::polled(job, "APPROVED", "t1"), HEALTHY)).collect();
    time!(watch, "settle polls", store.settle(approved));
    time!(watch, "records", store.records(None, 1_000));
    time!(watch, "status", store.status());
    time!(watch, "events", store.events(Position::default(), 1_000));
    time!(watch, "find", store.find(Target::Id(ids[0])));
    tokio::time::sleep(Duration::from_millis(2)).await;
    let now = store.now().await.unwrap();
    assert_eq!(time!(watch, "prune", store.prune(now, 2_000)), 1_000);
    time!(watch, "records among rows", store.records(None, 1_000));
    time!(watch, "trim", store.trim(now, 100_000));
}

#[tokio::test]
async fn no_script_takes_long_however_much_is_asked_for() {
    let server = Server::start(&Options::default()).unwrap();
    let mut place = Place::at(server.url());
    place.policies.rate.per_second = 1_000_000.0;
    let store = place.open().await;
    register(&store, 1).await;
    let mut watch = Stopwatch { server, best: BTreeMap::new() };
    for time in 0..TIMES {
        work(&mut watch, &store, time).await;
    }
    let slow: Vec<_> = watch.best.iter().filter(|(_, took)| **took > MOST).collect();
    assert!(slow.is_empty(), "too slow: {slow:?}");
    audit(&place, &store).await;
}
