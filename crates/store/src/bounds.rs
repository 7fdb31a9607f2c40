//! The bounds of one call.

use std::time::Duration;

use gangway_jobs::limits::RatePolicy;

use crate::{Error, MAX_BATCH, Result};

/// When to ask again for jobs that the way back from an outage does not let through yet. The next success changes the circuit
/// and so wakes everybody; an end that is none does not.
pub(crate) const ON_THE_WAY_BACK: Duration = Duration::from_millis(50);

/// Refuses a batch that no call takes.
pub(crate) const fn bounded(found: usize) -> Result<()> {
    if found > MAX_BATCH { Err(Error::BatchTooLarge { found, max: MAX_BATCH }) } else { Ok(()) }
}

/// Refuses a rate limit that no bucket can keep.
pub(crate) fn valid(limits: Option<&RatePolicy>) -> Result<()> {
    limits.map_or(Ok(()), RatePolicy::validate).map_err(|reason| Error::Setting { reason })
}
