//! The life of a store: servers restart, fail over and lose everything under running processes.

use std::time::{Duration, Instant};

use gangway_jobs::event::Event;
use gangway_jobs::id::OnboardingId;
use gangway_jobs::kind::Kind;
use gangway_jobs::outcome::Settled;
use gangway_store::conformance::outcomes;
use gangway_store::conformance::world::{Row, made_for};
use gangway_store::sqlite::Mode;
use gangway_store::stamp::Expected;
use gangway_store::{Error, SharedStore, Target};
use gangway_testkit::redis::{Fsync, Options, Server};

use super::audit::all_events;
use super::place::{Place, lease_one, register, settle};

fn lasting() -> Server {
    Server::start(&Options { appendonly: Some(Fsync::Always), ..Options::default() }).unwrap()
}

async fn take_in(store: &SharedStore, n: u32) -> OnboardingId {
    let new = Row::of(n).identified();
    let id = new.id;
    store.enqueue(vec![new]).await.unwrap();
    id
}

/// Asks until the server is there again.
async fn as_soon_as_it_answers(store: &SharedStore) {
    let begun = Instant::now();
    while let Err(error) = store.now().await {
        assert!(error.is_transient() && begun.elapsed() < Duration::from_secs(20), "{error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn events_of(store: &SharedStore, id: OnboardingId) -> Vec<Event> {
    all_events(store)
        .await
        .into_iter()
        .map(|(_, event)| event)
        .filter(|event| event.onboarding == id)
        .collect()
}

#[tokio::test]
async fn a_restarted_server_begins_one_epoch_however_many_come_back() {
    let mut server = lasting();
    let place = Place::at(server.url());
    let (one, other) = (place.open().await, place.open().await);
    let before = one.stamp().await.unwrap().epoch;
    assert_eq!(other.stamp().await.unwrap().epoch, before);
    server.kill().unwrap();
    server.restart().unwrap();
    as_soon_as_it_answers(&one).await;
    as_soon_as_it_answers(&other).await;
    let after = one.stamp().await.unwrap().epoch;
    assert!(after > before);
    assert_eq!(other.stamp().await.unwrap().epoch, after);
    assert_eq!(place.open().await.stamp().await.unwrap().epoch, after);
}

#[tokio::test]
async fn what_was_leased_before_a_restart_is_settled_as_the_first_of_the_next_epoch() {
    let mut server = lasting();
    let place = Place::at(server.url());
    let store = place.open().await;
    register(&store, 1).await;
    let id = take_in(&store, 1).await;
    let create = lease_one(&store, Kind::CreateCustomer).await;
    settle(&store, &create, outcomes::created(&create)).await;
    // Leased and kept in memory as it was; its record has counted one event.
    let link = lease_one(&store, Kind::CreateLink).await;
    server.kill().unwrap();
    server.restart().unwrap();
    as_soon_as_it_answers(&store).await;
    assert_eq!(settle(&store, &link, outcomes::linked(&link)).await, Settled::Done);
    let poll = lease_one(&store, Kind::PollStatus).await;
    settle(&store, &poll, outcomes::polled(&poll, "APPROVED", "t1")).await;
    let events = events_of(&store, id).await;
    let epochs: Vec<_> = events.iter().map(|event| event.epoch).collect();
    assert!(epochs[0] < epochs[1] && epochs[1..].iter().all(|epoch| *epoch == epochs[1]), "{epochs:?}");
    let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    let next: Vec<u64> = (1..sequences.len() as u64).collect();
    assert_eq!(sequences[0], 1);
    assert_eq!(sequences[1..], next, "in a new epoch they count from 1");
}

#[tokio::test]
async fn a_pruned_onboarding_that_is_taken_in_again_counts_from_one_in_the_next_epoch() {
    let mut server = lasting();
    let place = Place::at(server.url());
    let store = place.open().await;
    register(&store, 1).await;
    let id = take_in(&store, 1).await;
    store.cancel(Target::Id(id)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let now = store.now().await.unwrap();
    assert_eq!(store.prune(now, 10).await.unwrap(), 1);
    server.kill().unwrap();
    server.restart().unwrap();
    // The first call after the return is the one that decides.
    let mut answer = store.enqueue(vec![Row::of(1).identified()]).await;
    while answer.as_ref().is_err_and(Error::is_transient) {
        answer = store.enqueue(vec![Row::of(1).identified()]).await;
    }
    answer.unwrap();
    let events = events_of(&store, id).await;
    let told: Vec<(i64, u64)> = events.iter().map(|event| (event.epoch.0, event.sequence)).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].0 < told[1].0, "{told:?}");
    assert_eq!(told[1].1, 1, "{told:?}");
}

#[tokio::test]
async fn two_processes_go_on_across_restarts_with_sequences_without_gaps() {
    let mut server = lasting();
    let place = Place::at(server.url());
    let (one, other) = (place.open().await, place.open().await);
    register(&one, 1).await;
    let id = take_in(&one, 1).await;
    let create = lease_one(&one, Kind::CreateCustomer).await;
    settle(&one, &create, outcomes::created(&create)).await;
    for round in 0..3_u32 {
        server.kill().unwrap();
        server.restart().unwrap();
        let (store, beside) = if round % 2 == 0 { (&one, &other) } else { (&other, &one) };
        as_soon_as_it_answers(store).await;
        store.request_link(Target::Id(id)).await.unwrap();
        let link = lease_one(store, Kind::CreateLink).await;
        as_soon_as_it_answers(beside).await;
        beside.hint(Target::Id(id)).await.unwrap();
        assert_eq!(settle(store, &link, outcomes::linked(&link)).await, Settled::Done);
        let poll = lease_one(beside, Kind::PollStatus).await;
        let word = ["PENDING_REVIEW", "INIT", "APPROVED"][round as usize];
        assert_eq!(settle(beside, &poll, outcomes::polled(&poll, word, "t1")).await, Settled::Done);
    }
    let mut last = (0, 0);
    for event in events_of(&one, id).await {
        let this = (event.epoch.0, event.sequence);
        let follows = if this.0 == last.0 { this.1 == last.1 + 1 } else { this.0 > last.0 && this.1 == 1 };
        assert!(follows, "{this:?} after {last:?}");
        last = this;
    }
}

#[tokio::test]
async fn a_store_that_was_flushed_is_made_anew_by_whoever_may_and_missing_for_the_others_until_then() {
    let mut server = Server::start(&Options::default()).unwrap();
    let place = Place::at(server.url());
    let maker = place.open().await;
    let before = maker.stamp().await.unwrap().epoch;
    let guest = place.open_as(Mode::Existing(made_for())).await.unwrap();
    take_in(&maker, 1).await;
    server.flush().unwrap();
    for _ in 0..2 {
        let missing = guest.enqueue(vec![Row::of(2).identified()]).await.unwrap_err();
        assert!(matches!(missing, Error::Missing { .. }), "{missing}");
        assert!(matches!(guest.now().await.unwrap_err(), Error::Missing { .. }));
    }
    let keys = server.command(&["KEYS", "*"]).unwrap();
    assert!(keys.items().is_empty(), "who may make no store leaves nothing in a server: {keys:?}");
    let anew = maker.enqueue(vec![Row::of(3).identified()]).await;
    assert!(anew.as_ref().is_ok() || anew.as_ref().is_err_and(Error::is_transient), "{anew:?}");
    take_in(&maker, 3).await;
    assert!(maker.stamp().await.unwrap().epoch > before);
    take_in(&guest, 4).await;
    assert_eq!(maker.status().await.unwrap().total(), 2);
    assert_eq!(guest.stamp().await.unwrap(), maker.stamp().await.unwrap());
}

#[tokio::test]
async fn a_store_that_was_made_anew_for_something_else_takes_nothing_of_those_who_knew_it() {
    let mut server = Server::start(&Options::default()).unwrap();
    let place = Place::at(server.url());
    let ours = place.open().await;
    take_in(&ours, 1).await;
    server.flush().unwrap();
    let theirs = Expected { entity: "another".to_owned(), ..made_for() };
    place.open_as(Mode::Create(theirs)).await.unwrap();
    for _ in 0..3 {
        let refused = ours.enqueue(vec![Row::of(2).identified()]).await.unwrap_err();
        assert!(matches!(refused, Error::Mismatch { .. }), "{refused}");
    }
    assert!(matches!(ours.status().await.unwrap_err(), Error::Mismatch { .. }));
}
