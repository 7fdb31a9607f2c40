//! Where the settings meet the library crates: each is set up in one place, here.

pub(crate) mod api;
pub(crate) mod lookup;
pub(crate) mod patience;
pub(crate) mod preflight;
pub(crate) mod store;
pub(crate) mod take_in;
pub(crate) mod walk;
pub(crate) mod watch;
pub(crate) mod work;
