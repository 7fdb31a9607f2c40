//! Answers as servers give them, cut to the lines that matter.

use super::*;

const REDIS_7_0: &str = include_str!("redis-7.0.txt");
const REDIS_7_2: &str = include_str!("redis-7.2.txt");
const VALKEY_8: &str = include_str!("valkey-8.txt");

#[test]
fn a_redis_that_was_just_started_without_a_file() {
    let facts = Facts::read(REDIS_7_0);
    assert_eq!((facts.flavour, facts.version), (Flavour::Redis, Some(Version(7, 0, 15))));
    assert_eq!(facts.role, Some(Role::Master { replicas: Vec::new() }));
    assert_eq!((facts.aof, facts.aof_write_failed, facts.loading), (Some(true), false, false));
    assert_eq!((facts.max_memory, facts.eviction.as_deref()), (Some(268_435_456), Some("noeviction")));
    // The buffer of the log does not count.
    assert_eq!((facts.used_memory, facts.machine_memory), (916_528, 25_276_510_208));
    assert!(!facts.has_file && !facts.cluster);
    assert_eq!(facts.run_id.len(), 40);
}

#[test]
fn a_redis_with_replicas_and_a_full_disk() {
    let facts = Facts::read(REDIS_7_2);
    assert_eq!((facts.flavour, facts.version), (Flavour::Redis, Some(Version(7, 2, 5))));
    assert!(facts.aof_write_failed && facts.aof_rewrite_failed && facts.snapshot_failed);
    assert!(facts.has_file && facts.cluster);
    assert_eq!((facts.delayed_fsyncs, facts.evicted_keys, facts.expired_keys), (17, 12, 90_210));
    assert_eq!(facts.last_fork, Duration::from_millis(1_250));
    assert_eq!(facts.fragmentation, Some(0.91));
    let replica = |place: &str, online, seconds| Replica {
        place: place.to_owned(),
        online,
        lag: Duration::from_secs(seconds),
    };
    let replicas = vec![replica("10.0.0.8:6379", true, 1), replica("10.0.0.9:6380", false, 35)];
    assert_eq!(facts.role, Some(Role::Master { replicas }));
}

#[test]
fn a_valkey_is_known_by_its_own_version() {
    let facts = Facts::read(VALKEY_8);
    assert_eq!((facts.flavour, facts.version), (Flavour::Valkey, Some(Version(8, 0, 1))));
    assert_eq!(facts.role, Some(Role::Replica { master: "10.0.0.7:6379".to_owned() }));
    assert_eq!((facts.aof, facts.loading, facts.max_memory), (Some(false), true, Some(0)));
}

#[test]
fn a_service_that_tells_little_leaves_the_rest_unknown() {
    let facts = Facts::read("# Server\r\nredis_version:7.1.0-acme\r\n");
    assert_eq!(facts.version, Some(Version(7, 1, 0)));
    assert_eq!((facts.aof, facts.max_memory, facts.eviction, facts.role), (None, None, None, None));
}

#[test]
fn versions_are_compared_as_numbers() {
    let version = |text| Version::parse(text).unwrap();
    assert!(version("7.10.0") > version("7.9.9") && version("10.0") > version("8.1.2"));
    assert_eq!(version("255.255.255"), Version(255, 255, 255));
    assert_eq!((Version::parse("seven"), Version::parse("")), (None, None));
}
