//! The store, opened as a command needs it.

use std::sync::Arc;

use gangway_jobs::clock::SystemClock;
use gangway_store::SharedStore;
use gangway_store::sqlite::Mode;

use crate::error::{Error, Result};
use crate::settings::Settings;

/// What a command wants of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Imports or works: makes the store if there is none, and refuses one that was made for something else.
    Work,
    /// Looks, or steers what is there: never makes a store, and takes it as it is.
    Visit,
}

/// Opens the store of the settings.
pub(crate) async fn open(settings: &Settings, purpose: Purpose) -> Result<SharedStore> {
    let sections = &settings.sections;
    let mode = match purpose {
        Purpose::Work => Mode::Create(sections.expected()),
        Purpose::Visit => Mode::AsFound,
    };
    let (url, policies) = (sections.store.url.clone(), sections.policies());
    // Opening may wait for another process's transaction.
    let opening = move || gangway_store::open(&url, mode, policies, Arc::new(SystemClock));
    let opened = tokio::task::spawn_blocking(opening).await;
    opened.map_err(|died| Error::System("open the store", std::io::Error::other(died)))?.map_err(Error::from)
}
