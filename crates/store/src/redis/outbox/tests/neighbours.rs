//! Other programs that read, and write, the stream by themselves.

use super::*;

impl Outbox {
    /// What a stranger called `s` gets next, as positions.
    pub(super) async fn next_stranger(&self, group: &str) -> Vec<u64> {
        let ids = self.next_for_a_stranger(group, "s", 100).await;
        ids.iter().map(|id| super::super::place::position(id).unwrap().0).collect()
    }
}

#[tokio::test]
async fn a_group_that_another_program_made_is_registered() {
    let outbox = Outbox::new().await;
    outbox.tell_many(3).await;
    outbox.say("XGROUP CREATE @ crm 0").await;
    outbox.say("XGROUP CREATE @ late $").await;
    assert!(!group_add(&outbox.core, "crm", GroupStart::Now).await.unwrap());
    assert_eq!((outbox.lag("crm").await, outbox.lag("late").await), (3, 0));
    assert_eq!(outbox.read("crm", "a", 10).await.len(), 3);
    assert!(group_remove(&outbox.core, "crm").await.unwrap());
    assert!(matches!(ack(&outbox.core, "crm", Vec::new()).await, Err(Error::UnknownGroup { .. })));
}

#[tokio::test]
async fn what_another_program_has_taken_is_its_own_until_it_is_long_silent() {
    let outbox = Outbox::new().await;
    outbox.tell_many(2).await;
    outbox.tell(1, 2).await;
    assert_eq!(outbox.next_for_a_stranger("main", "s", 1).await, ["0-1"]);
    assert_eq!(numbers(&outbox.read("main", "a", 10).await), [2], "its customer's next waits");
    assert_eq!(outbox.say("XACK @ main 0-1").await, Value::Int(1));
    assert_eq!(numbers(&outbox.read("main", "a", 10).await), [2, 3]);
    assert_eq!(outbox.lag("main").await, 2);
    // Silence is measured by the server, so it is made up here.
    outbox.say("XCLAIM @ main s 0 0-2 IDLE 59000 JUSTID").await;
    assert_eq!(numbers(&outbox.read("main", "a", 10).await), [3], "taken over from us");
    outbox.say("XCLAIM @ main s 0 0-2 IDLE 61000 JUSTID").await;
    assert_eq!(numbers(&outbox.read("main", "a", 10).await), [2, 3]);
}

#[tokio::test]
async fn another_program_sees_what_ours_keep_and_gets_the_rest() {
    let outbox = Outbox::new().await;
    outbox.tell_many(3).await;
    let ours = outbox.read("main", "a", 2).await;
    let pending = outbox.say("XPENDING @ main - + 10 a").await;
    let pending: Vec<(String, String, u64, u64)> = Vec::from_redis_value(pending).unwrap();
    assert_eq!(pending.iter().map(|one| one.0.as_str()).collect::<Vec<_>>(), ["0-1", "0-2"]);
    assert_eq!(outbox.next_stranger("main").await, [3]);
    outbox.ack("main", &ours).await;
    assert_eq!(outbox.lag("main").await, 1);
}

#[tokio::test]
async fn a_look_takes_nothing_from_another_program() {
    let outbox = Outbox::new().await;
    outbox.tell_many(3).await;
    assert_eq!(outbox.next_for_a_stranger("main", "s", 1).await, ["0-1"]);
    assert_eq!(outbox.read_for("main", "a", 10, Duration::ZERO).await.len(), 2);
    assert_eq!(outbox.next_stranger("main").await, [2, 3]);
}

#[tokio::test]
async fn what_a_stranger_writes_or_deletes_stops_nothing() {
    let outbox = Outbox::new().await;
    outbox.tell_many(2).await;
    assert_eq!(outbox.read("main", "a", 1).await.len(), 1);
    outbox.say("XDEL @ 0-1").await;
    outbox.say("XADD @ * hello world").await;
    outbox.tell(3, 1).await;
    outbox.tell(3, 2).await;
    let all = outbox.all().await;
    assert_eq!(told(&all), [(id(2), 1), (id(3), 1), (id(3), 2)]);
    assert!(places(&all).is_sorted());
    assert_eq!(outbox.read("main", "a", 10).await, all);
    assert_eq!(outbox.ack("main", &all).await, 3);
    assert_eq!(outbox.lag("main").await, 0);
    outbox.clock.advance(LEASE);
    assert_eq!(trim(&outbox.core, outbox.clock.now(), 10).await.unwrap(), 4, "with the stranger's");
}

#[tokio::test]
async fn what_was_cut_off_by_hand_is_forgotten() {
    let outbox = Outbox::new().await;
    outbox.tell_many(4).await;
    outbox.read("main", "a", 3).await;
    outbox.say("XTRIM @ MAXLEN 2").await;
    assert_eq!(trim(&outbox.core, outbox.clock.now(), 10).await.unwrap(), 0, "nothing is old");
    assert_eq!(outbox.lag("main").await, 2);
    assert_eq!(numbers(&outbox.read("main", "a", 10).await), [3, 4]);
}
