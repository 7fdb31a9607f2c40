//! Real Redis servers for tests and proofs: one alone, three sentinels over a pair, a cluster of three masters.
//!
//! Each has a folder, a port on 127.0.0.1 and a log of its own, and ends with its owner, also if that is killed. What
//! disturbs other users of a server (killing, pausing, flushing) takes `&mut`, so that nobody does it to [`shared`].
//!
//! Synchronous and without a client library, as a store's own tests depend on it.

use std::path::PathBuf;
use std::process::Command;

use crate::process::Process;
use crate::{Error, Result};

mod cluster;
mod connection;
mod guarded;
mod measure;
mod options;
mod port;
mod reply;
mod sentinels;
mod server;
mod shared;

pub use cluster::Cluster;
pub use connection::Connection;
pub use measure::Slow;
pub use options::{Fsync, Options};
pub use reply::Reply;
pub use sentinels::{MASTER_NAME, Sentinels};
pub use server::Server;
pub use shared::{namespace, shared};

/// The Redis (or Valkey) server that PATH has. It is its own sentinel, with `--sentinel`.
///
/// # Errors
/// [`Error::NoRedis`], which says how to get one.
pub fn find() -> Result<PathBuf> {
    // The shell searches as any start of the program would.
    let mut search = Command::new("sh");
    search.args(["-c", "command -v redis-server || command -v valkey-server"]);
    let found = Process::run(&mut search)?;
    match found.stdout.lines().next() {
        Some(path) if found.code == Some(0) && !path.is_empty() => Ok(PathBuf::from(path)),
        _ => Err(Error::NoRedis),
    }
}
