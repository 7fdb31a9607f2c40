//! Failures in a row, and what they mean: the API is down, or down for one kind of call.

use serde::{Deserialize, Serialize};

use crate::id::{JobId, OnboardingId};
use crate::kind::Kind;

/// The failures since the last answer of the API to the same kind of call, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Strikes(Vec<Strike>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Strike {
    job: JobId,
    /// A plain 500, which may be one row's own fault.
    internal: bool,
    /// Has cost its job nothing, so there is nothing to excuse.
    free: bool,
    /// The API has answered another kind of call since.
    heard_since: bool,
}

/// So many onboardings must have failed before a failure that may be a row's own counts as the API's.
const OTHERS: usize = 3;

impl Strikes {
    pub(super) fn push(&mut self, job: JobId, internal: bool, free: bool, threshold: usize) {
        self.0.push(Strike { job, internal, free, heard_since: false });
        // Stored with every settle: a few rows that fail for ever must not make it grow.
        let excess = self.0.len().saturating_sub(4 * threshold.max(OTHERS));
        self.0.drain(..excess);
    }

    /// The API answered a call of that kind.
    pub(super) fn heard(&mut self, kind: Kind) {
        self.0.retain(|strike| strike.job.kind != kind);
        for strike in &mut self.0 {
            strike.heard_since = true;
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Nothing is heard any more. A plain 500 may be one row's own fault: then others must have failed too.
    pub(super) fn show_down(&self, threshold: usize) -> bool {
        let silent = || self.0.iter().filter(|strike| !strike.heard_since);
        let plain = silent().filter(|strike| !strike.internal).count();
        silent().count() >= threshold && (plain >= threshold || distinct(silent()) >= OTHERS)
    }

    /// The API answers, but not calls of this kind. A row may bring down a gateway too: others must have failed.
    pub(super) fn show_kind_down(&self, kind: Kind, threshold: usize) -> bool {
        let plain = || self.0.iter().filter(|strike| strike.job.kind == kind && !strike.internal);
        plain().count() >= threshold && distinct(plain()) >= OTHERS
    }

    /// Forgets the failures (of one kind, or all); answers which of them have cost an attempt, each as often as it did.
    pub(super) fn excuse(&mut self, kind: Option<Kind>) -> Vec<JobId> {
        let (excused, kept) =
            self.0.drain(..).partition(|strike: &Strike| kind.is_none_or(|kind| strike.job.kind == kind));
        self.0 = kept;
        excused.into_iter().filter(|strike| !strike.free).map(|strike| strike.job).collect()
    }
}

fn distinct<'a>(strikes: impl Iterator<Item = &'a Strike>) -> usize {
    let mut who: Vec<OnboardingId> = strikes.map(|strike| strike.job.onboarding).collect();
    who.sort_unstable();
    who.dedup();
    who.len()
}
