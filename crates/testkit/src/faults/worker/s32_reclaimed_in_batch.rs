//! A batch of ends, one of which belongs to a job that was taken back meanwhile.

use std::sync::Arc;
use std::time::Duration;

use gangway_jobs::clock::SystemClock;
use gangway_jobs::failure::{Code, Failure};
use gangway_jobs::id::{LeaseToken, WorkerId};
use gangway_jobs::job::LeasedJob;
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::RatePolicy;
use gangway_jobs::outcome::{Outcome, Settled, Settlement, Step};
use gangway_jobs::signal::Signal;
use gangway_store::{LeaseRequest, Mode, Policies, RedisConfig, SharedStore, StoreConfig, WorkerInfo};
use serde_json::json;

use super::ground::Ground;
use super::{close, log_of};
use crate::faults::{Scenario, Stage, Told};
use crate::stories::accounts::{number, take_in};
use crate::stories::crew::Crew;
use crate::stories::logs;
use crate::stories::watch::wait_until;
use crate::{Backend, Error, Result, World, same};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "s32_reclaimed_in_batch",
    shows: "one job of a hundred is taken back before their ends are written, in both stores: 99 ends are, one is refused",
    in_short_set: false,
    tell,
};

/// Jobs of one batch.
const BATCH: usize = 100;

/// The one of them that is taken back: those after it must be written too.
const RECLAIMED: usize = 50;

fn tell(stage: &Stage) -> Result<Told> {
    // The list names the size: it is the same in each extent, and more batches at full size.
    let worlds = stage.pick(1, 3);
    let mut told = 0;
    for ground in Ground::both(stage)? {
        for _ in 0..worlds {
            tell_on(&ground, stage)?;
            told += 1;
        }
    }
    let result =
        format!("{told} times 99 of {BATCH} ends written in one batch and one refused; the same of a worker");
    Ok(Told { customers: told * BATCH as u64, hurts: told * 2, recovery: None, result })
}

fn tell_on(ground: &Ground, stage: &Stage) -> Result<()> {
    let mut world = ground.world(stage)?;
    prepare(&mut world)?;
    take_in(&world, BATCH as u64, stage.seed)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|source| Error::Io { action: "start a runtime".to_owned(), source })?;
    runtime.block_on(in_one_batch(&world))?;
    in_a_worker(ground, &world)?;
    close(&world, BATCH as u64, &[0, 1].map(log_of)).map(drop)
}

fn prepare(world: &mut World) -> Result<()> {
    for (setting, value) in [
        ("GANGWAY__WORKER__CONCURRENCY", "100"),
        // Renewed after 20 s: nobody renews the one that is let run out.
        ("GANGWAY__WORKER__LEASE", "60s"),
        ("GANGWAY__WORKER__GRACE", "40s"),
        ("GANGWAY__WORKER__JOB_TIMEOUT", "60s"),
        ("GANGWAY__API__TIMEOUT", "30s"),
        ("GANGWAY__CREATE__SETTLE_WINDOW", "1m"),
    ] {
        world.set(setting, value);
    }
    logs::log_attempts(world);
    world.put("/_faults", &json!({"latency": {"kind": "fixed", "ms": 5_000.0}})).map(drop)
}

/// Two workers, played by hand: their batches are exactly what is said here.
async fn in_one_batch(world: &World) -> Result<()> {
    let store = open(world).await?;
    let [one, other] = [(); 2].map(|()| WorkerId::mint());
    for id in [one, other] {
        let info =
            WorkerInfo { id, name: "by hand".to_owned(), slots: 100, patience: Duration::from_mins(1) };
        told("register", store.register(info).await)?;
    }
    let jobs = lease(&store, one, BATCH, Duration::from_millis(500)).await?;
    same("jobs leased", &jobs.len(), &BATCH)?;
    let kept = jobs.iter().enumerate().filter(|(place, _)| *place != RECLAIMED);
    let kept: Vec<_> = kept.map(|(_, job)| (job.id, job.token)).collect();
    let renewed = told("renew", store.extend(kept, Duration::from_mins(1)).await)?;
    same("leases renewed", &renewed, &vec![true; BATCH - 1])?;
    take_one_back(&store).await?;
    let again = lease(&store, other, 1, Duration::from_mins(1)).await?;
    let taken: Vec<_> = again.iter().map(|job| job.id).collect();
    same("the job that was taken back", &taken, &vec![jobs[RECLAIMED].id])?;

    let batch: Vec<Settlement> = jobs.iter().map(|job| failed(job, one)).collect();
    for (written, what) in [(Settled::Done, "the first time"), (Settled::Already, "sent again")] {
        let answers = told("settle", store.settle(batch.clone()).await)?;
        let mut expected = vec![written; BATCH];
        expected[RECLAIMED] = Settled::LeaseLost;
        same(&format!("what became of the batch, {what}"), &answers, &expected)?;
    }
    let its = vec![failed(&again[0], other)];
    same("the end of its new owner", &told("settle", store.settle(its).await)?, &vec![Settled::Done])?;
    for id in [one, other] {
        told("deregister", store.deregister(id).await)?;
    }
    store.close().await;
    let status = world.status()?;
    same("jobs still leased", &number(&status, "/jobs/customer.create/running")?, &0)?;
    same("jobs that are due again", &number(&status, "/jobs/customer.create/available")?, &(BATCH as u64))
}

async fn open(world: &World) -> Result<SharedStore> {
    let url = match world.backend() {
        Backend::Sqlite => format!("sqlite:{}", world.path("gangway.db").display()),
        Backend::Redis(url) => url.clone(),
    };
    let namespace = world.namespace().unwrap_or("gangway").to_owned();
    let config = StoreConfig { url, redis: RedisConfig { namespace, ..RedisConfig::default() } };
    // No limit on calls: none is made.
    let rate = RatePolicy { per_second: 100_000.0, ..RatePolicy::default() };
    let policies = Policies { rate, ..Policies::default() };
    told("open", gangway_store::open(&config, Mode::AsFound, policies, Arc::new(SystemClock)).await)
}

async fn lease(
    store: &SharedStore,
    worker: WorkerId,
    max: usize,
    length: Duration,
) -> Result<Vec<LeasedJob>> {
    let ask = LeaseRequest {
        kind: Kind::CreateCustomer,
        max,
        token: LeaseToken::mint(),
        worker,
        credential: "by hand".to_owned(),
        length,
    };
    told("lease", store.lease(ask).await).map(|grant| grant.jobs)
}

async fn take_one_back(store: &SharedStore) -> Result<()> {
    for _ in 0..500 {
        let taken = told("take back", store.take_back(BATCH).await)?;
        if taken.jobs > 0 {
            return same("leases taken back", &taken.jobs, &1);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(Error::Broken("the lease that had run out was not taken back".to_owned()))
}

/// To be tried again at once, so that a real worker goes on from here.
fn failed(job: &LeasedJob, worker: WorkerId) -> Settlement {
    let failure = Failure::new(Code::Unreachable, "by hand", job.now);
    Settlement {
        job: job.id,
        token: job.token,
        worker,
        credential: "by hand".to_owned(),
        outcome: Outcome::Retry { after: Duration::ZERO, failure, step: Step::default() },
        signal: Signal::None,
    }
}

fn told<T>(action: &str, answer: gangway_store::Result<T>) -> Result<T> {
    answer.map_err(|error| Error::Broken(format!("the store does not {action}: {error}")))
}

/// A real worker has a hundred calls under way; one job is taken back and run by another worker meanwhile.
fn in_a_worker(ground: &Ground, world: &World) -> Result<()> {
    let mut crew = Crew::start(world, 1, true)?;
    wait_until(|| Ok(number(&world.audit()?, "/requests/create").unwrap_or_default() == BATCH as u64))?;
    ground.end_one_lease(world)?;
    crew.must_live()?;
    let mut other = world.counted_worker(1, true)?;
    wait_until(|| Ok(number(&world.audit()?, "/requests/create")? > BATCH as u64))?;
    same("creates answered by then", &number(&world.audit()?, "/customers")?, &0)?;
    world.put("/_faults", &json!({"plan": "none"}))?;
    let counts = crew.finish(world)?;
    same("ends of the worker that were refused", &counts[0].lost, &1)?;
    same("attempts of the worker that failed", &counts[0].retried, &0)?;
    same("the end of the other worker", &other.wait_at_most(Duration::from_mins(2))?.code(), &Some(0))?;
    let audit = world.audit()?;
    same("creates of the taken job beyond the first", &number(&audit, "/replays")?, &1)
}
