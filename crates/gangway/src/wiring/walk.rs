//! Walks over everything that a store holds, in pages.

use std::fs::{File, OpenOptions};
use std::path::Path;

use gangway_jobs::event::Event;
use gangway_jobs::onboarding::Record;
use gangway_store::{MAX_BATCH, Position, Store};

use crate::error::Result;

/// Shows every record to `visit`.
pub(crate) async fn records(store: &dyn Store, mut visit: impl FnMut(&Record) -> Result<()>) -> Result<()> {
    let mut after = None;
    loop {
        let page = store.records(after, MAX_BATCH).await?;
        for record in &page {
            visit(record)?;
        }
        match page.last() {
            Some(last) => after = Some(last.id),
            None => return Ok(()),
        }
    }
}

/// Shows every event to `visit`, in order, after `after`.
pub(crate) async fn events(
    store: &dyn Store,
    mut after: Position,
    mut visit: impl FnMut(Position, &Event) -> Result<()>,
) -> Result<()> {
    loop {
        let page = store.events(after, MAX_BATCH).await?;
        for (position, event) in &page {
            visit(*position, event)?;
        }
        match page.last() {
            Some((position, _)) => after = *position,
            None => return Ok(()),
        }
    }
}

/// Makes a file for events, readable by its owner only: the links in them open a customer's form. One that is there is
/// emptied and keeps its rights.
pub(crate) fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}
