//! The stores, seen from outside.

#![allow(clippy::unwrap_used, reason = "helpers of tests: what is not as expected panics")]

mod conformance;
mod harness;
mod model_based;
mod redis;
mod sqlite;
