//! The server has no memory left: nothing new is taken in, and all that was goes on.

use std::time::Duration;

use gangway_jobs::kind::Kind;
use gangway_jobs::outcome::Settled;
use gangway_jobs::signal::Signal;
use gangway_store::conformance::outcomes;
use gangway_store::conformance::world::{CREDENTIAL, LEASE, Row, import};
use gangway_store::{
    Checkpoint, DeadFilter, Error, GroupStart, Hinted, ImportBegun, ImportStart, PermitRequest, ReadRequest,
    Target,
};
use gangway_testkit::redis::{Options, Server};

use super::audit::audit;
use super::place::{Place, lease, register, settle, settlement, worker};

#[tokio::test]
async fn a_full_server_takes_nothing_new_in_and_everything_else_goes_on() {
    let server = Server::start(&Options::default()).unwrap();
    let place = Place::at(server.url());
    let store = place.open().await;
    register(&store, 1).await;
    store.enqueue((0..20).map(|n| Row::of(n).identified()).collect()).await.unwrap();
    let first = lease(&store, Kind::CreateCustomer, 10).await;

    server.configure("maxmemory", "1").unwrap();
    // One that had been there from the beginning, and one that is new to it.
    let other = place.open().await;
    for (store, n) in [(&store, 100), (&other, 200)] {
        let new: Vec<_> = (n..n + 3).map(|n| Row::of(n).from(import(1), 1).identified()).collect();
        let refused = store.enqueue(new).await.unwrap_err();
        assert!(matches!(refused, Error::OutOfMemory { .. }) && refused.is_transient(), "{refused}");
    }
    let known = store.enqueue(vec![Row::of(0).identified(), Row::of(300).identified()]).await.unwrap_err();
    assert!(matches!(known, Error::OutOfMemory { .. }), "{known}");
    for job in &first[..5] {
        assert_eq!(settle(&store, job, outcomes::created(job)).await, Settled::Done);
    }
    let rest = first[5..].iter().map(|job| settlement(job, outcomes::retry(0), Signal::None)).collect();
    assert_eq!(other.settle(rest).await.unwrap(), [Settled::Done; 5]);
    let links = lease(&other, Kind::CreateLink, 10).await;
    assert_eq!(links.len(), 5);
    let renewed = links.iter().map(|job| (job.id, job.token)).collect();
    assert_eq!(other.extend(renewed, LEASE).await.unwrap(), [true; 5]);
    register(&other, 2).await;
    assert!(other.beat(worker(2), 1).await.unwrap());
    store.take_back(10).await.unwrap();
    let target = |n| Target::Id(Row::of(n).identified().id);
    assert_eq!(store.hint(target(10_000)).await.unwrap(), Hinted::Unknown);
    store.hint(links.first().map(|job| Target::Id(job.id.onboarding)).unwrap()).await.unwrap();
    store.pause(Some(Kind::PollStatus)).await.unwrap();
    store.resume(None).await.unwrap();
    let credential = CREDENTIAL.to_owned();
    let class = gangway_jobs::limits::Class::Poll;
    store.permit(PermitRequest { class, worker: worker(1), credential }).await.unwrap();
    assert!(store.group_add("crm", GroupStart::Beginning).await.unwrap());
    let (group, consumer, claim) = ("crm".to_owned(), "one".to_owned(), LEASE);
    let read = store.read(ReadRequest { group, consumer, count: 10, claim }).await.unwrap();
    assert_eq!(read.len(), 5);
    assert_eq!(store.ack("crm", read.iter().map(|(position, _)| *position).collect()).await.unwrap(), 5);
    assert!(store.cancel(target(19)).await.unwrap().is_some());
    assert!(store.erase(target(18)).await.unwrap().is_some());
    store.redrive(DeadFilter::default(), 10).await.unwrap();
    tokio::time::sleep(Duration::from_millis(3)).await;
    let now = store.now().await.unwrap();
    assert_eq!(store.prune(now, 10).await.unwrap(), 1);
    let owner = uuid::Uuid::from_u128(1);
    let start = ImportStart { digest: "d".to_owned(), name: "n".to_owned(), owner, patience: LEASE };
    let ImportBegun::New(run) = store.import_begin(start).await.unwrap() else { panic!("new") };
    assert!(store.import_progress(run, owner, Checkpoint::default()).await.unwrap());
    audit(&place, &store).await;
    assert_eq!(store.status().await.unwrap().total(), 20, "nothing was taken in by halves");

    server.configure("maxmemory", "0").unwrap();
    let new = (100..103).map(|n| Row::of(n).from(import(1), 1).identified()).collect();
    store.enqueue(new).await.unwrap();
    audit(&place, &store).await;
}
