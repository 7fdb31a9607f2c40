//! Writes the ends of attempts: many handlers' settles travel in one call, and each is sent until the store answers.
//!
//! Sending one again is safe: a settle whose reply was lost answers `already`.

use std::sync::Arc;

use gangway_jobs::outcome::{Settled, Settlement};
use gangway_store::{Release, SharedStore};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::leases::Held;
use crate::outage::Outage;
use crate::stats::Stats;

/// So many ends travel in one call at most.
const BATCH: usize = 512;

/// The end of one lease.
#[derive(Debug)]
pub(crate) enum End {
    /// The attempt ended.
    Settle(Box<Settlement>),
    /// The lease is given back before its end.
    Release(Release),
}

/// Where ends are handed in. Never blocks: the number of leases bounds what can wait here.
#[derive(Clone, Debug)]
pub(crate) struct Settler(UnboundedSender<End>);

impl Settler {
    pub(crate) fn hand_in(&self, end: End) {
        if self.0.send(end).is_err() {
            // Only after a fatal fault of the store: the lease runs out and is taken back.
            tracing::warn!("an attempt's end could not be written; its lease will run out");
        }
    }
}

/// Makes a settler and the task behind it. The task ends when every [`Settler`] is gone and all is written.
pub(crate) fn start(
    store: SharedStore,
    held: Arc<Held>,
    stats: Arc<Stats>,
    give_up: CancellationToken,
) -> (Settler, tokio::task::JoinHandle<Result<(), Error>>) {
    let (sender, receiver) = unbounded_channel();
    (Settler(sender), tokio::spawn(write_all(store, receiver, held, stats, give_up)))
}

async fn write_all(
    store: SharedStore,
    mut receiver: UnboundedReceiver<End>,
    held: Arc<Held>,
    stats: Arc<Stats>,
    give_up: CancellationToken,
) -> Result<(), Error> {
    let mut ends = Vec::with_capacity(BATCH);
    while receiver.recv_many(&mut ends, BATCH).await > 0 {
        let mut settlements = Vec::new();
        let mut releases = Vec::new();
        for end in ends.drain(..) {
            match end {
                End::Settle(settlement) => settlements.push(*settlement),
                End::Release(release) => releases.push(release),
            }
        }
        if let Err(error) = write(&store, settlements, releases, &held, &stats, &give_up).await {
            // Nobody may lease on a store that cannot be written.
            give_up.cancel();
            return Err(error);
        }
    }
    Ok(())
}

async fn write(
    store: &SharedStore,
    settlements: Vec<Settlement>,
    releases: Vec<Release>,
    held: &Held,
    stats: &Stats,
    give_up: &CancellationToken,
) -> Result<(), Error> {
    if !settlements.is_empty() {
        let answers = insist("settle", give_up, || store.settle(settlements.clone())).await?;
        for (settlement, answer) in settlements.iter().zip(answers) {
            if answer == Settled::LeaseLost {
                stats.lost();
                tracing::warn!(job.id = %settlement.job, "lease lost: the attempt's end was refused");
            }
            held.remove(settlement.job, settlement.token);
        }
    }
    if !releases.is_empty() {
        insist("release", give_up, || store.release(releases.clone())).await?;
        for release in releases {
            held.remove(release.job, release.token);
        }
    }
    Ok(())
}

/// Tries until the store answers. Ends early only on a fault that waiting does not mend.
async fn insist<T, F: Future<Output = gangway_store::Result<T>>>(
    action: &'static str,
    give_up: &CancellationToken,
    attempt: impl Fn() -> F,
) -> Result<T, Error> {
    let mut outage = Outage::new(action);
    loop {
        match attempt().await {
            Ok(answer) => {
                outage.over();
                return Ok(answer);
            }
            Err(error) if error.is_transient() && !give_up.is_cancelled() => {
                outage.report(&error);
                tokio::time::sleep(outage.pause()).await;
            }
            Err(source) => return Err(Error::Store { action, source }),
        }
    }
}
