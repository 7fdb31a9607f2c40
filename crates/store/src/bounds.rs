//! The bounds of one call.

use gangway_jobs::limits::RatePolicy;

use crate::{Error, MAX_BATCH, Result};

/// Refuses a batch that no call takes.
pub(crate) const fn bounded(found: usize) -> Result<()> {
    if found > MAX_BATCH { Err(Error::BatchTooLarge { found, max: MAX_BATCH }) } else { Ok(()) }
}

/// Refuses a rate limit that no bucket can keep.
pub(crate) fn valid(limits: Option<&RatePolicy>) -> Result<()> {
    limits.map_or(Ok(()), RatePolicy::validate).map_err(|reason| Error::Setting { reason })
}
