//! The bounds of one call.

use crate::{Error, MAX_BATCH, Result};

/// Refuses a batch that no call takes.
pub(crate) const fn bounded(found: usize) -> Result<()> {
    if found > MAX_BATCH { Err(Error::BatchTooLarge { found, max: MAX_BATCH }) } else { Ok(()) }
}
