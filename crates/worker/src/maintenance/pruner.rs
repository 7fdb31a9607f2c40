//! The pruner: turns old records into ledger rows and trims what every outbox group has acknowledged.

use std::time::Duration;

use gangway_store::Store;
use tokio_util::sync::CancellationToken;

/// So many at a time: one step never holds the store for long.
const BATCH: usize = 500;

/// Prunes until `stop`.
pub(crate) async fn prune(store: &dyn Store, retention: Duration, outbox: Duration, stop: CancellationToken) {
    const EVERY: Duration = Duration::from_mins(1);
    super::repeat("prune", EVERY, &stop, || async {
        let now = store.now().await?;
        while store.prune(now.before(retention), BATCH).await? == BATCH && !stop.is_cancelled() {}
        while store.trim(now.before(outbox), BATCH).await? == BATCH && !stop.is_cancelled() {}
        Ok(())
    })
    .await;
}
