//! One server for all tests of a process that disturb nobody.

use std::sync::{Mutex, OnceLock, PoisonError};

use rand::RngExt as _;

use super::options::Options;
use super::server::Server;
use crate::Result;

/// The server of this process, started by the first who asks. Each test takes a [`namespace`] of its own.
///
/// It is never dropped, as statics are not; it ends with the process all the same.
///
/// # Errors
/// There is no Redis, or it does not come up.
pub fn shared() -> Result<&'static Server> {
    static SERVER: OnceLock<Server> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());
    // Whoever panicked with it has left nothing half done: the cell is set or not.
    let _one_at_a_time = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = SERVER.get() {
        return Ok(server);
    }
    let server = Server::start(&Options::default())?;
    Ok(SERVER.get_or_init(|| server))
}

/// A random name for the keys of one test.
pub fn namespace() -> String {
    format!("test-{:016x}", rand::rng().random::<u64>())
}
