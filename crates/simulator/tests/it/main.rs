//! The simulator, seen by a real client over loopback.

mod auth;
mod control;
mod create;
mod effects;
mod faults;
mod lifecycle;
mod limits;
mod links;
mod reads;
mod support;
mod throughput;
mod webhooks;
