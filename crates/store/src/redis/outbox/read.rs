//! Reading as a consumer of a group.

use std::collections::HashSet;

use gangway_jobs::event::Event;

use super::entry::Entry;
use super::{PAGE, unknown};
use crate::redis::core::{Core, millis};
use crate::redis::lua;
use crate::redis::reply::{list, other_form, text};
use crate::{MAX_BATCH, Position, ReadRequest, Result};

const ACTION: &str = "read events for a group";

/// What a page has brought.
struct Page {
    entries: Vec<Entry>,
    /// Subjects of which an earlier event is kept by another reader.
    held_up: Vec<String>,
    /// Where to go on; empty at the end.
    next: String,
}

/// The oldest events that the group still has to deal with and nobody else keeps.
///
/// Looks a bounded way ahead, past those that are kept. Between two pages others may read and acknowledge; an onboarding
/// that was held up once stays so until the end, which keeps its order.
pub(in crate::redis) async fn read(core: &Core, ask: &ReadRequest) -> Result<Vec<(Position, Event)>> {
    let wanted = ask.count.min(MAX_BATCH);
    let mut ahead = wanted * 4 + 1_000;
    let mut entries: Vec<Entry> = Vec::new();
    let mut held_up = HashSet::new();
    let mut next = "0-0".to_owned();
    while ahead > 0 && !next.is_empty() {
        let page = PAGE.min(ahead);
        let read = read_page(core, ask, wanted - entries.len(), &next, page, &held_up).await?;
        entries.extend(read.entries);
        held_up.extend(read.held_up);
        next = read.next;
        ahead -= page;
    }
    Ok(entries.into_iter().filter_map(Entry::decode).collect())
}

async fn read_page(
    core: &Core,
    ask: &ReadRequest,
    wanted: usize,
    after: &str,
    page: usize,
    held_up: &HashSet<String>,
) -> Result<Page> {
    let reply = core.call(ACTION, &lua::OUTBOX_READ, |command| {
        command.arg(&ask.group).arg(&ask.consumer).arg(wanted).arg(millis(ask.claim)).arg(after).arg(page);
        for subject in held_up {
            command.arg(subject);
        }
    });
    let reply = reply.await?;
    if reply.word == "unknown" {
        return Err(unknown(&ask.group));
    }
    let [next, entries, held_up] = reply.parts(ACTION)?;
    let held_up = list(held_up).ok_or_else(|| other_form(ACTION))?;
    Ok(Page {
        entries: Entry::read_all(ACTION, entries)?,
        held_up: held_up.into_iter().filter_map(text).collect(),
        next: text(next).ok_or_else(|| other_form(ACTION))?,
    })
}
