//! The store: whether it opens, whether it is the one that the settings mean, and what in it waits for a person.

use std::path::Path;
use std::time::Duration;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::job::State;
use gangway_store::{Position, Status, Store};

use super::finding::{Finding, told};
use super::{counted, disk};
use crate::error::{Error, Result};
use crate::output::table::number;
use crate::settings::duration::show;
use crate::settings::{Sections, Settings};
use crate::wiring::store::{self, Purpose};

const STORE: &str = "store";
const STAMP: &str = "stamp";
const PAUSED: &str = "paused";
const CIRCUIT: &str = "circuit";
const DEAD: &str = "dead_letters";
const WORKERS: &str = "workers";
const OUTBOX: &str = "outbox";

const WHY_STORE: &str = "everything that a worker knows is kept there";

/// Looks at the place of the store, then into it.
pub(super) async fn check(settings: &Settings) -> Result<Vec<Finding>> {
    let url = settings.sections.store.url.as_str();
    if url == "sqlite::memory:" {
        let why = "what it holds ends with the process, and no other process sees it";
        let remedy = "set store.url to a file, e.g. GANGWAY__STORE__URL=sqlite:gangway.db";
        return Ok(vec![Finding::warning(STORE, "the store is in memory", why, remedy)]);
    }
    let path = disk::path(url);
    let mut findings = Vec::new();
    match store::open(settings, Purpose::Visit).await {
        Ok(store) => {
            let looked = look(&*store, settings).await;
            store.close().await;
            match looked {
                Ok(more) => findings.extend(more),
                Err(error) => findings.push(refused(&error, path.as_deref())),
            }
        }
        Err(Error::Store(error)) => findings.push(refused(&error, path.as_deref())),
        Err(other) => return Err(other),
    }
    findings.extend(path.as_deref().map(disk::check).unwrap_or_default());
    Ok(findings)
}

/// A store that is not there yet is well; everything else that keeps it shut is not.
fn refused(error: &gangway_store::Error, path: Option<&Path>) -> Finding {
    use gangway_store::Error as Store;
    let problem = |found: String, remedy: &str| Finding::problem(STORE, found, WHY_STORE, remedy);
    match error {
        Store::Missing { path } => {
            let found = format!("{} is not there yet; `gangway import FILE` makes it", path.display());
            Finding::ok(STORE, found, WHY_STORE)
        }
        Store::UnsupportedUrl { url } => problem(
            format!("store.url {url:?} is not supported"),
            "set store.url to sqlite:PATH, e.g. sqlite:gangway.db",
        ),
        Store::NotAStore { path } => problem(
            format!("{} is something else than a Gangway store", path.display()),
            "move it away, or set store.url to another path",
        ),
        Store::Newer { path, found, known } => problem(
            format!("{} has schema version {found}, but this release knows up to {known}", path.display()),
            "upgrade gangway to the release that made the store",
        ),
        Store::Replaced { path } => problem(
            format!("{} was removed or replaced just now", path.display()),
            "leave the file in its place while gangway runs, restart the workers, and run `gangway doctor` again",
        ),
        Store::Mismatch { mismatch } => problem(
            mismatch.clone(),
            "set store.url to another path, or the settings to what the store was made with",
        ),
        Store::Busy { .. } => {
            let find = path.map_or(String::new(), |path| format!(" (`fuser -v {}`)", disk::quoted(path)));
            problem(
                told(error),
                &format!("find out which process holds it{find}, or raise store.busy_timeout"),
            )
        }
        Store::Damaged { .. } => problem(told(error), "restore the store from a copy; nothing was changed"),
        Store::Sqlite { .. }
        | Store::Io { .. }
        | Store::Closed
        | Store::UnknownGroup { .. }
        | Store::BatchTooLarge { .. }
        | Store::PayloadTooLarge { .. } => problem(
            told(error),
            "check that this user may read and write the file, that it is on a local disk, and its space",
        ),
    }
}

async fn look(store: &dyn Store, settings: &Settings) -> gangway_store::Result<Vec<Finding>> {
    let sections = &settings.sections;
    let (stamp, status, now) = (store.stamp().await?, store.status().await?, store.now().await?);
    let held = format!("{} with {} onboardings", sections.store.url, number(status.total()));
    let mut findings = vec![Finding::ok(STORE, held, WHY_STORE)];
    findings.push(match stamp.mismatch(&sections.expected()) {
        None => Finding::ok(STAMP, "the store was made for these settings", "it must never meet another API"),
        Some(mismatch) => Finding::problem(
            STAMP,
            mismatch,
            "import and worker refuse, because customers of one API must never meet another",
            "set store.url to another path, or the settings to what the store was made with",
        ),
    });
    findings.push(circuit(&status));
    findings.extend(paused(&status));
    findings.push(dead(&status));
    findings.push(workers(&status, sections, now));
    findings.extend(outbox(store, &status, sections.outbox.retention, now).await?);
    Ok(findings)
}

fn circuit(status: &Status) -> Finding {
    let why = "while it is not closed, few calls are made to the API or none";
    match &status.circuit {
        (state, _) if state == "closed" => Finding::ok(CIRCUIT, "closed", why),
        (state, reason) => Finding::warning(
            CIRCUIT,
            format!("{state}: {reason}"),
            why,
            "mend the cause; it closes by itself, and at once after `gangway circuit resolve --retry`",
        ),
    }
}

fn paused(status: &Status) -> Option<Finding> {
    let kinds: Vec<&str> = status.paused.iter().map(|kind| kind.as_str()).collect();
    (!kinds.is_empty()).then(|| {
        let why = "no job of a paused kind starts";
        Finding::warning(PAUSED, format!("paused: {}", kinds.join(", ")), why, "`gangway queue resume`")
    })
}

fn dead(status: &Status) -> Finding {
    let why = "their onboardings go no further until a person has decided";
    match status.jobs.values().filter_map(|states| states.get(&State::Dead)).sum::<u64>() {
        0 => Finding::ok(DEAD, "none", why),
        count => Finding::warning(
            DEAD,
            number(count),
            why,
            "`gangway dead list` tells why; then `gangway dead redrive REF` or `gangway dead drop REF`",
        ),
    }
}

fn workers(status: &Status, sections: &Sections, now: Timestamp) -> Finding {
    if status.workers.is_empty() {
        let (found, why) = ("none is running", "without one nobody comes aboard");
        return match status.in_progress() {
            0 => Finding::ok(WORKERS, found, why),
            waiting => {
                let found = format!("{found}, and {} onboardings have no end", number(waiting));
                Finding::warning(WORKERS, found, why, "`gangway worker`")
            }
        };
    }
    let alive = format!("{} alive", counted(status.workers.len(), "worker"));
    let oldest = status.workers.iter().filter_map(|worker| worker.oldest_lease).min();
    let age = oldest.map(|since| Duration::from_secs(now.since(since).as_secs()));
    let found = age.map_or(alive.clone(), |age| format!("{alive}, oldest lease {}", show(age)));
    let longest = sections.worker.job_timeout + sections.worker.lease;
    if age.is_some_and(|age| age > longest) {
        let why = "an attempt has outlived worker.job_timeout, so its worker hangs";
        return Finding::warning(WORKERS, found, why, "restart the worker: another one takes its jobs over");
    }
    Finding::ok(WORKERS, found, "each takes jobs in turn")
}

/// Groups whose oldest unread event is older than events are meant to become.
async fn outbox(
    store: &dyn Store,
    status: &Status,
    retention: Duration,
    now: Timestamp,
) -> gangway_store::Result<Vec<Finding>> {
    const WHY: &str = "events stay until every group has acknowledged them, so the store grows";
    let mut late = Vec::new();
    for (group, &behind) in status.groups.iter().filter(|(_, behind)| **behind > 0) {
        let Some(age) = least_age(store, status.outbox_length, behind, now).await? else { continue };
        if age > retention {
            let found = format!(
                "group {group} has not acknowledged {} events, some for more than {}",
                number(behind),
                show(retention)
            );
            let remedy = format!(
                "`gangway outbox read --group {group} --ack`, or `gangway outbox group remove {group}` if nobody reads it"
            );
            late.push(Finding::warning(OUTBOX, found, WHY, remedy));
        }
    }
    if late.is_empty() {
        let found = format!("{} events, no group is late", number(status.outbox_length));
        late.push(Finding::ok(OUTBOX, found, WHY));
    }
    Ok(late)
}

/// How old the oldest of `behind` unread events is at least. It is as old as that if they were acknowledged in order, and
/// older if not: the last `behind` events are the youngest that it can be about.
async fn least_age(
    store: &dyn Store,
    length: u64,
    behind: u64,
    now: Timestamp,
) -> gangway_store::Result<Option<Duration>> {
    let Some((first, _)) = store.events(Position::default(), 1).await?.into_iter().next() else {
        return Ok(None);
    };
    let before = Position((first.0 + length.saturating_sub(behind)).saturating_sub(1));
    let oldest = store.events(before, 1).await?.into_iter().next();
    Ok(oldest.map(|(_, event)| now.since(event.time)))
}
