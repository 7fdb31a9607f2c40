//! Program, version, role, and what the user may ask and do.

use super::{Finding, Level};
use crate::redis::survey::{Flavour, Rights, Role, Survey, Version};

const VERSION: &str = "redis_version";
const ROLE: &str = "redis_role";
const RIGHTS: &str = "redis_rights";
const SETTINGS: &str = "redis_settings";

/// The oldest releases on which the scripts run.
const fn oldest(flavour: Flavour) -> Version {
    match flavour {
        Flavour::Redis => Version(7, 0, 0),
        Flavour::Valkey => Version(7, 2, 0),
    }
}

pub(super) fn version(survey: &Survey) -> Finding {
    const WHY: &str = "every step of a job is a script, written for Redis 7.0, Valkey 7.2 and later";
    let Some(facts) = &survey.facts else {
        let told = format!("{} answers, but this user may not ask for its version", survey.place);
        return Finding::bad(VERSION, Level::Note, told, WHY, grant(survey, "+info"));
    };
    let Some(version) = facts.version else {
        let told = format!("{} tells no version that can be read", survey.place);
        return Finding::bad(VERSION, Level::Note, told, WHY, survey.cli.run("INFO server"));
    };
    let told = format!("{} {version} at {}", facts.flavour, survey.place);
    if version < oldest(facts.flavour) {
        let mend = format!("upgrade it to {} {} or later", facts.flavour, oldest(facts.flavour));
        return Finding::bad(VERSION, Level::Broken, told, WHY, mend);
    }
    let mode = if facts.cluster { ", a node of a cluster" } else { "" };
    Finding::good(VERSION, format!("{told}{mode}"), WHY)
}

/// What could not be asked.
pub(super) fn silence(survey: &Survey) -> Option<Finding> {
    let (unknown, right) = match (&survey.facts, &survey.settings) {
        (Some(_), Some(_)) => return None,
        (Some(_), None) => ("appendfsync, min-replicas-to-write, stop-writes-on-bgsave-error", "+config|get"),
        (None, _) => ("persistence, eviction, memory, replicas", "+info +config|get"),
    };
    Some(Finding::bad(
        SETTINGS,
        Level::Note,
        format!("this user may not ask for all settings, so these are unknown: {unknown}"),
        "a setting that loses jobs would not be noticed",
        format!(
            "{}; where a service forbids it to everybody, look at these settings in its console",
            grant(survey, right)
        ),
    ))
}

pub(super) fn role(survey: &Survey) -> Option<Finding> {
    let facts = survey.facts.as_ref()?;
    if facts.loading {
        let why = "it answers nothing else until it is done";
        let mend = format!("wait; {} tells how far it is", survey.cli.run("INFO persistence"));
        return Some(Finding::bad(ROLE, Level::Broken, "it still loads its data", why, mend));
    }
    match facts.role.as_ref()? {
        Role::Master { .. } => {
            Some(Finding::good(ROLE, "it is the master", "only a master takes what is written"))
        }
        Role::Replica { master } => Some(Finding::bad(
            ROLE,
            Level::Broken,
            format!("it is a replica of {master}"),
            "it takes no writes; they must go to the master, also after a failover",
            format!("set store.url to the master ({master}), or to its sentinels with redis+sentinel://"),
        )),
    }
}

pub(super) fn rights(survey: &Survey) -> Finding {
    const WHY: &str = "what one step changes is written by a script, all of it or nothing";
    match &survey.rights {
        Rights::Granted => Finding::good(RIGHTS, "this user may run every command that is needed", WHY),
        Rights::Missing(commands) => {
            let told = format!("this user may not run {} on {}", commands.join(", "), keys(survey));
            let cluster =
                if survey.facts.as_ref().is_some_and(|facts| facts.cluster) { " +cluster|slots" } else { "" };
            let needed = format!(
                "~{} +@read +@write +@scripting +@connection -@dangerous +time +info +role +config|get{cluster}",
                keys(survey)
            );
            Finding::bad(RIGHTS, Level::Broken, told, WHY, grant(survey, &needed))
        }
        Rights::Unknown => {
            let told = "the server does not tell what this user may do";
            Finding::bad(RIGHTS, Level::Note, told, WHY, survey.cli.run("ACL WHOAMI"))
        }
    }
}

fn keys(survey: &Survey) -> String {
    format!("{}*", survey.tag)
}

/// An administrator's command; who logs in is never told.
fn grant(survey: &Survey, rules: &str) -> String {
    let rules: Vec<String> = rules.split(' ').map(quoted).collect();
    format!("{} for the user of store.url", survey.cli.run(&format!("ACL SETUSER USER {}", rules.join(" "))))
}

/// For a shell: keys have braces and stars, commands a bar.
fn quoted(rule: &str) -> String {
    if rule.contains(['{', '*', '|']) { format!("'{rule}'") } else { rule.to_owned() }
}
