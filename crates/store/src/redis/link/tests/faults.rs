//! What the words of a server mean.

use crate::Error;
use crate::redis::link::fault::{Fault, Kind};

fn fault(line: &str) -> Fault {
    let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
    Fault::from(value.extract_error().unwrap_err())
}

#[test]
fn what_passes_is_unavailable() {
    // What the server says, whether it still answers reads, whether another connection is needed.
    let table = [
        ("LOADING Redis is loading the dataset in memory", false, false),
        (
            "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
            false,
            false,
        ),
        ("NOSCRIPT No matching script. Please use EVAL.", false, false),
        (
            "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist",
            true,
            false,
        ),
        ("MISCONF Errors writing to the AOF file: No space left on device", true, false),
        ("NOREPLICAS Not enough good replicas to write.", true, false),
        ("READONLY You can't write against a read only replica.", true, true),
        ("READONLY You can't write against a read only replica. script: 1f, on @user_script:1.", true, true),
        (
            "ERR Error running script (call to f_1f): @user_script:1: @user_script: 1: -READONLY You can't write \
             against a read only slave.",
            true,
            true,
        ),
        ("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", false, true),
        ("UNBLOCKED force unblock from blocking operation, instance state changed", false, true),
        ("MOVED 3999 127.0.0.1:6381", false, true),
        ("ASK 3999 127.0.0.1:6381", false, true),
        ("TRYAGAIN Multiple keys request during rehashing of slot", false, true),
        ("CLUSTERDOWN The cluster is down", false, true),
        ("ERR max number of clients reached", false, true),
        ("ERR max number of clients + cluster connections reached", false, true),
    ];
    for (line, answers_reads, spent) in table {
        let fault = fault(line);
        assert_eq!(matches!(fault.kind, Kind::Unwell(_)), answers_reads, "{line}");
        assert_eq!(fault.connection_is_spent, spent, "{line}");
        let error = fault.into_error("settle", "redis://h:1");
        assert!(
            matches!(&error, Error::Unavailable { place, .. } if place == "redis://h:1"),
            "{line}: {error:?}"
        );
    }
    let misconf = fault("MISCONF Errors writing to the AOF file");
    assert_eq!(misconf.reason(), "it cannot write to its disk (MISCONF); see its log and its free space");
}

#[test]
fn a_full_server_is_out_of_memory_wherever_it_notices() {
    for line in [
        "OOM command not allowed when used memory > 'maxmemory'.",
        "OOM command not allowed when used memory > 'maxmemory'. script: 1f, on @user_script:1.",
        "ERR Error running script (call to f_1f): @user_script:1: @user_script: 1: -OOM command not allowed when \
         used memory > 'maxmemory'.",
    ] {
        let error = fault(line).into_error("take in", "redis://h:1");
        assert!(matches!(error, Error::OutOfMemory { .. }), "{line}: {error:?}");
    }
}

#[test]
fn what_would_be_refused_again_needs_a_person() {
    let table = [
        ("NOAUTH Authentication required.", true),
        ("WRONGPASS invalid username-password pair or user is disabled.", true),
        ("NOPERM this user has no permissions to run the 'evalsha' command", false),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", false),
        ("ERR unknown command 'X'", false),
        ("ERR Error running script (call to f_1f): @user_script:3: attempt to index a nil value", false),
        ("ERR user_script:3: attempt to compare -OOM and more script: 1f, on @user_script:3.", false),
        ("CROSSSLOT Keys in request don't hash to the same slot", false),
    ];
    for (line, spent) in table {
        let fault = fault(line);
        assert_eq!(fault.connection_is_spent, spent, "{line}");
        let error = fault.into_error("settle", "redis://h:1");
        assert!(matches!(&error, Error::Redis { action: "settle", .. }), "{line}: {error:?}");
        assert!(!error.is_transient(), "{line}");
        assert_eq!(error.to_string(), "the store at redis://h:1 refused to settle");
    }
}
