//! Cancelling and erasing.

use gangway_jobs::enqueue::Answer;
use gangway_jobs::event::EventType;
use gangway_jobs::failure::Code;
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::Stage;
use gangway_jobs::outcome::Settled;
use gangway_jobs::transition::EndRequest;

use super::world::{LEASE, Row, customer_of};
use super::{Harness, World, outcomes};
use crate::{DeadFilter, Position, Target};

pub async fn a_cancel_of_a_waiting_one_ends_it_at_once<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.link(1).await;
    assert_eq!(world.store.cancel(Target::Id(id)).await.unwrap(), Some(EndRequest::Ended));
    assert_eq!((world.stage(id).await, world.kinds(id).await), (Stage::Cancelled, Vec::new()));
    assert_eq!(world.events_of(id).await.last(), Some(&EventType::Cancelled));
    let again = world.store.cancel(Target::Id(id)).await.unwrap();
    assert_eq!(again, Some(EndRequest::Already(Stage::Cancelled)));
    assert_eq!(world.store.cancel(Target::Reference("nobody".to_owned())).await.unwrap(), None);
    world.check().await;
}

pub async fn a_cancel_of_a_leased_one_ends_at_the_settle_and_keeps_the_customer<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let job = world.lease_job(id, Kind::CreateCustomer).await;
    assert_eq!(world.store.cancel(Target::Id(id)).await.unwrap(), Some(EndRequest::Requested));
    assert_eq!(world.store.cancel(Target::Id(id)).await.unwrap(), Some(EndRequest::Requested));
    assert_eq!(world.stage(id).await, Stage::Accepted);
    assert!(world.all_events().await.is_empty());
    assert_eq!(world.settle(&job, outcomes::created(&job)).await, Settled::Done);
    let record = world.record(id).await;
    assert_eq!((record.stage, record.customer_id), (Stage::Cancelled, Some(customer_of(id))));
    assert_eq!(world.kinds(id).await, [], "no follow-up");
    assert_eq!(world.events_of(id).await, [EventType::CustomerCreated, EventType::Cancelled]);
    assert_eq!(world.settle(&job, outcomes::created(&job)).await, Settled::Already);
    world.check().await;
}

pub async fn a_cancel_of_a_leased_one_whose_worker_dies_ends_when_it_is_taken_back<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    world.lease_job(id, Kind::CreateCustomer).await;
    world.store.cancel(Target::Id(id)).await.unwrap();
    world.advance(LEASE);
    world.beat().await;
    world.store.take_back(10).await.unwrap();
    let record = world.record(id).await;
    assert_eq!((record.stage, record.uncertain_since.is_some()), (Stage::Cancelled, true));
    assert_eq!((world.kinds(id).await, world.events_of(id).await), (Vec::new(), vec![EventType::Cancelled]));
    world.check().await;
}

pub async fn what_has_ended_is_not_cancelled<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.end(1, "APPROVED").await;
    let answer = world.store.cancel(Target::Customer(customer_of(id))).await.unwrap();
    assert_eq!(answer, Some(EndRequest::Already(Stage::Approved)));
    assert_eq!(world.stage(id).await, Stage::Approved);
    world.check().await;
}

/// Nothing in the store leads back to the customer of that number.
async fn nothing_is_left_of<H: Harness>(world: &World<H>, n: u32) {
    let reference = format!("ref-{n}");
    assert!(world.store.find(Target::Reference(reference.clone())).await.unwrap().is_none());
    let records = world.store.records(None, 1_000).await.unwrap();
    let events = world.store.events(Position::default(), 1_000).await.unwrap();
    let told: Vec<String> = events.iter().map(|(_, event)| event.to_cloud_event().to_string()).collect();
    let all = format!("{} {}", serde_json::to_string(&records).unwrap(), told.join(" "));
    for personal in [&reference, "person", "kyb.example", "token=secret"] {
        assert!(!all.contains(personal), "{personal} is left in {all}");
    }
}

pub async fn an_erasure_leaves_nothing_that_leads_back<H: Harness>() {
    let mut world = World::<H>::new().await;
    let id = world.link(1).await;
    assert_eq!(world.store.erase(Target::Id(id)).await.unwrap(), Some(EndRequest::Ended));
    world.reopen().await;
    nothing_is_left_of(&world, 1).await;
    assert_eq!(world.count(Stage::Erased).await, 1);
    let events = world.events_of(id).await;
    assert_eq!(events.last(), Some(&EventType::Erased));
    assert_eq!(events.len(), 3, "what happened stays told, without the person");
    for kind in Kind::ALL {
        assert!(world.lease(kind, 10).await.is_empty());
    }
    world.check().await;
}

pub async fn an_erased_one_is_never_taken_in_again_and_its_email_is_free<H: Harness>() {
    let world = World::<H>::new().await;
    world.link(1).await;
    world.store.erase(Target::Reference("ref-1".to_owned())).await.unwrap();
    assert_eq!(world.enqueue_one(Row::of(1)).await, Answer::Duplicate);
    assert_eq!(world.enqueue_one(Row::of(1).company("Other")).await, Answer::Duplicate);
    assert_eq!(world.enqueue_one(Row::of(2).email(1)).await, Answer::New);
    assert_eq!(world.status().await.total(), 2);
    world.check().await;
}

pub async fn an_erasure_of_a_leased_one_waits_for_its_settle<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let job = world.lease_job(id, Kind::CreateCustomer).await;
    assert_eq!(world.store.cancel(Target::Id(id)).await.unwrap(), Some(EndRequest::Requested));
    assert_eq!(world.store.erase(Target::Id(id)).await.unwrap(), Some(EndRequest::Requested));
    assert_eq!(world.settle(&job, outcomes::created(&job)).await, Settled::Done);
    assert_eq!(world.count(Stage::Erased).await, 1, "an erasure outranks a cancel");
    nothing_is_left_of(&world, 1).await;
    assert_eq!(world.settle(&job, outcomes::created(&job)).await, Settled::Already);
    assert_eq!(world.enqueue_one(Row::of(1)).await, Answer::Duplicate);
    world.check().await;
}

pub async fn what_has_ended_is_erased_too_and_counts_as_erased<H: Harness>() {
    let world = World::<H>::new().await;
    let approved = world.end(1, "APPROVED").await;
    world.bury(2, Code::Invalid).await;
    assert_eq!(world.store.erase(Target::Id(approved)).await.unwrap(), Some(EndRequest::Ended));
    let dead = Target::Reference("ref-2".to_owned());
    assert_eq!(world.store.erase(dead).await.unwrap(), Some(EndRequest::Ended));
    assert_eq!((world.count(Stage::Erased).await, world.status().await.total()), (2, 2));
    assert!(world.store.dead(DeadFilter::default(), None, 10).await.unwrap().is_empty());
    let events = world.events_of(approved).await;
    assert_eq!(events[events.len() - 2..], [EventType::Approved, EventType::Erased]);
    nothing_is_left_of(&world, 1).await;
    nothing_is_left_of(&world, 2).await;
    world.check().await;
}

pub async fn an_erasure_while_two_jobs_run_refuses_neither_settle_nor_comes_back<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.link(1).await;
    world.store.request_link(Target::Id(id)).await.unwrap();
    let link = world.lease_job(id, Kind::CreateLink).await;
    let poll = world.lease_job(id, Kind::PollStatus).await;
    assert_eq!(world.store.erase(Target::Id(id)).await.unwrap(), Some(EndRequest::Requested));
    assert_eq!(world.settle(&link, outcomes::linked(&link)).await, Settled::Done);
    world.settle(&poll, outcomes::polled(&poll, "UNDER_REVIEW", "t1")).await;
    assert_eq!((world.count(Stage::Erased).await, world.status().await.total()), (1, 1));
    nothing_is_left_of(&world, 1).await;
    for kind in Kind::ALL {
        assert!(world.lease(kind, 10).await.is_empty());
    }
    world.advance_secs(120);
    world.store.take_back(10).await.unwrap();
    assert_eq!(world.count(Stage::Erased).await, 1);
    world.check().await;
}
