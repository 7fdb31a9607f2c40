//! Helpers for whole-process tests: the `gangway` program and its simulator as child processes on loopback, and stories
//! about them that tests run small and `cargo xtask prove` runs at full size. [`faults`]: the fault suite, which `cargo xtask
//! faults` tells. And [`redis`]: servers to test a store on.
//!
//! Every process that is started here is stopped here, by its pid, also when a story fails.

mod backend;
pub mod faults;
mod process;
pub mod proxy;
pub mod redis;
pub mod stories;
mod wait;
mod world;

pub use backend::Backend;
pub use process::{Finished, Process};
pub use world::{Settings, World};

/// Why a story failed, or could not be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A promise was broken.
    #[error("{0}")]
    Broken(String),
    /// A file or a process could not be handled.
    #[error("failed to {action}")]
    Io {
        /// What was tried.
        action: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// The simulator did not answer.
    #[error("failed to ask the simulator for {path}")]
    Simulator {
        /// What was asked.
        path: String,
        /// Why it failed.
        #[source]
        source: reqwest::Error,
    },
    /// There is no Redis to test with.
    #[error(
        "found no redis-server and no valkey-server in PATH: run `cargo xtask test`, \
         or `apt-get install redis-server`, or `brew install redis`"
    )]
    NoRedis,
    /// A Redis server refused a command.
    #[error("redis on port {port} refused {command}: {message}")]
    Refused {
        /// Where it listens.
        port: u16,
        /// The command's name, without its arguments.
        command: String,
        /// What it answered.
        message: String,
    },
    /// A program printed something else than was expected.
    #[error("{program} printed no JSON object on its last line: {stdout:?}; it said: {stderr}")]
    NotJson {
        /// What was run.
        program: String,
        /// Its output.
        stdout: String,
        /// Its log.
        stderr: String,
    },
}

/// The result of a step of a story.
pub type Result<T> = std::result::Result<T, Error>;

/// Fails the story unless two values are the same.
///
/// # Errors
/// [`Error::Broken`] with what was compared.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<()> {
    if found == expected {
        Ok(())
    } else {
        Err(Error::Broken(format!("{what}: found {found:?}, expected {expected:?}")))
    }
}
