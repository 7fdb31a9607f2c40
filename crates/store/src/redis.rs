//! The store for many workers on many machines: Redis or Valkey.
//!
//! What one step does to an onboarding is decided here, by the same pure functions that every store uses; a script then
//! checks that nothing has changed meanwhile and writes all of it, or nothing. `docs/decisions/0004` tells why.

mod codec;
mod config;
mod link;
mod onboarding;
mod scripts;

pub use config::RedisConfig;
