//! The store: whether it opens, and whether it is the one that the settings mean.

use std::path::Path;

use gangway_store::Store;

use super::finding::{Finding, told};
use super::{counted, disk, waiting};
use crate::error::{Error, Result};
use crate::settings::Settings;
use crate::wiring::store::{self, Purpose};

const STORE: &str = "store";
const STAMP: &str = "stamp";

const ANOTHER: &str = "set store.url to another place (at the same Redis: another store.namespace), or the settings to what \
                       the store was made with";

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
    let mut findings = match open_and_look(settings).await {
        Ok(findings) => findings,
        Err(Error::Store(error)) => vec![refused(&error, path.as_deref())],
        Err(other) => return Err(other),
    };
    findings.extend(path.as_deref().map(disk::check).unwrap_or_default());
    Ok(findings)
}

async fn open_and_look(settings: &Settings) -> Result<Vec<Finding>> {
    let store = store::open(settings, Purpose::Visit).await?;
    let looked = look(&*store, settings).await;
    store.close().await;
    let mut findings = looked?;
    // Of a store only: whoever may read another file there is none of our business.
    #[cfg(unix)]
    findings.extend(disk::path(&settings.sections.store.url).and_then(|file| disk::private(&file)));
    Ok(findings)
}

/// A store that is not there yet is well; everything else that keeps it shut is not.
fn refused(error: &gangway_store::Error, path: Option<&Path>) -> Finding {
    use gangway_store::Error as Store;
    let problem = |found: String, remedy: &str| Finding::problem(STORE, found, WHY_STORE, remedy);
    match error {
        Store::Missing { place } => {
            let found = format!("{place} is not there yet; `gangway import FILE` makes it");
            Finding::ok(STORE, found, WHY_STORE)
        }
        Store::UnsupportedUrl { url } => problem(
            format!("store.url {url:?} is not supported"),
            "set store.url to sqlite:PATH or redis://HOST:PORT, e.g. sqlite:gangway.db",
        ),
        Store::NotAStore { path } => problem(
            format!("{} is something else than a Gangway store", path.display()),
            "move it away, or set store.url to another path",
        ),
        Store::Newer { place, found, known } => problem(
            format!("{place} has schema version {found}, but this release knows up to {known}"),
            "upgrade gangway to the release that made the store",
        ),
        Store::Replaced { path } => problem(
            format!("{} was removed or replaced just now", path.display()),
            "leave the file in its place while gangway runs, restart the workers, and run `gangway doctor` again",
        ),
        Store::Mismatch { mismatch } => problem(mismatch.clone(), ANOTHER),
        Store::Busy { .. } => {
            let find = path.map_or(String::new(), |path| format!(" (`fuser -v {}`)", disk::quoted(path)));
            problem(
                told(error),
                &format!("find out which process holds it{find}, or raise store.busy_timeout"),
            )
        }
        Store::Setting { .. } => {
            problem(told(error), "mend that setting; `gangway config` tells where it is set")
        }
        Store::Unavailable { .. } | Store::Redis { .. } => problem(
            told(error),
            "see what the server's log says, and run `gangway doctor` again: it looks at the server first",
        ),
        Store::OutOfMemory { .. } => {
            problem(told(error), "raise maxmemory, or make room with `gangway prune`; nothing was lost")
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
    let held =
        format!("{} with {}", without_user(&sections.store.url), counted(status.total(), "onboarding"));
    let mut findings = vec![Finding::ok(STORE, held, WHY_STORE)];
    findings.push(match stamp.mismatch(&sections.expected()) {
        None => Finding::ok(STAMP, "the store was made for these settings", "it must never meet another API"),
        Some(mismatch) => Finding::problem(
            STAMP,
            mismatch,
            "import and worker refuse, because customers of one API must never meet another",
            ANOTHER,
        ),
    });
    findings.extend(waiting::check(store, &status, sections, now).await?);
    Ok(findings)
}

/// The password is not in there any more; who logs in need not be shown either.
fn without_user(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_user, hosts))) if scheme != "sqlite" => {
            format!("{scheme}://{hosts}")
        }
        _ => url.to_owned(),
    }
}
