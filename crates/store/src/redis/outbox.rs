//! The outbox: a stream, which any program may read through a group, and how far each group has come.
//!
//! A registered group *is* a consumer group of the stream, whoever made it. What it still has to deal with is what the
//! server says: not delivered yet, or pending. Three things lie beside it, because the server knows no such thing:
//! *claims* of the store's time, acknowledgements *ahead* of delivery, and the *holes* that cleaning leaves; see
//! `lua/group.lua` and `lua/append.lua`.
//!
//! No script looks at more than [`PAGE`] events: what is longer takes several calls, and is safe to repeat.

mod entry;
mod place;
mod read;
mod redact;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::event::Event;
use redis::Value;

pub(super) use self::read::read;
pub(super) use self::redact::redact_all;
use super::core::Core;
use super::lua;
use super::reply::{int, list, other_form, text};
use crate::{Error, GroupStart, Position, Result};

/// So many events does a script look at, at most.
const PAGE: usize = 500;

/// The sums of the outbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// How many events there are.
    pub(super) length: u64,
    /// How many each group still has to deal with.
    pub(super) lags: BTreeMap<String, u64>,
}

/// Registers a group. Answers whether it is new.
pub(super) async fn group_add(core: &Core, group: &str, from: GroupStart) -> Result<bool> {
    let from = match from {
        GroupStart::Beginning => "0",
        GroupStart::Now => "$",
    };
    change_group(core, "register a group", "add", group, from).await
}

/// Removes a group. Answers whether it was there.
pub(super) async fn group_remove(core: &Core, group: &str) -> Result<bool> {
    change_group(core, "remove a group", "remove", group, "").await
}

async fn change_group(
    core: &Core,
    action: &'static str,
    verb: &str,
    group: &str,
    from: &str,
) -> Result<bool> {
    let reply = core.call(action, &lua::OUTBOX_GROUP, |command| {
        command.arg(verb).arg(group).arg(from);
    });
    let [changed] = reply.await?.parts(action)?;
    Ok(count(action, &changed)? > 0)
}

/// Acknowledges events; answers how many had not been.
pub(super) async fn ack(core: &Core, group: &str, positions: Vec<Position>) -> Result<usize> {
    const ACTION: &str = "acknowledge events";
    let mut acknowledged = 0;
    let mut pages = positions.chunks(PAGE);
    // Also with nothing to acknowledge: whether the group is known must be told.
    let mut page = pages.next().unwrap_or_default();
    loop {
        let reply = core.call(ACTION, &lua::OUTBOX_ACK, |command| {
            command.arg(group).arg(page.iter().map(|at| place::id(*at)).collect::<Vec<_>>());
        });
        let reply = reply.await?;
        if reply.word == "unknown" {
            return Err(unknown(group));
        }
        let [newly] = reply.parts(ACTION)?;
        acknowledged += count(ACTION, &newly)?;
        match pages.next() {
            Some(next) => page = next,
            None => return Ok(acknowledged),
        }
    }
}

/// Events in order, after `after`, without any group.
pub(super) async fn events(core: &Core, after: Position, limit: usize) -> Result<Vec<(Position, Event)>> {
    let mut events = Vec::new();
    let mut from = place::id(after);
    while events.len() < limit {
        let page = PAGE.min(limit - events.len());
        let Some((last, entries)) = entry::look(core, &from, page, entry::Which::All).await? else { break };
        events.extend(entries.into_iter().filter_map(entry::Entry::decode));
        from = last;
    }
    Ok(events)
}

/// Deletes events from the beginning, as long as they are old and every group is done with them; answers how many.
pub(super) async fn trim(core: &Core, older_than: Timestamp, limit: usize) -> Result<usize> {
    const ACTION: &str = "trim the outbox";
    let mut trimmed = 0;
    while trimmed < limit {
        let page = PAGE.min(limit - trimmed);
        let reply = core.call(ACTION, &lua::OUTBOX_TRIM, |command| {
            command.arg(older_than.to_string()).arg(page);
        });
        let [deleted, more] = reply.await?.parts(ACTION)?;
        trimmed += count(ACTION, &deleted)?;
        if count(ACTION, &more)? == 0 {
            break;
        }
    }
    Ok(trimmed)
}

/// The sums of the outbox, whatever its length.
pub(super) async fn sums(core: &Core) -> Result<Sums> {
    const ACTION: &str = "count events";
    let [length, groups] = core.call(ACTION, &lua::OUTBOX_SUMS, |_| {}).await?.parts(ACTION)?;
    let mut lags = BTreeMap::new();
    let mut parts = list(groups).ok_or_else(|| other_form(ACTION))?.into_iter();
    while let (Some(group), Some(lag)) = (parts.next(), parts.next()) {
        let group = text(group).ok_or_else(|| other_form(ACTION))?;
        lags.insert(group, count(ACTION, &lag)? as u64);
    }
    Ok(Sums { length: count(ACTION, &length)? as u64, lags })
}

fn unknown(group: &str) -> Error {
    Error::UnknownGroup { group: group.to_owned() }
}

fn count(action: &'static str, value: &Value) -> Result<usize> {
    int(value).and_then(|number| usize::try_from(number).ok()).ok_or_else(|| other_form(action))
}
