//! The stores, seen from outside.

mod conformance;
mod harness;
mod model_based;
mod sqlite;
