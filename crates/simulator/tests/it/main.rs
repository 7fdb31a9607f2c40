//! The simulator, seen by a real client over loopback.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod auth;
mod control;
mod create;
mod crowd;
mod effects;
mod faults;
mod lifecycle;
mod limits;
mod links;
mod reads;
mod support;
mod webhooks;
