//! The store's time, as it passes.

use std::time::{Duration, Instant};

use gangway_jobs::kind::Kind;
use gangway_jobs::outcome::Settled;
use gangway_store::conformance::outcomes;
use gangway_store::conformance::world::Row;
use gangway_store::{LeaseRequest, SharedStore, Target, WorkerInfo};
use gangway_testkit::redis::{Options, Server};

use super::place::{Place, ask, register, settle, worker};

const LENGTH: Duration = Duration::from_millis(1_500);

fn ask_for(length: Duration) -> LeaseRequest {
    LeaseRequest { length, ..ask(Kind::CreateCustomer, 1, 1) }
}

async fn enqueue(store: &SharedStore, n: u32) {
    store.enqueue(vec![Row::of(n).identified()]).await.unwrap();
}

/// A worker that counts as dead as soon as it is silent.
async fn short_lived(store: &SharedStore, n: u128) {
    let patience = Duration::from_millis(100);
    let info = WorkerInfo { id: worker(n), name: "host/1".to_owned(), slots: 1, patience };
    store.register(info).await.unwrap();
}

/// How long until a lease is taken back, for somebody who asks all the time.
async fn until_taken_back(store: &SharedStore) -> Duration {
    let begun = Instant::now();
    while store.take_back(10).await.unwrap().jobs == 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is never taken back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    begun.elapsed()
}

#[tokio::test]
async fn a_dead_workers_lease_is_taken_back_on_time_while_others_work() {
    let place = Place::real();
    let store = place.open().await;
    short_lived(&store, 1).await;
    enqueue(&store, 1).await;
    assert_eq!(store.lease(ask_for(LENGTH)).await.unwrap().jobs.len(), 1);
    let took = until_taken_back(&store).await;
    assert!(LENGTH < took + Duration::from_millis(100) && took < LENGTH * 2, "{took:?}");
    let id = Row::of(1).identified().id;
    let job = store.find(Target::Id(id)).await.unwrap().unwrap().jobs.remove(0);
    assert_eq!((job.losses, job.attempt), (1, 1), "its worker died over it");
}

#[tokio::test]
async fn a_worker_that_died_alone_finds_its_job_again_one_lease_after_it_is_back() {
    let place = Place::real();
    let store = place.open().await;
    short_lived(&store, 1).await;
    enqueue(&store, 1).await;
    store.lease(ask_for(LENGTH)).await.unwrap();
    // Nobody is there.
    tokio::time::sleep(LENGTH * 2).await;
    let took = until_taken_back(&place.open().await).await;
    assert!(LENGTH / 2 < took && took < LENGTH * 2, "{took:?}");
    let job = store.find(Target::Id(Row::of(1).identified().id)).await.unwrap().unwrap().jobs.remove(0);
    assert_eq!(job.losses, 1);
}

#[tokio::test]
async fn a_store_that_was_away_for_longer_than_a_lease_takes_nothing_from_the_living() {
    let mut server = Server::start(&Options::default()).unwrap();
    let place = Place::at(server.url());
    let (store, other) = (place.open().await, place.open().await);
    register(&store, 1).await;
    enqueue(&store, 1).await;
    let job = store.lease(ask_for(LENGTH)).await.unwrap().jobs.remove(0);
    server.pause().unwrap();
    tokio::time::sleep(LENGTH * 2).await;
    server.resume().unwrap();
    // The rescuer is quicker than the worker's next renewal.
    assert_eq!(other.take_back(10).await.unwrap().jobs, 0);
    tokio::time::sleep(LENGTH / 3).await;
    assert_eq!(other.take_back(10).await.unwrap().jobs, 0);
    assert_eq!(store.extend(vec![(job.id, job.token)], LENGTH).await.unwrap(), [true]);
    tokio::time::sleep(LENGTH / 2).await;
    assert_eq!(other.take_back(10).await.unwrap().jobs, 0);
    assert_eq!(settle(&store, &job, outcomes::created(&job)).await, Settled::Done);
}

#[tokio::test]
async fn a_long_lease_of_the_past_does_not_lengthen_the_grace_of_the_next_gap() {
    let place = Place::real();
    let store = place.open().await;
    short_lived(&store, 1).await;
    for n in 1..=2 {
        enqueue(&store, n).await;
    }
    let long = store.lease(ask_for(Duration::from_hours(1))).await.unwrap().jobs.remove(0);
    settle(&store, &long, outcomes::created(&long)).await;
    store.lease(ask_for(LENGTH)).await.unwrap();
    tokio::time::sleep(LENGTH * 2).await;
    let took = until_taken_back(&store).await;
    assert!(took < LENGTH * 2, "{took:?}");
}

#[tokio::test]
async fn the_rate_limit_flows_with_the_servers_time() {
    let mut place = Place::real();
    place.policies.rate.per_second = 40.0;
    let store = place.open().await;
    register(&store, 1).await;
    store.enqueue((0..200).map(|n| Row::of(n).identified()).collect()).await.unwrap();
    let lease = async || store.lease(ask(Kind::CreateCustomer, 200, 1)).await.unwrap();
    let full = lease().await;
    assert_eq!(full.jobs.len(), 32, "what comes in in two seconds, of the share of creates");
    let wait = full.ask_again.unwrap();
    assert!(wait <= Duration::from_millis(63), "{wait:?}");
    tokio::time::sleep(wait + Duration::from_millis(500)).await;
    let next = lease().await.jobs.len();
    // Whatever the others leave is lent.
    assert!((8..=24).contains(&next), "{next}");
}
