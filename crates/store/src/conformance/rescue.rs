//! Taking back leases that have run out, and the heartbeats that tell why.

use std::time::Duration;

use gangway_jobs::event::EventType;
use gangway_jobs::failure::Code;
use gangway_jobs::id::WorkerId;
use gangway_jobs::job::Hold;
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::Stage;
use uuid::Uuid;

use super::world::{LEASE, PATIENCE, Row};
use super::{Harness, World, outcomes};
use crate::{TakenBack, WorkerInfo};

const CREATE: Kind = Kind::CreateCustomer;

/// Until the lease has run out and the worker has been silent for too long.
const DEATH: Duration = Duration::from_secs(61);

pub async fn nothing_is_taken_back_before_its_lease_has_run_out<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    world.lease_job(id, CREATE).await;
    world.advance(Duration::from_millis(29_999));
    assert_eq!(world.store.take_back(10).await.unwrap(), TakenBack::default());
    world.check().await;
}

pub async fn a_worker_that_died_costs_its_job_a_loss<H: Harness>() {
    let mut world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let leased_at = world.now();
    let job = world.lease_job(id, CREATE).await;
    world.advance(DEATH);
    world.reopen().await;
    let taken = world.store.take_back(10).await.unwrap();
    assert_eq!(taken, TakenBack { jobs: 1, poisoned: 0, more: false });
    let waiting = world.job(job.id).await;
    assert_eq!((waiting.losses, waiting.attempt, waiting.hold), (1, 1, Hold::Waiting));
    assert_eq!(waiting.due, world.now());
    assert_eq!(world.record(id).await.uncertain_since, Some(leased_at));
    assert_eq!(world.store.take_back(10).await.unwrap(), TakenBack::default(), "once");
    world.register(world.worker).await;
    assert_eq!(world.lease_job(id, CREATE).await.attempt, 2);
    world.check().await;
}

pub async fn a_worker_that_lives_excuses_what_it_lost<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let job = world.lease_job(id, CREATE).await;
    world.advance(DEATH);
    world.beat().await;
    assert_eq!(world.store.take_back(10).await.unwrap().jobs, 1);
    let waiting = world.job(job.id).await;
    assert_eq!((waiting.losses, waiting.attempt), (0, 0));
    assert!(world.record(id).await.uncertain_since.is_some(), "its call may have had an effect");
    world.check().await;
}

pub async fn a_worker_that_nobody_knows_counts_as_dead<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let unknown = WorkerId::from_uuid(Uuid::from_u128(404));
    let job = world.lease_as(unknown, CREATE, 1).await.remove(0);
    world.advance(LEASE + Duration::from_millis(1));
    world.store.take_back(10).await.unwrap();
    assert_eq!((world.job(job.id).await.losses, world.kinds(id).await.len()), (1, 1));
    world.check().await;
}

pub async fn the_third_loss_in_a_row_buries_as_poison<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    for loss in 1..=3 {
        world.register(world.worker).await;
        world.lease_job(id, CREATE).await;
        world.advance(DEATH);
        let taken = world.store.take_back(10).await.unwrap();
        assert_eq!(taken, TakenBack { jobs: 1, poisoned: usize::from(loss == 3), more: false });
    }
    let record = world.record(id).await;
    assert_eq!((record.stage, record.failure.map(|f| f.code)), (Stage::Dead, Some(Code::Poison)));
    assert!(record.uncertain_since.is_some(), "a customer may exist");
    assert_eq!(world.events_of(id).await, [EventType::Dead]);
    assert!(matches!(world.jobs(id).await[0].hold, Hold::Dead(_)));
    world.check().await;
}

pub async fn an_attempt_that_ends_forgets_the_losses_before_it<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    for _ in 0..4 {
        world.register(world.worker).await;
        world.lease_job(id, CREATE).await;
        world.advance(DEATH);
        assert_eq!(world.store.take_back(10).await.unwrap().poisoned, 0);
        world.register(world.worker).await;
        let job = world.lease_job(id, CREATE).await;
        world.settle(&job, outcomes::retry(0)).await;
    }
    assert_eq!(world.stage(id).await, Stage::Accepted);
    world.check().await;
}

pub async fn a_poisoned_link_lets_polling_go_on<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.create(1).await;
    for _ in 0..3 {
        world.register(world.worker).await;
        world.lease_job(id, Kind::CreateLink).await;
        world.advance(DEATH);
        world.store.take_back(10).await.unwrap();
    }
    assert_eq!(world.stage(id).await, Stage::Created);
    assert_eq!(world.kinds(id).await, [Kind::CreateLink, Kind::PollStatus]);
    world.register(world.worker).await;
    world.poll(id, "APPROVED", "t1").await;
    world.check().await;
}

pub async fn one_call_takes_back_a_bounded_number_the_longest_overdue_first<H: Harness>() {
    let world = World::<H>::new().await;
    for n in 1..=5 {
        let id = world.take_in(n).await;
        world.lease_job(id, CREATE).await;
        world.advance_secs(1);
    }
    world.advance(DEATH);
    world.beat().await;
    assert_eq!(world.store.take_back(2).await.unwrap(), TakenBack { jobs: 2, poisoned: 0, more: true });
    let taken: Vec<bool> = {
        let mut taken = Vec::new();
        for n in 1..=5 {
            taken.push(world.jobs(Row::of(n).identified().id).await[0].hold == Hold::Waiting);
        }
        taken
    };
    assert_eq!(taken, [true, true, false, false, false]);
    assert_eq!(world.store.take_back(3).await.unwrap(), TakenBack { jobs: 3, poisoned: 0, more: false });
    world.check().await;
}

pub async fn a_heartbeat_keeps_a_worker_alive_and_silence_ends_it<H: Harness>() {
    let mut world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let leased_at = world.now();
    world.lease_job(id, CREATE).await;
    let state = |workers: Vec<crate::WorkerState>| workers.into_iter().next().unwrap();
    world.advance(PATIENCE);
    world.beat().await;
    world.advance(PATIENCE);
    world.reopen().await;
    let seen = state(world.store.workers().await.unwrap());
    assert!(seen.alive);
    assert_eq!((seen.info.id, seen.info.slots), (world.worker, 16));
    assert_eq!((seen.leases, seen.oldest_lease, seen.started_at), (1, Some(leased_at), leased_at));
    world.advance(Duration::from_millis(1));
    assert!(!state(world.store.workers().await.unwrap()).alive);
    assert!(world.status().await.workers.is_empty());
    world.beat().await;
    assert!(state(world.store.workers().await.unwrap()).alive);
    // Registering again is no second start.
    let info = WorkerInfo { id: world.worker, name: "host/1".to_owned(), slots: 16, patience: PATIENCE };
    world.store.register(info).await.unwrap();
    assert_eq!(state(world.store.workers().await.unwrap()).started_at, leased_at);
    world.store.deregister(world.worker).await.unwrap();
    world.store.deregister(world.worker).await.unwrap();
    assert!(!world.store.beat(world.worker, 0).await.unwrap());
    assert!(world.store.workers().await.unwrap().is_empty());
    world.check().await;
}

pub async fn time_never_goes_back<H: Harness>() {
    let mut world = World::<H>::new().await;
    world.advance_secs(100);
    let now = world.store.now().await.unwrap();
    world.harness.clock().set(now.before(Duration::from_secs(50)));
    assert_eq!(world.store.now().await.unwrap(), now);
    let id = world.take_in(1).await;
    assert_eq!(world.record(id).await.created_at, now);
    world.reopen().await;
    assert!(world.store.now().await.unwrap() >= now, "not over a restart either");
    world.harness.clock().set(now);
    world.check().await;
}
