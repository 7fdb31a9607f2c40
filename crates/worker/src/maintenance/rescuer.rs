//! The rescuer: takes back leases that have run out.

use std::time::Duration;

use gangway_store::Store;
use tokio_util::sync::CancellationToken;

/// So many at a time.
const BATCH: usize = 500;

/// Looks for lost leases until `stop`.
pub(crate) async fn rescue(store: &dyn Store, every: Duration, stop: CancellationToken) {
    super::repeat("take leases back", every, &stop, || async {
        loop {
            let taken = store.take_back(BATCH).await?;
            if taken.jobs > 0 {
                tracing::warn!(
                    jobs = taken.jobs,
                    poisoned = taken.poisoned,
                    "took back leases that had run out"
                );
            }
            if !taken.more || taken.jobs == 0 {
                return Ok(());
            }
        }
    })
    .await;
}
