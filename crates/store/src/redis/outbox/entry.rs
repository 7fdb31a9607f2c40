//! Entries of the stream, and the events in them.

use gangway_jobs::event::{Event, redact};
use redis::Value;

use super::place;
use crate::redis::core::Core;
use crate::redis::lua;
use crate::redis::reply::{list, other_form, text};
use crate::{Position, Result};

/// An entry as scripts tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: String,
    /// The event's JSON.
    pub(super) event: String,
    /// Whether its onboarding was erased, and what is personal is still in it.
    pub(super) must_be_cleaned: bool,
}

/// Which entries to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// All.
    All,
    /// Those that must still be cleaned.
    ToClean,
}

impl Entry {
    /// Reads what a script told: id, event, mark, over and over.
    pub(super) fn read_all(action: &'static str, value: Value) -> Result<Vec<Self>> {
        let mut parts = list(value).ok_or_else(|| other_form(action))?.into_iter();
        let mut entries = Vec::with_capacity(parts.len() / 3);
        while let (Some(id), Some(event), Some(mark)) = (parts.next(), parts.next(), parts.next()) {
            entries.push(Self {
                id: text(id).ok_or_else(|| other_form(action))?,
                // What is no text is no event either.
                event: text(event).unwrap_or_default(),
                must_be_cleaned: text(mark).is_none_or(|mark| !mark.is_empty()),
            });
        }
        Ok(entries)
    }

    /// The event and its place. A damaged one is left out: it must not stand in the way of the next.
    pub(super) fn decode(self) -> Option<(Position, Event)> {
        let Some(position) = place::position(&self.id) else {
            tracing::error!(
                entry = self.id,
                "an entry of the outbox has an id that no position can name; left out"
            );
            return None;
        };
        let mut event = match serde_json::from_str(&self.event).map(Event::from_cloud_event) {
            Ok(Ok(event)) => event,
            Ok(Err(error)) => {
                tracing::error!(position = position.0, %error, "an event cannot be read; left out");
                return None;
            }
            // The text of that error could quote the event.
            Err(_no_json) => {
                tracing::error!(position = position.0, "an event is no JSON; left out");
                return None;
            }
        };
        if self.must_be_cleaned {
            redact(&mut event.data);
        }
        Some((position, event))
    }
}

/// Looks at the next entries, at most `page`; tells the last one looked at, if there was any, and those that are asked for.
pub(super) async fn look(
    core: &Core,
    after: &str,
    page: usize,
    which: Which,
) -> Result<Option<(String, Vec<Entry>)>> {
    const ACTION: &str = "read events";
    let only = if which == Which::ToClean { "1" } else { "" };
    let reply = core.call(ACTION, &lua::OUTBOX_EVENTS, |command| {
        command.arg(after).arg(page).arg(only);
    });
    let [last, entries] = reply.await?.parts(ACTION)?;
    let last = text(last).ok_or_else(|| other_form(ACTION))?;
    if last.is_empty() {
        return Ok(None);
    }
    Ok(Some((last, Entry::read_all(ACTION, entries)?)))
}
