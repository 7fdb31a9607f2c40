//! Patience with the store, around the work: a fault that passes ends no worker.

use std::time::{Duration, Instant};

use gangway_store::Result as StoreResult;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};

/// Between two attempts. The store's own connections wait too, and tell of an outage.
const PAUSE: Duration = Duration::from_millis(500);

/// How long the last word of a worker may take: by then its work is done and written.
const LAST: Duration = Duration::from_secs(5);

/// Asks until the store answers, or refuses for good.
///
/// # Errors
/// `stop` came first, or the store refused.
pub(crate) async fn wait<T, F>(stop: &CancellationToken, ask: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = StoreResult<T>>,
{
    let asked = stop.run_until_cancelled(insist(None, ask)).await;
    Ok(asked.ok_or_else(|| Error::stopped("the store did not answer yet; nothing was done"))??)
}

/// The same for a last word, which is not waited for as long as an outage may last.
///
/// # Errors
/// The store did not answer in time, or refused.
pub(crate) async fn wait_briefly<T, F>(ask: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = StoreResult<T>>,
{
    Ok(insist(Some(Instant::now() + LAST), ask).await?)
}

async fn insist<T, F>(until: Option<Instant>, ask: impl Fn() -> F) -> StoreResult<T>
where
    F: Future<Output = StoreResult<T>>,
{
    loop {
        match ask().await {
            Err(error) if error.is_transient() && until.is_none_or(|until| Instant::now() < until) => {
                tracing::debug!(%error, "asked again");
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use gangway_store::Error as StoreError;

    use super::*;

    fn away() -> StoreError {
        StoreError::Unavailable {
            place: "redis://there".to_owned(),
            reason: "it closed the connection".to_owned(),
        }
    }

    /// A store that answers from the third question on.
    fn third(asked: &Cell<u32>) -> impl Future<Output = StoreResult<u32>> {
        asked.set(asked.get() + 1);
        std::future::ready(if asked.get() < 3 { Err(away()) } else { Ok(asked.get()) })
    }

    #[tokio::test]
    async fn a_fault_that_passes_is_waited_for_before_the_work_and_behind_it() {
        let asked = Cell::new(0);
        assert_eq!(wait(&CancellationToken::new(), || third(&asked)).await.unwrap(), 3);
        asked.set(0);
        assert_eq!(wait_briefly(|| third(&asked)).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn a_refusal_is_not_asked_again() {
        let (asked, stop) = (Cell::new(0), CancellationToken::new());
        let refused = wait::<(), _>(&stop, || async {
            asked.set(asked.get() + 1);
            Err(StoreError::Closed)
        });
        refused.await.unwrap_err();
        assert_eq!(asked.get(), 1);
    }

    #[tokio::test]
    async fn whoever_is_told_to_stop_waits_no_longer() {
        let stop = CancellationToken::new();
        let waiting = wait::<(), _>(&stop, || async { Err(away()) });
        let told = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            stop.cancel();
        };
        let (waited, ()) = tokio::join!(waiting, told);
        assert!(waited.unwrap_err().to_string().contains("stopped"));
    }
}
