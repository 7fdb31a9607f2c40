//! Cleaning the events of erased onboardings.
//!
//! An erasure notes its onboarding in the same step; from then on our own readers hand its events out cleaned. This sweep
//! replaces them in the stream, for those who read it by themselves. It may be repeated and interrupted anywhere: an
//! onboarding stays noted until all its events are clean.

use std::collections::{HashMap, HashSet};

use gangway_jobs::event::redact;
use gangway_jobs::id::OnboardingId;
use serde_json::Value as Json;

use super::entry::{Entry, Which, look};
use super::{PAGE, count};
use crate::Result;
use crate::redis::core::Core;
use crate::redis::reply::{list, other_form, text};
use crate::redis::{keys, lua};

const ACTION: &str = "clean events";

/// So many onboardings are cleaned by one walk through the outbox.
const PORTION: usize = 100;

/// A walk through the outbox, up to where it has come.
struct Walk {
    noted: HashSet<OnboardingId>,
    found: HashMap<OnboardingId, Vec<Entry>>,
    at: String,
}

/// Cleans the events of all onboardings that are noted.
pub(in crate::redis) async fn redact_all(core: &Core) -> Result<()> {
    loop {
        let noted = noted(core).await?;
        if noted.is_empty() {
            return Ok(());
        }
        let mut walk =
            Walk { noted: noted.iter().copied().collect(), found: HashMap::new(), at: "0-0".to_owned() };
        let mut cleaned = 0;
        for id in noted {
            walk.go_on(core).await?;
            cleaned += usize::from(walk.clean(core, id).await?);
        }
        if cleaned == 0 {
            // So much is written that the end is never in sight: the next sweep goes on.
            return Ok(());
        }
    }
}

/// Some of the onboardings that are noted.
async fn noted(core: &Core) -> Result<Vec<OnboardingId>> {
    let mut command = redis::cmd("SRANDMEMBER");
    command.arg(core.keys.of(keys::REDACT)).arg(PORTION);
    let members = core.work.send(ACTION, &command).await?;
    let members = list(members).ok_or_else(|| other_form(ACTION))?;
    let ids = members.into_iter().map(|member| text(member)?.parse().ok());
    let mut ids: Vec<OnboardingId> = ids.collect::<Option<_>>().ok_or_else(|| other_form(ACTION))?;
    // The same order every time, so that what happened can be told again.
    ids.sort_unstable();
    Ok(ids)
}

impl Walk {
    /// Goes on to the end of the outbox.
    async fn go_on(&mut self, core: &Core) -> Result<()> {
        while let Some((last, entries)) = look(core, &self.at, PAGE, Which::ToClean).await? {
            for entry in entries {
                if let Some(id) = subject(&entry.event).filter(|id| self.noted.contains(id)) {
                    self.found.entry(id).or_default().push(entry);
                }
            }
            self.at = last;
        }
        Ok(())
    }

    /// Replaces the events of one onboarding. `false`: more may have been written of it meanwhile.
    async fn clean(&self, core: &Core, id: OnboardingId) -> Result<bool> {
        let entries = self.found.get(&id).map(Vec::as_slice).unwrap_or_default();
        let copies = copies(entries);
        let reply = core.call(ACTION, &lua::OUTBOX_REDACT, |command| {
            command.arg(id.to_string()).arg(&self.at);
            for (id, copy) in &copies {
                command.arg(id).arg(copy);
            }
        });
        let reply = reply.await?;
        if reply.word == "again" {
            return Ok(false);
        }
        let [replaced] = reply.parts(ACTION)?;
        tracing::debug!(events = count(ACTION, &replaced)?, "the events of an erased onboarding are clean");
        Ok(true)
    }
}

/// Ids and clean copies of an onboarding's events, from the first that must be cleaned on: those before it stay.
fn copies(entries: &[Entry]) -> Vec<(String, String)> {
    let mut copies = Vec::new();
    for entry in entries {
        // What cannot be read is deleted: nothing of it may stay.
        let copy = clean_copy(&entry.event).unwrap_or_default();
        if !copies.is_empty() || copy != entry.event {
            copies.push((entry.id.clone(), copy));
        }
    }
    copies
}

fn subject(event: &str) -> Option<OnboardingId> {
    // The entry was found by its subject, so this is its first field of that form.
    let (_, rest) = event.split_once(r#""subject":""#)?;
    rest.split_once('"')?.0.parse().ok()
}

/// The event without what is personal; none if it cannot be read.
fn clean_copy(event: &str) -> Option<String> {
    let mut event: Json = serde_json::from_str(event).ok()?;
    redact(event.get_mut("data")?);
    Some(event.to_string())
}
