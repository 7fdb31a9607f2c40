//! Patience with a store that is busy.

use std::time::Duration;

use gangway_store::Result as StoreResult;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::Error;

/// The first wait, which doubles up to the last.
const FIRST: Duration = Duration::from_millis(50);
const LAST: Duration = Duration::from_secs(2);

/// Calls the store until it answers. Waits, and says so once, while it cannot; a cancelled import waits no longer, and
/// ends with what the store said last.
///
/// A call that failed may have been carried out: only what may be repeated is called like this.
pub(super) async fn steady<T, F>(
    action: &'static str,
    cancel: &CancellationToken,
    call: impl Fn() -> F + Send + Sync,
) -> Result<T, Error>
where
    F: Future<Output = StoreResult<T>> + Send,
{
    let (mut wait, mut waited) = (FIRST, false);
    loop {
        match call().await {
            Ok(answer) => {
                if waited {
                    info!(action, "store answers again");
                }
                return Ok(answer);
            }
            Err(error) if error.is_transient() && !cancel.is_cancelled() => {
                if !waited {
                    warn!(action, %error, "store is busy, import waits");
                }
                waited = true;
                // A cancel shortens the wait; the next failure is then the last.
                cancel.run_until_cancelled(tokio::time::sleep(wait)).await.unwrap_or_default();
                wait = (wait * 2).min(LAST);
            }
            Err(source) => return Err(Error::Store { action, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use gangway_store::Error as StoreError;

    use super::*;

    fn busy() -> StoreError {
        StoreError::Busy { path: "gangway.db".into(), seconds: 10 }
    }

    #[tokio::test]
    async fn a_busy_store_is_asked_again_and_any_other_error_ends_it() {
        let (calls, cancel) = (AtomicU32::new(0), CancellationToken::new());
        let answer = steady("test", &cancel, || async {
            if calls.fetch_add(1, Ordering::Relaxed) < 2 { Err(busy()) } else { Ok(7) }
        });
        assert_eq!(answer.await.unwrap(), 7);
        let closed = steady::<(), _>("test", &cancel, || async { Err(StoreError::Closed) }).await;
        assert!(matches!(closed, Err(Error::Store { source: StoreError::Closed, .. })));
    }

    #[tokio::test]
    async fn a_cancelled_import_does_not_wait_for_a_busy_store() {
        let cancel = CancellationToken::new();
        cancel.cancel();
        let error = steady::<(), _>("test", &cancel, || async { Err(busy()) }).await.unwrap_err();
        assert!(error.is_transient());
    }
}
