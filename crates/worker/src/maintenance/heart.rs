//! The heartbeat: shows that this process lives, so that its leases are not taken for a dead one's.

use gangway_onemoney::Api;
use gangway_store::WorkerInfo;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::give_up::GiveUp;
use crate::leases::Held;

/// Beats until `stop`; registers again if the store has forgotten the worker. Learns the rate limit on the way.
pub(crate) async fn beat<A: Api>(
    context: &Context<A>,
    info: &WorkerInfo,
    held: &Held,
    give_up: &GiveUp,
    stop: CancellationToken,
) {
    super::repeat("beat", info.patience / 3, &stop, || async {
        let store = &context.store;
        let busy = u32::try_from(held.count()).unwrap_or(u32::MAX);
        let known = match store.beat(info.id, busy).await {
            // An idle worker, or one whose slots are all taken, learns it here first.
            Err(error) if !error.is_transient() => {
                give_up.raise("beat", error);
                return Ok(());
            }
            answer => answer?,
        };
        if !known {
            store.register(info.clone()).await?;
        }
        context.limit.learn(store.limits().await?);
        Ok(())
    })
    .await;
}
