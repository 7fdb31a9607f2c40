//! The protocol of leases, settles and rescues as a model that a checker walks through whole.
//!
//! A few workers, a rescuer and people act on a store, in any order, while time passes, processes die or freeze, replies
//! are lost and the store fails over. Every decision on a record and a job is made by the functions of
//! [`gangway_jobs::transition`] themselves; modelled is what stands around them: the store's indexes and clock, what a
//! worker remembers, what is under way between them, and the API's memory. [`Protocol`] is the model, [`Bounds`] say how
//! much of everything there is, and [`Rule`] names what can be switched off to see that the checker notices.
//!
//! `docs/protocol.md` tells the protocol in words.

mod action;
mod api;
mod bounds;
mod diligence;
mod face;
mod invariant;
mod onboarding;
mod opening;
mod outcome;
mod protocol;
mod rule;
mod slot;
mod state;
mod step;
mod store;
mod tally;
mod worker;

pub use action::Action;
pub use bounds::{Bounds, Budget, Opening};
pub use invariant::Broken;
pub use protocol::Protocol;
pub use rule::Rule;
pub use slot::Slot;
pub use state::State;
pub use tally::{Counted, Tally};
pub use worker::End;
