//! What a consumer keeps: the ids that it has dealt with, and its effects.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::stories::accounts::number;
use crate::{Error, Result, same};

/// A consumer's own database: both halves change together, which is all that it takes.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Ids that were dealt with.
    seen: BTreeSet<String>,
    /// Effects by what they are about and not by the event's id: a repeat under another id would show here.
    effects: BTreeMap<(String, String, u64), u64>,
    /// The last sequence of each customer and epoch.
    last: BTreeMap<(String, String), u64>,
    /// Letters sent, by customer and round: the effect that nobody wants twice.
    letters: BTreeMap<(String, u64), u64>,
    /// Deliveries that were dropped, as their ids were known.
    pub(super) repeats: u64,
}

impl Ledger {
    /// Deals with an event, once.
    pub(super) fn deal_with(&mut self, event: &Value) -> Result<()> {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        if !self.seen.insert(text("id")) {
            self.repeats += 1;
            return Ok(());
        }
        let (subject, epoch, sequence) = (text("subject"), text("epoch"), number(event, "/sequence")?);
        let last = self.last.entry((subject.clone(), epoch.clone())).or_default();
        same("sequence of the next event of a customer", &sequence, &(*last + 1))?;
        *last = sequence;
        *self.effects.entry((subject.clone(), epoch, sequence)).or_default() += 1;
        if matches!(text("type").as_str(), "onboarding.approved" | "onboarding.rejected") {
            *self.letters.entry((subject, number(event, "/data/round")?)).or_default() += 1;
        }
        Ok(())
    }

    /// Fails unless each event had its effect, and had it once.
    pub(super) fn check(&self, events: usize, customers: u64) -> Result<()> {
        same("events that had an effect", &self.effects.len(), &events)?;
        same("letters sent", &self.letters.values().sum(), &customers)?;
        let twice = self.effects.values().filter(|count| **count > 1).count();
        let letters = self.letters.values().filter(|count| **count > 1).count();
        if twice + letters > 0 {
            return Err(Error::Broken(format!("{twice} effects and {letters} letters are there twice")));
        }
        Ok(())
    }
}
