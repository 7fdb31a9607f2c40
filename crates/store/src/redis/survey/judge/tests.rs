//! Each rule on a server that is well but for one thing.

use std::collections::HashMap;
use std::time::Duration;

use super::*;
use crate::redis::survey::{Cli, Facts, Flavour, Measured, Replica, Rights, Role, Version};

const MIB: u64 = 1 << 20;

fn well() -> Survey {
    let facts = Facts {
        max_memory: Some(1_024 * MIB),
        used_memory: 100 * MIB,
        machine_memory: 4_096 * MIB,
        has_file: true,
        ..Facts::read(
            "redis_version:7.2.5\nrole:master\naof_enabled:1\nmaxmemory_policy:noeviction\nmem_fragmentation_ratio:1.1",
        )
    };
    let settings = [("appendfsync", "always"), ("min-replicas-to-write", "0"), ("save", "")];
    Survey {
        place: "redis://h:1".to_owned(),
        tag: "{gangway}".to_owned(),
        facts: Some(facts),
        settings: Some(settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into()),
        rights: Rights::Granted,
        measured: Measured {
            median: Duration::from_micros(210),
            worst: Duration::from_millis(2),
            ahead_ms: Some(40),
        },
        cli: Cli::new("redis://h:1", false),
    }
}

fn facts(change: impl FnOnce(&mut Facts)) -> Survey {
    let mut survey = well();
    survey.facts.as_mut().map(change).unwrap();
    survey
}

fn settings(changes: &[(&str, &str)]) -> Survey {
    let mut survey = well();
    let settings: &mut HashMap<_, _> = survey.settings.as_mut().unwrap();
    settings.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    survey
}

fn replicas(wanted: &str, replicas: &[(bool, u64)]) -> Survey {
    let mut survey = settings(&[("min-replicas-to-write", wanted)]);
    let replicas = replicas.iter().map(|&(online, lag)| Replica {
        place: "r:2".to_owned(),
        online,
        lag: Duration::from_secs(lag),
    });
    survey.facts.as_mut().unwrap().role = Some(Role::Master { replicas: replicas.collect() });
    survey
}

fn measured(change: impl FnOnce(&mut Measured)) -> Survey {
    let mut survey = well();
    change(&mut survey.measured);
    survey
}

/// What is not good, with a word of what mends it.
#[track_caller]
fn found(survey: &Survey, duty: Duty) -> Vec<(&'static str, Level, String)> {
    let findings = judge(survey, duty);
    for finding in &findings {
        assert_eq!(finding.mend.is_none(), finding.level == Level::Good, "{finding:?}");
        assert!(!finding.told.is_empty() && !finding.why.is_empty(), "{finding:?}");
    }
    let bad = findings.into_iter().filter(|finding| finding.level > Level::Good);
    bad.map(|finding| (finding.name, finding.level, finding.mend.unwrap())).collect()
}

#[track_caller]
fn only(survey: &Survey, name: &str, level: Level, mend: &str) {
    let found = found(survey, Duty::TakeIn);
    assert!(
        matches!(found.as_slice(), [(n, l, m)] if (*n, *l) == (name, level) && m.contains(mend)),
        "{name} {level:?} {mend:?} is not {found:?}"
    );
}

#[test]
fn a_server_that_is_well_has_good_findings_only() {
    assert_eq!(found(&well(), Duty::TakeIn), []);
    let names: Vec<_> = judge(&well(), Duty::TakeIn).iter().map(|finding| finding.name).collect();
    let expected = [
        "redis_version",
        "redis_role",
        "redis_rights",
        "redis_persistence",
        "redis_disk",
        "redis_eviction",
        "redis_memory",
        "redis_clock",
        "redis_latency",
    ];
    assert_eq!(names, expected);
}

#[test]
fn an_old_server_is_broken() {
    for (flavour, version, is_old) in [
        (Flavour::Redis, Version(6, 2, 14), true),
        (Flavour::Redis, Version(7, 0, 0), false),
        (Flavour::Redis, Version(10, 0, 0), false),
        (Flavour::Valkey, Version(7, 1, 9), true),
        (Flavour::Valkey, Version(7, 2, 5), false),
        (Flavour::Valkey, Version(8, 1, 0), false),
    ] {
        let survey = facts(|facts| (facts.flavour, facts.version) = (flavour, Some(version)));
        if is_old {
            only(&survey, "redis_version", Level::Broken, &format!("upgrade it to {flavour}"));
        } else {
            assert_eq!(found(&survey, Duty::TakeIn), [], "{flavour} {version}");
        }
    }
}

#[test]
fn what_a_crash_takes_away_decides_about_persistence() {
    const NAME: &str = "redis_persistence";
    only(
        &facts(|f| f.aof = Some(false)),
        NAME,
        Level::Loses,
        "`redis-cli -h h -p 1 CONFIG SET appendonly yes && ",
    );
    only(&settings(&[("appendfsync", "no")]), NAME, Level::Loses, "CONFIG SET appendfsync everysec");
    only(&settings(&[("appendfsync", "everysec")]), NAME, Level::Note, "none is needed");
    only(&settings(&[("no-appendfsync-on-rewrite", "yes")]), NAME, Level::Warning, "-on-rewrite no");
}

#[test]
fn a_disk_that_takes_nothing_is_broken() {
    const NAME: &str = "redis_disk";
    only(&facts(|f| f.aof_write_failed = true), NAME, Level::Broken, "CONFIG GET dir");
    only(&facts(|f| f.aof_rewrite_failed = true), NAME, Level::Warning, "BGREWRITEAOF");
    only(&facts(|f| f.delayed_fsyncs = 17), NAME, Level::Note, "faster disk");
    for (save, stop, level) in
        [("3600 1", "yes", Level::Broken), ("3600 1", "no", Level::Warning), ("", "yes", Level::Warning)]
    {
        let mut survey = settings(&[("save", save), ("stop-writes-on-bgsave-error", stop)]);
        survey.facts.as_mut().unwrap().snapshot_failed = true;
        only(&survey, NAME, level, "free space");
    }
}

#[test]
fn a_policy_that_throws_jobs_away_loses() {
    const NAME: &str = "redis_eviction";
    for (policy, level) in [
        ("allkeys-lru", Level::Loses),
        ("allkeys-lfu", Level::Loses),
        ("allkeys-random", Level::Loses),
        ("a-policy-of-tomorrow", Level::Loses),
        ("volatile-lru", Level::Warning),
        ("volatile-ttl", Level::Warning),
    ] {
        let survey = facts(|facts| facts.eviction = Some(policy.to_owned()));
        only(&survey, NAME, level, "CONFIG SET maxmemory-policy noeviction");
    }
    only(&facts(|facts| facts.evicted_keys = 12), NAME, Level::Warning, "import the files again");
    let unlimited = facts(|f| (f.eviction, f.max_memory) = (Some("allkeys-lru".to_owned()), Some(0)));
    let levels: Vec<_> =
        found(&unlimited, Duty::Work).into_iter().map(|(name, level, _)| (name, level)).collect();
    assert_eq!(levels, [(NAME, Level::Warning), ("redis_memory", Level::Warning)]);
}

#[test]
fn little_room_is_a_warning_and_hardly_any_keeps_an_import_out() {
    let used = |mib: u64| facts(|facts| facts.used_memory = mib * MIB);
    let level = |survey: &Survey, duty| found(survey, duty).first().map(|(_, level, _)| *level);
    for (mib, takes_in, works) in [
        (819, None, None),
        (820, Some(Level::Warning), Some(Level::Warning)),
        (972, Some(Level::Warning), Some(Level::Warning)),
        (974, Some(Level::Broken), Some(Level::Warning)),
        (2_000, Some(Level::Broken), Some(Level::Warning)),
    ] {
        let survey = used(mib);
        assert_eq!((level(&survey, Duty::TakeIn), level(&survey, Duty::Work)), (takes_in, works), "{mib}");
    }
    only(&used(900), "redis_memory", Level::Warning, "CONFIG SET maxmemory 2048mb");
    only(&facts(|f| f.max_memory = Some(0)), "redis_memory", Level::Warning, "CONFIG SET maxmemory 2457mb");
    only(&facts(|f| f.machine_memory = 1_000 * MIB), "redis_memory", Level::Warning, "maxmemory 600mb");
}

#[test]
fn wasted_and_swapped_memory_is_told_of_once_there_is_much() {
    const NAME: &str = "redis_fragmentation";
    for (ratio, level, mend) in [(1.9, Level::Note, "activedefrag yes"), (0.8, Level::Warning, "more memory")]
    {
        let survey = |mib| facts(|f| (f.fragmentation, f.used_memory) = (Some(ratio), mib * MIB));
        only(&survey(200), NAME, level, mend);
        assert_eq!(found(&survey(100), Duty::Work), []);
    }
}

#[test]
fn only_a_master_that_has_loaded_its_data_will_do() {
    let replica = facts(|facts| facts.role = Some(Role::Replica { master: "m:9".to_owned() }));
    only(&replica, "redis_role", Level::Broken, "set store.url to the master (m:9)");
    only(&facts(|facts| facts.loading = true), "redis_role", Level::Broken, "wait");
}

#[test]
fn replicas_are_told_of_by_what_a_failover_would_lose() {
    const NAME: &str = "redis_replicas";
    only(&replicas("0", &[(true, 1)]), NAME, Level::Note, "CONFIG SET min-replicas-to-write 1");
    assert_eq!(found(&replicas("1", &[(true, 1)]), Duty::Work), []);
    only(&replicas("1", &[(true, 1), (true, 30)]), NAME, Level::Warning, "INFO replication");
    only(&replicas("0", &[(false, 0)]), NAME, Level::Warning, "INFO replication");
    only(&replicas("1", &[(true, 30)]), NAME, Level::Broken, "min-replicas-to-write 0");
    only(&replicas("2", &[]), NAME, Level::Broken, "start the replicas");
}

#[test]
fn a_clock_that_differs_is_no_danger_to_jobs() {
    for (ahead_ms, level) in [(2_001, Level::Note), (-2_500, Level::Note), (-45_000, Level::Warning)] {
        only(&measured(|m| m.ahead_ms = Some(ahead_ms)), "redis_clock", level, "timedatectl");
    }
    let told = judge(&measured(|m| m.ahead_ms = Some(-2_500)), Duty::Work);
    assert!(told.iter().any(|finding| finding.told.contains("2.5 s behind")), "{told:?}");
    assert_eq!(found(&measured(|m| m.ahead_ms = None), Duty::Work), []);
}

#[test]
fn a_long_way_and_a_long_standstill_are_told_of() {
    let slow = measured(|m| m.median = Duration::from_micros(5_100));
    only(&slow, "redis_latency", Level::Warning, "--latency");
    let fork = facts(|facts| facts.last_fork = Duration::from_millis(600));
    only(&fork, "redis_latency", Level::Note, "transparent_hugepage");
}

#[test]
fn rights_that_are_missing_are_named_with_the_rule_that_grants_them() {
    let survey = Survey { rights: Rights::Missing(vec!["HSET".to_owned()]), ..well() };
    only(&survey, "redis_rights", Level::Broken, "ACL SETUSER USER '~{gangway}*' +@read");
    assert!(judge(&survey, Duty::Work).iter().any(|f| f.told.contains("HSET on {gangway}*")));
    only(&Survey { rights: Rights::Unknown, ..well() }, "redis_rights", Level::Note, "ACL WHOAMI");
}

#[test]
fn what_may_not_be_asked_is_unknown_and_no_error() {
    let levels = |survey: &Survey| -> Vec<_> {
        found(survey, Duty::TakeIn).into_iter().map(|(name, level, _)| (name, level)).collect()
    };
    let no_config = Survey { settings: None, ..well() };
    let expected = [("redis_settings", Level::Note), ("redis_persistence", Level::Note)];
    assert_eq!(levels(&no_config), expected);
    let no_info = Survey { facts: None, settings: None, ..well() };
    assert_eq!(levels(&no_info), [("redis_version", Level::Note), ("redis_settings", Level::Note)]);
}
