//! The demo: everything in one process, and at its end the proof that nobody was lost and nobody made twice.
//!
//! | module | duty |
//! |---|---|
//! | [`profile`] | settings under which days pass in seconds |
//! | [`folder`] | the folder that a demo works in, and may clear |
//! | [`account`] | what the store holds, counted record by record and event by event |
//! | [`proof`] | the sums that must hold between file, store, outbox and API |
//! | [`report`] | the answer: a table, the proof, JSON |

pub(crate) mod account;
pub(crate) mod folder;
pub(crate) mod profile;
pub(crate) mod proof;
pub(crate) mod report;
