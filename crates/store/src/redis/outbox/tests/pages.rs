//! More events than one script looks at, and what is damaged among them.

use super::*;

#[tokio::test]
async fn what_is_longer_than_a_page_is_read_acknowledged_and_trimmed_whole() {
    let outbox = Outbox::new().await;
    for _ in 0..3 {
        outbox.tell_many(400).await;
    }
    let all = outbox.all().await;
    assert_eq!(numbers(&all), (1..=1_200).collect::<Vec<_>>(), "positions count");
    assert_eq!(events(&outbox.core, Position(550), 600).await.unwrap(), all[550..1_150]);
    let read = outbox.read("main", "a", 2_000).await;
    assert_eq!(read, all[..1_000], "a batch at most");
    assert_eq!(outbox.read("main", "a", 1_000).await, read, "the same again, should the answer be lost");
    assert_eq!(outbox.ack("main", &all).await, 1_200);
    assert_eq!(outbox.lag("main").await, 0);
    outbox.clock.advance(LEASE);
    assert_eq!(trim(&outbox.core, outbox.clock.now(), 1_100).await.unwrap(), 1_100);
    assert_eq!(outbox.all().await, all[1_100..]);
    assert_eq!(sums(&outbox.core).await.unwrap().length, 100);
}

#[tokio::test]
async fn who_is_held_up_on_one_page_is_so_on_the_next() {
    let outbox = Outbox::new().await;
    outbox.tell(7, 1).await;
    outbox.tell_many(600).await;
    assert_eq!(told(&outbox.read("main", "a", 1).await), [(id(7), 1)]);
    outbox.tell(7, 2).await;
    outbox.tell(8, 2).await;
    let read = outbox.read("main", "b", 1_000).await;
    assert_eq!(read.len(), 600, "all but the others of the seventh");
    assert!(read.iter().all(|(_, event)| event.onboarding != id(7)));
    assert_eq!(told(&read).last(), Some(&(id(8), 2)));
}

#[tokio::test]
async fn events_far_behind_what_is_held_up_are_not_looked_for() {
    let outbox = Outbox::new().await;
    for sequence in 1..=1_010 {
        outbox.tell(1, sequence).await;
    }
    outbox.tell(2, 1).await;
    assert_eq!(outbox.read("main", "a", 1).await.len(), 1);
    assert_eq!(outbox.read("main", "b", 1).await.len(), 0, "a read has a bound");
    assert_eq!(told(&outbox.read("main", "b", 100).await), [(id(2), 1)], "and a larger one a larger bound");
}

#[tokio::test]
async fn a_damaged_event_stands_in_nobodys_way() {
    let outbox = Outbox::new().await;
    outbox.tell(1, 1).await;
    outbox.append(vec!["{".to_owned(), r#"{"type":"onboarding.later"}"#.to_owned()]).await;
    outbox.tell(2, 1).await;
    assert_eq!(numbers(&outbox.all().await), [1, 4]);
    assert_eq!(numbers(&outbox.read("main", "a", 10).await), [1, 4]);
    assert_eq!(ack(&outbox.core, "main", (1..=4).map(Position).collect()).await.unwrap(), 4);
    outbox.clock.advance(LEASE);
    assert_eq!(trim(&outbox.core, outbox.clock.now(), 10).await.unwrap(), 4);
}

#[tokio::test]
async fn what_was_acknowledged_before_it_was_read_is_not_read() {
    let outbox = Outbox::new().await;
    outbox.tell_many(6).await;
    let all = outbox.all().await;
    assert_eq!(outbox.ack("main", &all[2..4]).await, 2);
    assert_eq!(outbox.ack("main", &all[2..4]).await, 0, "a repeat");
    assert_eq!(outbox.lag("main").await, 4);
    assert_eq!(outbox.ack("main", &all[..1]).await, 1);
    assert_eq!(numbers(&outbox.read("main", "a", 2).await), [2, 5]);
    assert_eq!(outbox.next_stranger("main").await, [6]);
    assert_eq!(outbox.lag("main").await, 3);
}
