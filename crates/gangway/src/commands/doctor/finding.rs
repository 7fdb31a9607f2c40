//! One thing that was looked at.

use std::error::Error;

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// As it may be; somebody should know.
    Note,
    /// A worker runs; somebody should know.
    Warning,
    /// A worker would not run, or not well.
    Problem,
}

impl Level {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// What was looked at and found. Holds no secret and nothing personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// A stable name.
    pub(super) check: &'static str,
    pub(super) level: Level,
    pub(super) found: String,
    /// Why it matters.
    pub(super) why: &'static str,
    /// The command or the setting that mends it; none is needed where all is well.
    pub(super) remedy: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, found: impl Into<String>, why: &'static str) -> Self {
        Self { check, level: Level::Ok, found: found.into(), why, remedy: None }
    }

    pub(super) fn warning(
        check: &'static str,
        found: impl Into<String>,
        why: &'static str,
        remedy: impl Into<String>,
    ) -> Self {
        Self { check, level: Level::Warning, found: found.into(), why, remedy: Some(remedy.into()) }
    }

    pub(super) fn problem(
        check: &'static str,
        found: impl Into<String>,
        why: &'static str,
        remedy: impl Into<String>,
    ) -> Self {
        Self { level: Level::Problem, ..Self::warning(check, found, why, remedy) }
    }

    /// For people: a finding that is well needs no reasons.
    pub(super) fn sentence(&self) -> String {
        match &self.remedy {
            Some(remedy) => format!("{}. Why it matters: {}. Remedy: {remedy}", self.found, self.why),
            None => self.found.clone(),
        }
    }
}

/// An error with all its causes, in one line.
pub(super) fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
