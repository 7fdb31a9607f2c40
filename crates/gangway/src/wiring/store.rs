//! The store, opened as a command needs it.

use std::sync::Arc;

use gangway_jobs::clock::SystemClock;
use gangway_store::{Mode, SharedStore, StoreConfig};
use secrecy::ExposeSecret as _;

use crate::error::Result;
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
    Ok(try_open(settings, purpose).await?)
}

/// The same, with the store's own word of what is wrong, for those who can wait.
pub(crate) async fn try_open(settings: &Settings, purpose: Purpose) -> gangway_store::Result<SharedStore> {
    let sections = &settings.sections;
    let mode = match purpose {
        Purpose::Work => Mode::Create(sections.expected()),
        Purpose::Visit => Mode::AsFound,
    };
    let config =
        StoreConfig { url: sections.store_url().expose_secret().to_owned(), redis: sections.redis_config() };
    gangway_store::open(&config, mode, sections.policies(), Arc::new(SystemClock)).await
}
