//! What a crash can take away, and whether the disk takes what is written.

use super::{Finding, Level};
use crate::redis::survey::{Facts, Survey};

const PERSISTENCE: &str = "redis_persistence";
const DISK: &str = "redis_disk";

const WHY: &str = "what was accepted must still be there after a crash of the server";

/// The log of commands, without which a restart forgets.
pub(super) fn log(survey: &Survey) -> Vec<Finding> {
    match survey.facts.as_ref().and_then(|facts| facts.aof) {
        Some(false) => vec![no_log(survey)],
        Some(true) => [Some(fsync(survey)), rewrite_gap(survey)].into_iter().flatten().collect(),
        None => Vec::new(),
    }
}

fn no_log(survey: &Survey) -> Finding {
    let snapshots = match survey.setting("save") {
        Some("") => "no append-only file and no snapshots: all data is in memory alone",
        Some(_) | None => "no append-only file: what came after the last snapshot is in memory alone",
    };
    Finding::bad(
        PERSISTENCE,
        Level::Loses,
        snapshots,
        "a restart of the server loses jobs, and with them which customers are under way",
        or_console(survey, survey.cli.set("appendonly", "yes")),
    )
}

fn fsync(survey: &Survey) -> Finding {
    let always = || or_console(survey, survey.cli.set("appendfsync", "always"));
    match survey.setting("appendfsync") {
        Some("always") => {
            Finding::good(PERSISTENCE, "append-only file, written to disk before each answer", WHY)
        }
        Some("everysec") => Finding::bad(
            PERSISTENCE,
            Level::Note,
            "append-only file, written to disk every second",
            "a crash of the machine loses the last second; an unfinished import sends its part again, and a customer is \
             still created once, as its key does not change",
            format!("none is needed; to lose nothing, at a price in speed: {}", always()),
        ),
        Some("no") => Finding::bad(
            PERSISTENCE,
            Level::Loses,
            "append-only file, written to disk whenever the system likes to",
            "a crash of the machine loses what was accepted in the last half minute or more",
            or_console(survey, survey.cli.set("appendfsync", "everysec")),
        ),
        Some(_) | None => Finding::bad(
            PERSISTENCE,
            Level::Note,
            "append-only file; how often it is written to disk is unknown",
            "with appendfsync no, a crash of the machine loses what was accepted in the last half minute or more",
            always(),
        ),
    }
}

fn rewrite_gap(survey: &Survey) -> Option<Finding> {
    (survey.setting("no-appendfsync-on-rewrite") == Some("yes")).then(|| {
        Finding::bad(
            PERSISTENCE,
            Level::Warning,
            "nothing is forced to disk while the append-only file is rewritten",
            "a crash of the machine at that time loses much more than a second",
            or_console(survey, survey.cli.set("no-appendfsync-on-rewrite", "no")),
        )
    })
}

/// Whether the disk takes what the server writes.
pub(super) fn disk(survey: &Survey) -> Option<Finding> {
    let facts = survey.facts.as_ref()?;
    let stops = survey.setting("stop-writes-on-bgsave-error") != Some("no")
        && survey.setting("save").is_some_and(|save| !save.is_empty());
    let space = || {
        let where_ = survey.cli.run("CONFIG GET dir");
        format!("look at the server's log, and free space in the folder that {where_} names")
    };
    Some(if facts.aof_write_failed {
        let told = "the last write to the append-only file failed";
        let why = "the server refuses all writes (MISCONF) until one succeeds";
        Finding::bad(DISK, Level::Broken, told, why, space())
    } else if facts.snapshot_failed && stops {
        let told = "the last snapshot failed, and the server stops writes for that";
        let why = "it refuses all writes (MISCONF) until a snapshot succeeds";
        let mend = format!("{}, then {}", space(), survey.cli.run("BGSAVE"));
        Finding::bad(DISK, Level::Broken, told, why, mend)
    } else if facts.aof_rewrite_failed || facts.snapshot_failed {
        let told = if facts.snapshot_failed { "the last snapshot failed" } else { REWRITE_FAILED };
        let why = "the disk may be full, and the append-only file grows until it is";
        let mend = format!("{}, then {}", space(), survey.cli.run("BGREWRITEAOF"));
        Finding::bad(DISK, Level::Warning, told, why, mend)
    } else {
        slow(facts)
    })
}

const REWRITE_FAILED: &str = "the last rewrite of the append-only file failed";

fn slow(facts: &Facts) -> Finding {
    let why = "every answer may have to wait for the disk";
    match facts.delayed_fsyncs {
        0 => Finding::good(DISK, "the disk takes what is written", why),
        count => Finding::bad(
            DISK,
            Level::Note,
            format!("writes had to wait for the disk, {count} times since the server's start"),
            why,
            "put the server's folder on a faster disk, or one that it shares with nobody",
        ),
    }
}

/// Who may not ask for settings may not set them either.
fn or_console(survey: &Survey, command: String) -> String {
    if survey.settings.is_some() {
        command
    } else {
        format!("{command}; where a service forbids it, change it in its console")
    }
}
