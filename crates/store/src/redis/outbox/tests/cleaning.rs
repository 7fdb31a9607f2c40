//! What an erasure does to the stream.

use super::*;

/// All that lies in the stream, as another program reads it.
async fn stream(outbox: &Outbox) -> Vec<(String, String)> {
    let entries: Vec<(String, Vec<String>)> =
        Vec::from_redis_value(outbox.say("XRANGE @ - +").await).unwrap();
    entries.into_iter().map(|(id, fields)| (id, fields[1].clone())).collect()
}

fn is_personal(event: &str) -> bool {
    event.contains("ref-1\"") || event.contains("secret")
}

/// Events: 1, 2, 1, 3.
async fn four() -> Outbox {
    let outbox = Outbox::new().await;
    outbox.tell(1, 1).await;
    outbox.tell(2, 1).await;
    outbox.tell(1, 2).await;
    outbox.tell(3, 1).await;
    outbox
}

#[tokio::test]
async fn an_erased_onboardings_events_are_handed_out_clean_before_the_stream_is() {
    let outbox = four().await;
    outbox.erase(1).await;
    let all = outbox.all().await;
    assert_eq!(told(&all), [(id(1), 1), (id(2), 1), (id(1), 2), (id(3), 1)]);
    for (_, event) in all.into_iter().chain(outbox.read("main", "a", 10).await) {
        let data = event.data.to_string();
        assert_eq!(is_personal(&data), event.onboarding != id(1), "{data}");
        assert_eq!(event.data["round"], 1);
    }
}

#[tokio::test]
async fn cleaning_moves_the_events_to_the_end_in_their_order() {
    let outbox = four().await;
    outbox.erase(1).await;
    redact_all(&outbox.core).await.unwrap();
    let left = stream(&outbox).await;
    assert_eq!(left.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["0-2", "0-4", "0-5", "0-6"]);
    assert!(left[2..].iter().all(|(_, event)| !is_personal(event)), "{left:?}");
    let all = outbox.all().await;
    assert_eq!(told(&all), [(id(2), 1), (id(3), 1), (id(1), 1), (id(1), 2)]);
    assert_eq!((outbox.lag("main").await, sums(&outbox.core).await.unwrap().length), (4, 4));
    redact_all(&outbox.core).await.unwrap();
    outbox.erase(1).await;
    redact_all(&outbox.core).await.unwrap();
    assert_eq!(stream(&outbox).await, left, "what is clean stays where it is");
}

#[tokio::test]
async fn who_was_done_with_an_event_does_not_get_its_clean_copy() {
    let outbox = four().await;
    group_add(&outbox.core, "fresh", GroupStart::Beginning).await.unwrap();
    group_add(&outbox.core, "late", GroupStart::Now).await.unwrap();
    let all = outbox.all().await;
    assert_eq!(outbox.ack("main", &all).await, 4);
    outbox.erase(1).await;
    redact_all(&outbox.core).await.unwrap();
    assert_eq!((outbox.lag("main").await, outbox.lag("late").await, outbox.lag("fresh").await), (0, 0, 4));
    assert!(outbox.read("main", "a", 10).await.is_empty());
    assert!(outbox.next_stranger("late").await.is_empty(), "nor does another program");
    assert_eq!(numbers(&outbox.read("fresh", "a", 10).await), [2, 4, 5, 6]);
    outbox.tell(4, 1).await;
    assert_eq!(numbers(&outbox.read("main", "a", 10).await), [7]);
}

#[tokio::test]
async fn who_keeps_an_event_keeps_its_clean_copy() {
    let outbox = four().await;
    assert_eq!(outbox.read("main", "a", 1).await.len(), 1);
    outbox.erase(1).await;
    redact_all(&outbox.core).await.unwrap();
    assert_eq!(numbers(&outbox.read("main", "b", 10).await), [2, 4], "the later one waits for the copy");
    assert_eq!(numbers(&outbox.read("main", "a", 10).await), [5, 6]);
    outbox.clock.advance(LEASE);
    assert_eq!(numbers(&outbox.read("main", "b", 10).await), [2, 4, 5, 6]);
}

#[tokio::test]
async fn a_program_that_is_behind_may_get_a_clean_copy_of_what_it_was_done_with() {
    let outbox = four().await;
    assert_eq!(outbox.next_for_a_stranger("main", "s", 1).await, ["0-1"]);
    outbox.say("XACK @ main 0-1").await;
    outbox.erase(1).await;
    redact_all(&outbox.core).await.unwrap();
    assert_eq!(outbox.lag("main").await, 3, "it counts as done");
    assert_eq!(outbox.next_stranger("main").await, [2, 4, 5, 6], "at least once");
}

#[tokio::test]
async fn many_erasures_are_cleaned_by_one_walk_and_trimming_goes_on() {
    let outbox = Outbox::new().await;
    outbox.tell_many(300).await;
    outbox.tell_many(300).await;
    for onboarding in 1..=150 {
        outbox.erase(onboarding).await;
    }
    redact_all(&outbox.core).await.unwrap();
    let all = outbox.all().await;
    assert_eq!((all.len(), outbox.lag("main").await), (600, 600));
    let left = stream(&outbox).await;
    assert_eq!(left.iter().filter(|(_, event)| event.contains("secret")).count(), 300);
    assert_eq!(outbox.ack("main", &all).await, 600);
    outbox.clock.advance(LEASE);
    assert_eq!(trim(&outbox.core, outbox.clock.now(), 1_000).await.unwrap(), 600);
    let rest: Vec<String> = Vec::from_redis_value(outbox.say("KEYS *").await).unwrap();
    let ours = rest.iter().filter(|key| key.starts_with(outbox.core.keys.tag()));
    let ours: Vec<_> = ours.map(|key| key.rsplit(':').next().unwrap()).collect();
    assert_eq!(ours.len(), 2, "nothing piles up beside the stream: {ours:?}");
}

#[tokio::test]
async fn what_cannot_be_read_is_deleted_with_its_onboarding() {
    let outbox = four().await;
    let torn = event(1, 3, &outbox).to_cloud_event().to_string();
    outbox.append(vec![torn[..torn.len() - 1].to_owned()]).await;
    outbox.erase(1).await;
    redact_all(&outbox.core).await.unwrap();
    assert_eq!(told(&outbox.all().await), [(id(2), 1), (id(3), 1), (id(1), 1), (id(1), 2)]);
    assert!(!stream(&outbox).await.iter().any(|(_, event)| event.contains("ref-1\"")));
    assert_eq!(outbox.lag("main").await, 4);
}
