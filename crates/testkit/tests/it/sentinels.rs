//! A pair under sentinels.

use gangway_testkit::redis::{Options, Sentinels};

#[test]
fn the_replica_takes_over_from_a_killed_master() {
    let options = Options { requirepass: Some("sesame".to_owned()), ..Options::default() };
    let mut all = Sentinels::start(3, &options).unwrap();
    let ports: Vec<String> = all.sentinels().iter().map(|s| format!("127.0.0.1:{}", s.port())).collect();
    assert_eq!(all.url(), format!("redis+sentinel://:sesame@{}/gangway", ports.join(",")));
    // As a client that waits for the replica does: what was told is there after the failover.
    let mut connection = all.master().unwrap().connect().unwrap();
    connection.command(&["SET", "a", "1"]).unwrap();
    assert_eq!(connection.command(&["WAIT", "1", "5000"]).unwrap().integer(), Some(1));
    let killed = all.kill_master().unwrap();
    let master = all.wait_for_failover().unwrap();
    assert_ne!(master, killed);
    assert_eq!(all.master().unwrap().command(&["GET", "a"]).unwrap().text(), "1");
    all.restore().unwrap();
    assert_eq!(all.wait_for_failover().unwrap(), master, "the old master has come back as a replica");
}

#[test]
fn a_master_that_hangs_is_replaced_and_returns_as_a_replica() {
    let mut all = Sentinels::start(3, &Options::default()).unwrap();
    let before = all.wait_for_failover().unwrap();
    all.master().unwrap().pause().unwrap();
    let after = all.wait_for_failover().unwrap();
    assert_ne!(before, after);
    let old = all.servers_mut().iter_mut().find(|server| server.port() == before).unwrap();
    old.resume().unwrap();
    all.restore().unwrap();
    let old = all.servers().iter().find(|server| server.port() == before).unwrap();
    assert_eq!(old.info("role").unwrap(), "slave");
}
