//! The store, opened as a command needs it.

use gangway_store::SharedStore;

use crate::error::Result;
use crate::settings::Settings;

/// What a command wants of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Imports or works: makes the store if there is none, and refuses one that was made for something else.
    Work,
    /// Changes what is there; never makes a store.
    Steer,
    /// Only looks; never makes a store, never changes it.
    Look,
}

/// Opens the store of the settings.
pub(crate) async fn open(settings: &Settings, purpose: Purpose) -> Result<SharedStore> {
    let _todo = (purpose, settings.sections.policies(), settings.sections.expected());
    Err(gangway_store::Error::UnsupportedUrl { url: settings.sections.store.url.clone() }.into())
}
