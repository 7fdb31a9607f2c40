//! Reading, claiming and acknowledging events.

use std::time::Duration;

use gangway_jobs::event::Event;
use gangway_jobs::id::OnboardingId;

use super::world::LEASE;
use super::{Harness, World, outcomes};
use crate::{Error, GroupStart, Position, ReadRequest};

async fn read<H: Harness>(
    world: &World<H>,
    group: &str,
    consumer: &str,
    count: usize,
) -> Vec<(Position, Event)> {
    world.store.read(World::<H>::reading(group, consumer, count)).await.unwrap()
}

fn positions(events: &[(Position, Event)]) -> Vec<Position> {
    events.iter().map(|(position, _)| *position).collect()
}

fn whose(events: &[(Position, Event)]) -> Vec<OnboardingId> {
    events.iter().map(|(_, event)| event.onboarding).collect()
}

pub async fn the_group_main_reads_everything_from_the_beginning<H: Harness>() {
    let world = World::<H>::new().await;
    world.end(1, "APPROVED").await;
    let all = world.all_events().await;
    assert_eq!(world.status().await.groups["main"], all.len() as u64);
    assert_eq!(world.status().await.outbox_length, all.len() as u64);
    assert_eq!(read(&world, "main", "a", 100).await, all);
    assert_eq!(world.store.ack("main", positions(&all)).await.unwrap(), all.len());
    assert_eq!(world.store.ack("main", positions(&all)).await.unwrap(), 0, "a repeat");
    assert!(read(&world, "main", "a", 100).await.is_empty());
    assert_eq!(world.status().await.groups["main"], 0);
    assert_eq!(world.all_events().await, all, "what was read is still there");
    world.check().await;
}

pub async fn what_is_read_and_not_acknowledged_comes_again_after_a_crash<H: Harness>() {
    let mut world = World::<H>::new().await;
    world.link(1).await;
    let first = read(&world, "main", "a", 100).await;
    world.reopen().await;
    assert_eq!(read(&world, "main", "a", 100).await, first, "to the same reader at once");
    assert!(read(&world, "main", "b", 100).await.is_empty(), "to another when the claim has ended");
    world.advance(LEASE + Duration::from_millis(1));
    assert_eq!(read(&world, "main", "b", 100).await, first);
    world.check().await;
}

pub async fn two_readers_of_a_group_share_it_and_keep_each_customers_order<H: Harness>() {
    let world = World::<H>::new().await;
    let first = world.create(1).await;
    let second = world.create(2).await;
    for _ in 0..2 {
        for job in world.lease(gangway_jobs::kind::Kind::CreateLink, 1).await {
            world.settle(&job, outcomes::linked(&job)).await;
        }
    }
    // Events: first, second, first, second.
    let a = read(&world, "main", "a", 1).await;
    assert_eq!(whose(&a), [first]);
    let b = read(&world, "main", "b", 10).await;
    assert_eq!(whose(&b), [second, second], "the first one's next waits for its earlier");
    world.store.ack("main", positions(&a)).await.unwrap();
    let b = read(&world, "main", "b", 10).await;
    assert_eq!(whose(&b), [second, first, second]);
    assert_eq!(b[1].1.sequence, 2);
    world.check().await;
}

pub async fn each_group_reads_for_itself<H: Harness>() {
    let mut world = World::<H>::new().await;
    world.link(1).await;
    assert!(world.store.group_add("crm", GroupStart::Beginning).await.unwrap());
    assert!(!world.store.group_add("crm", GroupStart::Now).await.unwrap(), "a repeat changes nothing");
    assert!(world.store.group_add("late", GroupStart::Now).await.unwrap());
    world.reopen().await;
    let all = read(&world, "main", "a", 100).await;
    assert_eq!(read(&world, "crm", "a", 100).await, all);
    assert!(read(&world, "late", "a", 100).await.is_empty());
    world.store.ack("crm", positions(&all)).await.unwrap();
    world.link(2).await;
    assert_eq!(read(&world, "late", "a", 100).await.len(), 2);
    assert_eq!(world.store.ack("late", positions(&all)).await.unwrap(), 0, "never had to be read");
    let groups = world.status().await.groups;
    assert_eq!((groups["main"], groups["crm"], groups["late"]), (4, 2, 2));
    assert!(world.store.group_remove("crm").await.unwrap());
    assert!(!world.store.group_remove("crm").await.unwrap());
    assert!(!world.status().await.groups.contains_key("crm"));
    world.check().await;
}

pub async fn an_unknown_group_is_an_error_and_registers_nothing<H: Harness>() {
    let world = World::<H>::new().await;
    let unknown = world.store.read(World::<H>::reading("typo", "a", 1)).await;
    assert!(matches!(&unknown, Err(Error::UnknownGroup { group }) if group == "typo"), "{unknown:?}");
    let unknown = world.store.ack("typo", vec![Position(1)]).await;
    assert!(matches!(unknown, Err(Error::UnknownGroup { .. })));
    assert_eq!(world.status().await.groups.into_keys().collect::<Vec<_>>(), ["main"]);
    world.check().await;
}

pub async fn acknowledging_out_of_order_leaves_the_earlier_ones<H: Harness>() {
    let world = World::<H>::new().await;
    for n in 1..=3 {
        world.create(n).await;
        for job in world.lease(gangway_jobs::kind::Kind::CreateLink, 1).await {
            world.settle(&job, outcomes::linked(&job)).await;
        }
    }
    let all = positions(&read(&world, "main", "a", 100).await);
    assert_eq!(all.len(), 6);
    assert_eq!(world.store.ack("main", vec![all[1], all[4]]).await.unwrap(), 2);
    let ahead = Position(all[5].0 + 1);
    assert_eq!(world.store.ack("main", vec![ahead]).await.unwrap(), 0, "no event, no acknowledgement");
    let rest = positions(&read(&world, "main", "a", 100).await);
    assert_eq!(rest, [all[0], all[2], all[3], all[5]]);
    world.create(4).await;
    assert_eq!(read(&world, "main", "a", 100).await.len(), 5);
    world.check().await;
}

pub async fn events_are_trimmed_when_old_and_acknowledged_by_all<H: Harness>() {
    let mut world = World::<H>::new().await;
    world.store.group_add("crm", GroupStart::Beginning).await.unwrap();
    world.end(1, "APPROVED").await;
    let old = world.all_events().await;
    world.advance_secs(100);
    world.beat().await;
    let between = world.now();
    world.advance_secs(1);
    world.link(2).await;
    let all = positions(&world.all_events().await);
    world.store.ack("main", all.clone()).await.unwrap();
    assert_eq!(world.store.trim(between, 100).await.unwrap(), 0, "crm has not read them");
    world.store.ack("crm", all.clone()).await.unwrap();
    assert_eq!(world.store.trim(between, 2).await.unwrap(), 2);
    assert_eq!(world.store.trim(between, 100).await.unwrap(), old.len() - 2);
    assert_eq!(world.store.trim(between, 100).await.unwrap(), 0);
    world.reopen().await;
    let kept = world.all_events().await;
    assert_eq!(positions(&kept), all[old.len()..]);
    assert_eq!(world.status().await.outbox_length, kept.len() as u64);
    world.create(3).await;
    assert!(world.all_events().await.last().unwrap().0 > all[all.len() - 1], "no place is given twice");
    assert_eq!(read(&world, "main", "a", 100).await.len(), 1);
    world.check().await;
}

pub async fn a_read_takes_no_more_than_it_asks_for<H: Harness>() {
    let world = World::<H>::new().await;
    world.end(1, "APPROVED").await;
    assert_eq!(read(&world, "main", "a", 2).await.len(), 2);
    assert!(read(&world, "main", "a", 0).await.is_empty());
    let ask = ReadRequest { claim: Duration::ZERO, ..World::<H>::reading("main", "a", 100) };
    assert_eq!(world.store.read(ask).await.unwrap().len(), 4);
    let all = world.all_events().await;
    assert_eq!(world.store.events(all[1].0, 1).await.unwrap(), all[2..3]);
    world.check().await;
}

pub async fn an_event_names_its_fact_and_carries_nothing_personal<H: Harness>() {
    let world = World::<H>::new().await;
    world.end(1, "REJECTED").await;
    for (_, event) in world.all_events().await {
        let told = event.to_cloud_event().to_string();
        for personal in ["person1", "Ada", "Byron", "Company"] {
            assert!(!told.contains(personal), "{told}");
        }
    }
    world.check().await;
}
