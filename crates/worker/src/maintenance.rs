//! What every worker process does beside its jobs; each of these is safe to run in many processes at once.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::outage::Outage;

pub(crate) mod heart;
pub(crate) mod pruner;
pub(crate) mod rescuer;

/// Does `work` again and again with `every` between, until `stop`; tells of a failing store once.
async fn repeat<F: Future<Output = gangway_store::Result<()>>>(
    action: &'static str,
    every: Duration,
    stop: &CancellationToken,
    mut work: impl FnMut() -> F,
) {
    let mut outage = Outage::new(action);
    loop {
        match work().await {
            Ok(()) => outage.over(),
            Err(error) => outage.report(&error),
        }
        if stop.run_until_cancelled(tokio::time::sleep(every)).await.is_none() {
            return;
        }
    }
}
