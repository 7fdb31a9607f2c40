//! Waiting for a state of other processes.

use std::time::{Duration, Instant};

use crate::{Error, Result};

/// How often a state is looked at.
const INTERVAL: Duration = Duration::from_millis(10);

/// Looks again and again until `look` finds something, and not for longer than that.
///
/// # Errors
/// It is not found in time, or looking fails.
pub(crate) fn until<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() > deadline {
            return Err(Error::Broken(format!("{what} did not come within {:.1} s", limit.as_secs_f64())));
        }
        std::thread::sleep(INTERVAL);
    }
}
