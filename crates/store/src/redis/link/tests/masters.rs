//! Replicas, sentinels, clusters.

use std::time::{Duration, Instant};

use super::process::{Process, free_port};
use super::{config, count, impatient, link, ping, reason, until};
use crate::redis::RedisConfig;

async fn master_and_replica() -> (Process, Process) {
    let master = Process::with("repl-diskless-sync-delay 0\n");
    let replica = Process::with(&format!("replicaof 127.0.0.1 {}\n", master.port));
    until("the replica follows", || replica.tell(&["INFO", "replication"]).contains("link_status:up")).await;
    (master, replica)
}

#[tokio::test]
async fn a_replica_takes_no_writes_for_the_time_being() {
    let (_master, replica) = master_and_replica().await;
    let link = link(&replica.url(), &impatient());
    let error = count(&link).await.unwrap_err();
    assert!(reason(&error).contains("READONLY"), "{error}");
    replica.tell(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(count(&link).await.unwrap(), 1);
}

#[tokio::test]
async fn calls_go_on_at_the_new_master_that_a_sentinel_has_made() {
    let (mut master, replica) = master_and_replica().await;
    let sentinel = Process::sentinel(&master);
    let known = || sentinel.tell(&["SENTINEL", "REPLICAS", "main"]).contains(&replica.port.to_string());
    until("the sentinel knows the replica", known).await;
    // The first sentinel of the url is gone: the second is asked.
    let url = format!("redis+sentinel://127.0.0.1:{},127.0.0.1:{}/main", free_port(), sentinel.port);
    let link = link(&url, &impatient());
    assert_eq!(count(&link).await.unwrap(), 1);
    assert_eq!(link.place(), url);
    until("the write has arrived", || replica.tell(&["GET", "{t}:count"]) == "$1\r\n1\r\n").await;

    master.kill();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match count(&link).await {
            Ok(count) => break assert_eq!(count, 2),
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
        assert!(Instant::now() < deadline, "no new master");
    }
    assert!(replica.tell(&["GET", "{t}:count"]) == "$1\r\n2\r\n");
}

#[tokio::test]
async fn a_sentinel_that_names_a_replica_is_not_believed() {
    let (_master, replica) = master_and_replica().await;
    let mut sentinel = Process::sentinel(&replica);
    let url = format!("redis+sentinel://127.0.0.1:{}", sentinel.port);
    let error = ping(&link(&format!("{url}/main"), &impatient())).await.unwrap_err();
    assert!(reason(&error).contains("names a master that is none"), "{error}");
    let error = ping(&link(&format!("{url}/other"), &impatient())).await.unwrap_err();
    assert!(reason(&error).contains("no master named \"other\""), "{error}");
    sentinel.kill();
    let error = ping(&link(&format!("{url}/main"), &impatient())).await.unwrap_err();
    assert!(reason(&error).contains(&format!("127.0.0.1:{}: nothing listens", sentinel.port)), "{error}");
}

#[tokio::test]
async fn a_sentinel_may_have_a_password_of_its_own() {
    let master = Process::with("requirepass m\n");
    let sentinel = Process::sentinel(&master);
    sentinel.tell(&["CONFIG", "SET", "requirepass", "s@"]);
    assert!(sentinel.tell(&["SENTINEL", "SET", "main", "auth-pass", "m"]).contains("OK"));
    assert!(sentinel.tell(&["ACL", "SETUSER", "default", "resetpass", ">s@"]).contains("OK"));
    let url = |query| format!("redis+sentinel://:m@127.0.0.1:{}/main?{query}", sentinel.port);
    ping(&link(&url("sentinel_password=s%40"), &config())).await.unwrap();
    assert!(!ping(&link(&url(""), &config())).await.unwrap_err().is_transient());
}

async fn cluster_node(slots: Option<(&str, &str)>) -> Process {
    let node = Process::with("cluster-enabled yes\ncluster-config-file nodes.conf\n");
    if let Some((first, last)) = slots {
        assert_eq!(node.tell(&["CLUSTER", "ADDSLOTSRANGE", first, last]), "+OK\r\n");
        until("the cluster is up", || node.tell(&["CLUSTER", "INFO"]).contains("cluster_state:ok")).await;
    }
    node
}

#[tokio::test]
async fn a_cluster_is_asked_for_the_owner_of_the_slot() {
    let node = cluster_node(Some(("0", "16383"))).await;
    let config = RedisConfig { namespace: "t".to_owned(), ..config() };
    // The first seed is gone: the second is asked.
    let url = format!("redis+cluster://127.0.0.1:{},127.0.0.1:{}", free_port(), node.port);
    let link = link(&url, &config);
    assert_eq!(count(&link).await.unwrap(), 1);
    assert_eq!(link.place(), url);
    node.tell(&["CLIENT", "KILL", "TYPE", "normal"]);
    while count(&link).await.is_err() {}
}

#[tokio::test]
async fn calls_go_on_at_the_node_to_which_the_slot_was_moved() {
    let (one, two) = (cluster_node(Some(("0", "16383"))).await, cluster_node(None).await);
    one.tell(&["CLUSTER", "MEET", "127.0.0.1", &two.port.to_string()]);
    until("they have met", || two.tell(&["CLUSTER", "INFO"]).contains("cluster_state:ok")).await;
    let config = RedisConfig { namespace: "t".to_owned(), ..impatient() };
    let link = link(&format!("redis+cluster://127.0.0.1:{}", one.port), &config);
    assert_eq!(count(&link).await.unwrap(), 1);

    let slot = one.tell(&["CLUSTER", "KEYSLOT", "{t}"]);
    let slot = slot.trim_start_matches(':').trim_end();
    let id = two.tell(&["CLUSTER", "MYID"]);
    let id = id.lines().nth(1).unwrap();
    one.tell(&["DEL", "{t}:count"]);
    for node in [&two, &one] {
        assert_eq!(node.tell(&["CLUSTER", "SETSLOT", slot, "NODE", id]), "+OK\r\n");
    }
    let error = count(&link).await.unwrap_err();
    assert!(reason(&error).contains("MOVED"), "{error}");
    assert_eq!(count(&link).await.unwrap(), 1);
    assert!(two.tell(&["GET", "{t}:count"]) == "$1\r\n1\r\n");
}

#[tokio::test]
async fn a_slot_that_nobody_serves_is_waited_for() {
    let node = cluster_node(None).await;
    let link = link(&format!("redis+cluster://127.0.0.1:{}", node.port), &impatient());
    let error = ping(&link).await.unwrap_err();
    assert!(reason(&error).contains("serves slot"), "{error}");
}
