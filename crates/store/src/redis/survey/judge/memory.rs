//! What happens when memory ends, and how far away that is.

use super::{Duty, Finding, Level};
use crate::redis::survey::{Facts, Survey};

const EVICTION: &str = "redis_eviction";
const ROOM: &str = "redis_memory";
const SHAPE: &str = "redis_fragmentation";

const MIB: u64 = 1 << 20;

/// Below this much data neither waste nor swapping can be told from noise.
const MUCH: u64 = 128 * MIB;

/// What the server throws away when it is full.
pub(super) fn eviction(survey: &Survey) -> Option<Finding> {
    const WHY: &str = "a key that is thrown away is a customer that nobody follows any more";
    let facts = survey.facts.as_ref()?;
    let policy = facts.eviction.as_deref()?;
    let bad = |level, told: String, why| {
        let mend = survey.cli.set("maxmemory-policy", "noeviction");
        Some(Finding::bad(EVICTION, level, told, why, mend))
    };
    let unlimited = facts.max_memory == Some(0);
    match policy {
        "noeviction" => Some(kept(survey, facts)),
        policy if policy.starts_with("volatile-") => bad(
            Level::Warning,
            format!("maxmemory-policy is {policy}: full, it throws away keys that have a time to live"),
            "Gangway keeps nothing in such keys but notes on answers that may have been lost; yet the policy shows that \
             the server was set up as a cache",
        ),
        policy if unlimited => bad(
            Level::Warning,
            format!("maxmemory-policy is {policy}, though without effect while maxmemory is 0"),
            WHY,
        ),
        policy => {
            bad(Level::Loses, format!("maxmemory-policy is {policy}: full, the server throws jobs away"), WHY)
        }
    }
}

fn kept(survey: &Survey, facts: &Facts) -> Finding {
    let why = "full, the server must refuse what is new and keep what it has";
    if facts.evicted_keys == 0 {
        return Finding::good(EVICTION, "nothing is ever thrown away (noeviction)", why);
    }
    Finding::bad(
        EVICTION,
        Level::Warning,
        format!("noeviction, but {} keys were thrown away since the server's start", facts.evicted_keys),
        "under an earlier policy customers may have been lost",
        format!(
            "import the files again, which takes in what is missing; {} begins a new count",
            survey.cli.run("CONFIG RESETSTAT")
        ),
    )
}

/// How much more fits in.
pub(super) fn room(survey: &Survey, duty: Duty) -> Option<Finding> {
    const WHY: &str = "full, the server takes no new customers in";
    let facts = survey.facts.as_ref()?;
    let limit = facts.max_memory?;
    if limit == 0 {
        return Some(unlimited(survey, facts));
    }
    let free = limit.saturating_sub(facts.used_memory);
    let told = format!("{} of {} free", size(free), size(limit));
    let more = || {
        let larger = survey.cli.set("maxmemory", &format!("{}mb", (limit * 2).div_ceil(MIB)));
        format!("`gangway prune` makes a store smaller; or {larger}, if the machine has as much")
    };
    let nearly_full = free < limit / 20;
    let finding = |level| Finding::bad(ROOM, level, told.clone(), WHY, more());
    Some(match duty {
        Duty::TakeIn if nearly_full => finding(Level::Broken),
        Duty::TakeIn | Duty::Work if free < limit / 5 => finding(Level::Warning),
        Duty::TakeIn | Duty::Work => {
            large(survey, facts, limit).unwrap_or_else(|| Finding::good(ROOM, told, WHY))
        }
    })
}

fn unlimited(survey: &Survey, facts: &Facts) -> Finding {
    let fitting = (facts.machine_memory * 6 / 10).max(facts.used_memory * 2).max(256 * MIB);
    Finding::bad(
        ROOM,
        Level::Warning,
        format!("maxmemory is 0, no limit; {} are in use", size(facts.used_memory)),
        "when the machine's memory ends, its system kills the server instead of the server refusing what is new",
        survey.cli.set("maxmemory", &format!("{}mb", fitting / MIB)),
    )
}

/// A limit that the machine cannot keep is none.
fn large(survey: &Survey, facts: &Facts, limit: u64) -> Option<Finding> {
    let machine = facts.machine_memory;
    (machine > 0 && limit > machine / 10 * 9).then(|| {
        let fitting = (machine * 6 / 10).max(facts.used_memory) / MIB;
        Finding::bad(
            ROOM,
            Level::Warning,
            format!("maxmemory is {}, and the machine has {}", size(limit), size(machine)),
            "the machine's memory ends before the limit is reached, as writing to disk needs some too; then its system kills \
             the server",
            survey.cli.set("maxmemory", &format!("{fitting}mb")),
        )
    })
}

/// Memory that is wasted, or swapped out.
pub(super) fn shape(survey: &Survey) -> Option<Finding> {
    let facts = survey.facts.as_ref()?;
    let ratio = facts.fragmentation.filter(|_| facts.used_memory >= MUCH)?;
    if ratio < 1.0 {
        return Some(Finding::bad(
            SHAPE,
            Level::Warning,
            format!("the system has swapped a part of the server out (fragmentation {ratio})"),
            "each answer that needs it waits for the disk",
            "give the machine more memory, or the server a smaller maxmemory",
        ));
    }
    (ratio > 1.5).then(|| {
        Finding::bad(
            SHAPE,
            Level::Note,
            format!("the server takes {ratio} times the memory that it uses"),
            "the machine's memory ends before maxmemory is reached",
            survey.cli.set("activedefrag", "yes"),
        )
    })
}

fn size(bytes: u64) -> String {
    let mib = bytes / MIB;
    if mib < 10 * 1024 { format!("{mib} MiB") } else { format!("{} GiB", mib / 1024) }
}
