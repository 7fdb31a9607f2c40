//! What is remembered of refusals: who met which one lately, and which are known as the rows' own fault. Both are bounded,
//! because the circuit is stored as one value with every settle.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::OnboardingId;
use crate::kind::Kind;

/// Unclear refusals of one kind since its last new effect; the one met last stands last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Suspects(Vec<Suspect>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Suspect {
    fingerprint: String,
    who: Vec<OnboardingId>,
}

impl Suspects {
    /// How many different refusals are watched; the one met longest ago is forgotten.
    const MAX: usize = 32;

    /// Notes who met it; answers how many different onboardings have. Counts no further than `enough`.
    pub(super) fn note(&mut self, fingerprint: &str, onboarding: OnboardingId, enough: usize) -> usize {
        let mut suspect = match self.0.iter().position(|suspect| suspect.fingerprint == fingerprint) {
            Some(at) => self.0.remove(at),
            None => Suspect { fingerprint: fingerprint.to_owned(), who: Vec::new() },
        };
        if suspect.who.len() < enough.max(1) && !suspect.who.contains(&onboarding) {
            suspect.who.push(onboarding);
        }
        let met_by = suspect.who.len();
        self.0.push(suspect);
        let excess = self.0.len().saturating_sub(Self::MAX);
        self.0.drain(..excess);
        met_by
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Empties the list; answers the refusals that stood in it.
    pub(super) fn take(&mut self) -> impl Iterator<Item = String> + use<> {
        std::mem::take(&mut self.0).into_iter().map(|suspect| suspect.fingerprint)
    }
}

/// Refusals known as the rows' own fault, each for one kind and until some time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RowTexts(BTreeMap<String, RowText>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct RowText {
    standing: Standing,
    until: Timestamp,
}

/// How sure that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Standing {
    /// A new effect came after somebody met it: a row that meets it a second time does so by its own fault.
    OnSecondLook,
    /// A probe showed it, or it was decided: every row that meets it does.
    Proven,
}

impl RowTexts {
    const MAX: usize = 64;

    pub(super) fn learn(&mut self, kind: Kind, fingerprint: &str, standing: Standing, until: Timestamp) {
        let text = self.0.entry(key(kind, fingerprint)).or_insert(RowText { standing, until });
        // What is proven stays proven, and no longer than it was: a weaker sign adds nothing.
        if standing >= text.standing {
            *text = RowText { standing, until: until.max(text.until) };
        }
        if self.0.len() > Self::MAX {
            let weakest = self.0.iter().min_by_key(|(_, text)| **text).map(|(key, _)| key.clone());
            weakest.and_then(|key| self.0.remove(&key));
        }
    }

    pub(super) fn standing(&self, kind: Kind, fingerprint: &str) -> Option<Standing> {
        self.0.get(&key(kind, fingerprint)).map(|text| text.standing)
    }

    pub(super) fn forget_old(&mut self, now: Timestamp) {
        self.0.retain(|_, text| text.until > now);
    }
}

fn key(kind: Kind, fingerprint: &str) -> String {
    format!("{kind} {fingerprint}")
}
