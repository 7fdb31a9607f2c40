//! Those that copy the server, its clock, and the way to it.

use std::time::Duration;

use super::{Finding, Level};
use crate::redis::survey::{Replica, Role, Survey};

const REPLICAS: &str = "redis_replicas";
const CLOCK: &str = "redis_clock";
const LATENCY: &str = "redis_latency";

/// A replica acknowledges every second.
const LATE: Duration = Duration::from_secs(10);

const SKEW_MS: u64 = 2_000;
const WRONG_MS: u64 = 30_000;
const SLOW: Duration = Duration::from_millis(5);
const LONG_FORK: Duration = Duration::from_millis(500);

/// Servers that may take this one's place.
pub(super) fn replicas(survey: &Survey) -> Option<Finding> {
    let Role::Master { replicas } = survey.facts.as_ref()?.role.as_ref()? else { return None };
    let wanted: u32 = survey.setting("min-replicas-to-write").and_then(|text| text.parse().ok()).unwrap_or(0);
    let healthy = replicas.iter().filter(|replica| is_healthy(replica)).count();
    let why = "one of them takes over when this server fails";
    if usize::try_from(wanted).is_ok_and(|wanted| healthy < wanted) {
        return Some(Finding::bad(
            REPLICAS,
            Level::Broken,
            format!("healthy replicas: {healthy}, but min-replicas-to-write asks for {wanted}"),
            "the server refuses all writes (NOREPLICAS) until there are as many",
            format!(
                "start the replicas, or {}",
                survey.cli.set("min-replicas-to-write", &healthy.to_string())
            ),
        ));
    }
    if replicas.is_empty() {
        return None;
    }
    let told = format!("replicas: {}, healthy: {healthy}", replicas.len());
    Some(if let Some(late) = replicas.iter().find(|replica| !is_healthy(replica)) {
        let told = format!("{told}; {} is {}", late.place, state(late));
        let mend =
            format!("look at its log and its network; {} shows it", survey.cli.run("INFO replication"));
        Finding::bad(REPLICAS, Level::Warning, told, why, mend)
    } else if wanted == 0 {
        Finding::bad(
            REPLICAS,
            Level::Note,
            format!("{told}, min-replicas-to-write 0"),
            "replicas copy a moment later: a failover loses the last writes, and a master that was cut off goes on taking \
             some that nobody keeps",
            survey.cli.set("min-replicas-to-write", "1"),
        )
    } else {
        Finding::good(REPLICAS, format!("{told}, min-replicas-to-write {wanted}"), why)
    })
}

fn is_healthy(replica: &Replica) -> bool {
    replica.online && replica.lag <= LATE
}

fn state(replica: &Replica) -> String {
    if replica.online { format!("{} s behind", replica.lag.as_secs()) } else { "not in step yet".to_owned() }
}

/// The server's clock and this machine's.
pub(super) fn clock(survey: &Survey) -> Option<Finding> {
    let ahead = survey.measured.ahead_ms?;
    let (ms, direction) = (ahead.unsigned_abs(), if ahead < 0 { "behind" } else { "ahead" });
    if ms <= SKEW_MS {
        let why = "due times and leases go by the server's clock";
        return Some(Finding::good(CLOCK, "the server's clock and this machine's agree", why));
    }
    let level = if ms > WRONG_MS { Level::Warning } else { Level::Note };
    Some(Finding::bad(
        CLOCK,
        level,
        format!("the server's clock is {}.{} s {direction} of this machine's", ms / 1_000, ms % 1_000 / 100),
        "jobs go by the server's clock alone and are safe; but dates differ, and calls to the API are signed with this \
         machine's time",
        "`timedatectl set-ntp true` on the machine whose clock is wrong (`date -u` on both tells)",
    ))
}

/// Round trips, and standstills.
pub(super) fn latency(survey: &Survey) -> Finding {
    let measured = survey.measured;
    let told = format!("median {} ms, worst {} ms", millis(measured.median), millis(measured.worst));
    let fork = survey.facts.as_ref().map_or(Duration::ZERO, |facts| facts.last_fork);
    if measured.median > SLOW {
        let why = "every job takes several round trips, one after the other";
        let mend = format!("run workers nearer to the server; {} shows the way", survey.cli.run("--latency"));
        return Finding::bad(LATENCY, Level::Warning, told, why, mend);
    }
    if fork >= LONG_FORK {
        return Finding::bad(
            LATENCY,
            Level::Note,
            format!("{told}; it stood still for {} ms when it last began to write to disk", fork.as_millis()),
            "nobody is answered meanwhile, and leases run out if it grows",
            "`echo never > /sys/kernel/mm/transparent_hugepage/enabled` as root on the server's machine",
        );
    }
    Finding::good(LATENCY, told, "every job takes several round trips, one after the other")
}

fn millis(time: Duration) -> String {
    let micros = time.as_micros();
    format!("{}.{:02}", micros / 1_000, micros % 1_000 / 10)
}
