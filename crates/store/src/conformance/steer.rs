//! Hints, links on request, rounds, dead letters.

use gangway_jobs::event::EventType;
use gangway_jobs::failure::Code;
use gangway_jobs::job::Hold;
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::Stage;

use super::world::customer_of;
use super::{Harness, World, outcomes};
use crate::{DeadFilter, Hinted, LinkRequested, Target};

pub async fn a_hint_brings_the_poll_forward<H: Harness>() {
    let mut world = World::<H>::new().await;
    let id = world.link(1).await;
    world.poll(id, "UNDER_REVIEW", "t1").await;
    assert!(world.lease(Kind::PollStatus, 1).await.is_empty());
    let hint = world.store.hint(Target::Customer(customer_of(id))).await.unwrap();
    assert_eq!(hint, Hinted::Hastened);
    world.reopen().await;
    assert_eq!(world.record(id).await.hinted_at, Some(world.now()));
    world.lease_job(id, Kind::PollStatus).await;
    world.check().await;
}

pub async fn a_hint_finds_no_poll_and_queues_one<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.create(1).await;
    assert_eq!(world.store.hint(Target::Id(id)).await.unwrap(), Hinted::Hastened);
    assert_eq!(world.kinds(id).await, [Kind::CreateLink, Kind::PollStatus]);
    world.check().await;
}

pub async fn a_hint_that_comes_too_early_too_late_or_for_nobody_changes_nothing<H: Harness>() {
    let world = World::<H>::new().await;
    let early = world.take_in(1).await;
    assert_eq!(world.store.hint(Target::Id(early)).await.unwrap(), Hinted::TooEarly);
    let job = world.lease_job(early, Kind::CreateCustomer).await;
    world.settle(&job, outcomes::bury(Code::Invalid)).await;
    assert_eq!(world.store.hint(Target::Id(early)).await.unwrap(), Hinted::Ended(Stage::Dead));
    let approved = world.end(2, "APPROVED").await;
    let before = (world.record(approved).await, world.all_events().await.len());
    assert_eq!(world.store.hint(Target::Id(approved)).await.unwrap(), Hinted::Ended(Stage::Approved));
    assert_eq!((world.record(approved).await, world.all_events().await.len()), before);
    let nobody = Target::Customer(gangway_jobs::id::CustomerId::parse("nobody").unwrap());
    assert_eq!(world.store.hint(nobody).await.unwrap(), Hinted::Unknown);
    assert_eq!(world.status().await.unknown_hints, 1);
    world.check().await;
}

pub async fn a_hint_on_a_rejected_one_begins_the_next_round<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.end(1, "REJECTED").await;
    assert_eq!(world.store.hint(Target::Id(id)).await.unwrap(), Hinted::Reopened);
    let record = world.record(id).await;
    assert_eq!((record.stage, record.round), (Stage::Created, 2));
    assert_eq!(world.events_of(id).await.last(), Some(&EventType::Reopened));
    assert_eq!(world.kinds(id).await, [Kind::CreateLink, Kind::PollStatus]);
    assert_eq!(world.store.hint(Target::Id(id)).await.unwrap(), Hinted::Hastened);
    world.check().await;
}

pub async fn in_a_new_round_the_old_rejection_does_not_count<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.end(1, "REJECTED").await;
    world.store.hint(Target::Id(id)).await.unwrap();
    world.poll(id, "REJECTED", "t1").await;
    assert_eq!(world.stage(id).await, Stage::Created, "it is the last round's");
    world.store.hint(Target::Id(id)).await.unwrap();
    world.poll(id, "REJECTED", "t2").await;
    assert_eq!(world.stage(id).await, Stage::Rejected);
    let ends: Vec<_> = world.events_of(id).await.into_iter().filter(|kind| kind.is_terminal()).collect();
    assert_eq!(ends, [EventType::Rejected, EventType::Rejected]);
    world.check().await;
}

pub async fn a_requested_link_is_queued_once<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.link(1).await;
    for _ in 0..2 {
        assert_eq!(world.store.request_link(Target::Id(id)).await.unwrap(), LinkRequested::Queued);
    }
    assert_eq!(world.kinds(id).await, [Kind::CreateLink, Kind::PollStatus]);
    let job = world.lease_job(id, Kind::CreateLink).await;
    assert_eq!(
        job.payload,
        gangway_jobs::payload::Payload::CreateLink(gangway_jobs::transition::next_link(&job.record)).encode()
    );
    assert_eq!(world.store.request_link(Target::Id(id)).await.unwrap(), LinkRequested::Queued);
    world.settle(&job, outcomes::linked(&job)).await;
    assert_eq!(world.record(id).await.link.map(|link| link.ordinal), Some(2));
    world.check().await;
}

pub async fn a_link_requested_for_what_has_ended_begins_a_round_or_tells_why_not<H: Harness>() {
    let world = World::<H>::new().await;
    let rejected = world.end(1, "REJECTED").await;
    assert_eq!(world.store.request_link(Target::Id(rejected)).await.unwrap(), LinkRequested::Reopened);
    world.lease_job(rejected, Kind::CreateLink).await;
    world.lease_job(rejected, Kind::PollStatus).await;
    let approved = world.end(2, "APPROVED").await;
    let answer = world.store.request_link(Target::Id(approved)).await.unwrap();
    assert_eq!(answer, LinkRequested::Ended(Stage::Approved));
    let early = world.take_in(3).await;
    assert_eq!(world.store.request_link(Target::Id(early)).await.unwrap(), LinkRequested::TooEarly);
    let nobody = Target::Reference("nobody".to_owned());
    assert_eq!(world.store.request_link(nobody).await.unwrap(), LinkRequested::Unknown);
    world.check().await;
}

pub async fn a_redrive_puts_the_dead_back_and_a_second_one_finds_none<H: Harness>() {
    let mut world = World::<H>::new().await;
    let id = world.bury(1, Code::Invalid).await;
    world.advance_secs(60);
    world.beat().await;
    assert_eq!(world.store.redrive(DeadFilter::default(), 10).await.unwrap(), 1);
    assert_eq!(world.store.redrive(DeadFilter::default(), 10).await.unwrap(), 0);
    world.reopen().await;
    let record = world.record(id).await;
    assert_eq!((record.stage, record.round, record.key_refused), (Stage::Accepted, 2, true));
    assert_eq!(world.events_of(id).await, [EventType::Dead, EventType::Reopened]);
    let job = world.lease_job(id, Kind::CreateCustomer).await;
    assert_eq!(job.attempt, 1);
    world.settle(&job, outcomes::created(&job)).await;
    assert_eq!(world.stage(id).await, Stage::Created);
    world.check().await;
}

pub async fn a_redrive_takes_only_what_it_is_asked_for<H: Harness>() {
    let world = World::<H>::new().await;
    let invalid = world.bury(1, Code::Invalid).await;
    world.bury(2, Code::EmailTaken).await;
    world.bury(3, Code::EmailTaken).await;
    let code = |code: &str| DeadFilter { code: Some(code.to_owned()), ..DeadFilter::default() };
    assert_eq!(world.store.redrive(code("poison"), 10).await.unwrap(), 0);
    assert_eq!(world.store.redrive(code("email_taken"), 1).await.unwrap(), 1);
    let links = DeadFilter { kind: Some(Kind::CreateLink), ..DeadFilter::default() };
    assert_eq!(world.store.redrive(links, 10).await.unwrap(), 0);
    let one = DeadFilter { onboarding: Some(invalid), ..DeadFilter::default() };
    assert_eq!(world.store.dead(one.clone(), None, 10).await.unwrap().len(), 1);
    assert_eq!(world.store.redrive(one, 10).await.unwrap(), 1);
    assert_eq!(world.count(Stage::Dead).await, 1);
    world.check().await;
}

pub async fn a_redrive_leaves_alone_what_dies_after_it_began<H: Harness>() {
    let mut world = World::<H>::new().await;
    world.bury(1, Code::Invalid).await;
    let all = DeadFilter { until: Some(world.store.now().await.unwrap()), ..DeadFilter::default() };
    world.advance_secs(1);
    world.beat().await;
    let late = world.bury(2, Code::Invalid).await;
    assert_eq!(world.store.dead(all.clone(), None, 10).await.unwrap().len(), 1);
    assert_eq!(world.store.redrive(all.clone(), 10).await.unwrap(), 1);
    // It dies again at once, of the same cause.
    let again = world.lease(Kind::CreateCustomer, 1).await.remove(0);
    world.settle(&again, outcomes::bury(Code::Invalid)).await;
    assert_eq!(world.store.redrive(all.clone(), 10).await.unwrap(), 0);
    assert_eq!(world.store.drop_dead(all, 10).await.unwrap(), 0);
    world.reopen().await;
    assert_eq!((world.stage(late).await, world.count(Stage::Dead).await), (Stage::Dead, 2));
    world.check().await;
}

pub async fn a_dead_link_is_redriven_without_a_new_round<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.create(1).await;
    let job = world.lease_job(id, Kind::CreateLink).await;
    world.settle(&job, outcomes::bury(Code::Refused)).await;
    assert_eq!(world.store.redrive(DeadFilter::default(), 10).await.unwrap(), 1);
    assert_eq!((world.record(id).await.round, world.stage(id).await), (1, Stage::Created));
    world.lease_job(id, Kind::CreateLink).await;
    world.check().await;
}

pub async fn a_dropped_letter_leaves_its_onboarding_dead<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.bury(1, Code::Invalid).await;
    assert!(matches!(world.jobs(id).await[0].hold, Hold::Dead(_)));
    assert_eq!(world.store.drop_dead(DeadFilter::default(), 10).await.unwrap(), 1);
    assert_eq!(world.store.drop_dead(DeadFilter::default(), 10).await.unwrap(), 0);
    assert_eq!((world.stage(id).await, world.kinds(id).await), (Stage::Dead, Vec::new()));
    assert_eq!(world.store.redrive(DeadFilter::default(), 10).await.unwrap(), 0);
    world.check().await;
}

pub async fn dead_letters_and_records_are_paged_in_order<H: Harness>() {
    let world = World::<H>::new().await;
    for n in 1..=5 {
        world.bury(n, Code::Invalid).await;
    }
    let mut letters = Vec::new();
    while let Some(last) = {
        let after = letters.last().copied();
        let page = world.store.dead(DeadFilter::default(), after, 2).await.unwrap();
        letters.extend(page.iter().map(|letter| letter.job));
        page.last().map(|letter| letter.job)
    } {
        assert_eq!(letters.last(), Some(&last));
    }
    assert_eq!(letters.len(), 5);
    assert!(letters.is_sorted());
    let first = world.store.records(None, 2).await.unwrap();
    let rest = world.store.records(Some(first[1].id), 10).await.unwrap();
    assert_eq!((first.len(), rest.len()), (2, 3));
    assert!(first.iter().chain(&rest).map(|record| record.id).is_sorted());
    world.check().await;
}
