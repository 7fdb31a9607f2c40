//! The first fault of the store that waiting does not mend: it ends the worker, and is what the worker ends with.

use std::sync::{Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::error::Error;

/// Raised once, by whichever task meets the fault first.
#[derive(Debug, Default)]
pub(crate) struct GiveUp {
    raised: CancellationToken,
    reason: Mutex<Option<Error>>,
}

impl GiveUp {
    /// The store failed for good while somebody tried to do `action`.
    pub(crate) fn raise(&self, action: &'static str, source: gangway_store::Error) {
        let mut reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_raised() {
            tracing::error!(action, error = %source, "the store failed for good; the worker ends");
            *reason = Some(Error::Store { action, source });
            self.raised.cancel();
        }
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.raised.is_cancelled()
    }

    /// Returns when it is raised.
    pub(crate) async fn raised(&self) {
        self.raised.cancelled().await;
    }

    /// Why, for the one who asks first.
    pub(crate) fn take(&self) -> Option<Error> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
