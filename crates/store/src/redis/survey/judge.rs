//! What a survey means for a store: one finding for each thing that was looked at, as a pure function.
//!
//! | module | judges |
//! |---|---|
//! | [`server`] | program, version, role, rights |
//! | [`durability`] | what a crash can take away |
//! | [`memory`] | what happens when memory ends |
//! | [`reach`] | replicas, clock, round trips |

mod durability;
mod memory;
mod reach;
mod server;

use super::Survey;

/// How bad a finding is; later ones are worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Good,
    /// As it may be; somebody should know.
    Note,
    /// It works; somebody should mend it.
    Warning,
    /// What was accepted can be lost.
    Loses,
    /// A store cannot work there.
    Broken,
}

/// What shall be done with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Take customers in, which needs room.
    TakeIn,
    /// Work on those that are there.
    Work,
}

/// What was looked at and found. Holds no credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// A stable name.
    pub name: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub told: String,
    /// Why it matters.
    pub why: &'static str,
    /// What mends it, down to the command; a good finding needs none.
    pub mend: Option<String>,
}

impl Finding {
    fn good(name: &'static str, told: impl Into<String>, why: &'static str) -> Self {
        Self { name, level: Level::Good, told: told.into(), why, mend: None }
    }

    fn bad(
        name: &'static str,
        level: Level,
        told: impl Into<String>,
        why: &'static str,
        mend: impl Into<String>,
    ) -> Self {
        Self { name, level, told: told.into(), why, mend: Some(mend.into()) }
    }
}

/// Judges a server, for what shall be done there.
pub fn judge(survey: &Survey, duty: Duty) -> Vec<Finding> {
    let mut findings = vec![server::version(survey)];
    findings.extend(server::silence(survey));
    findings.extend(server::role(survey));
    findings.push(server::rights(survey));
    findings.extend(durability::log(survey));
    findings.extend(durability::disk(survey));
    findings.extend(memory::eviction(survey));
    findings.extend(memory::room(survey, duty));
    findings.extend(memory::shape(survey));
    findings.extend(reach::replicas(survey));
    findings.extend(reach::clock(survey));
    findings.push(reach::latency(survey));
    findings
}

#[cfg(test)]
mod tests;
