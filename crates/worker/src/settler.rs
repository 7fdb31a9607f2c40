//! Writes the ends of attempts: many handlers' settles travel in one call, and each is sent until the store answers.
//!
//! Sending one again is safe: a settle whose reply was lost answers `already`. An attempt's slot travels with its end and
//! is free again when that is written: so what waits here is bounded, and no call is made whose end cannot be written.
//! A few calls are under way at once, so that the store decides on one batch while it writes the one before.

use std::sync::Arc;

use gangway_faultpoint::{Point, pass};
use gangway_jobs::outcome::{Settled, Settlement};
use gangway_store::{Release, SharedStore};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::give_up::GiveUp;
use crate::leases::Held;
use crate::outage::Outage;
use crate::stats::Stats;

/// So many ends travel in one call at most.
const BATCH: usize = 256;

/// So many calls are under way at most.
const CALLS: usize = 3;

/// The end of one lease.
#[derive(Debug)]
pub(crate) enum End {
    /// The attempt ended.
    Settle(Box<Settlement>),
    /// The lease is given back before its end.
    Release(Release),
}

type Slot = Option<OwnedSemaphorePermit>;

/// Where ends are handed in. Never blocks: the number of slots bounds what can wait here.
#[derive(Clone, Debug)]
pub(crate) struct Settler(UnboundedSender<(End, Slot)>);

impl Settler {
    /// Hands an end in, with the slot that becomes free by it.
    pub(crate) fn hand_in(&self, end: End, slot: Slot) {
        if self.0.send((end, slot)).is_err() {
            // Only after a fatal fault of the store: the lease runs out and is taken back.
            tracing::warn!("an attempt's end could not be written; its lease will run out");
        }
    }
}

/// Makes a settler and the task behind it. The task ends when every [`Settler`] is gone and all is written, or when the
/// store failed for good.
pub(crate) fn start(
    store: SharedStore,
    held: Arc<Held>,
    stats: Arc<Stats>,
    give_up: Arc<GiveUp>,
) -> (Settler, tokio::task::JoinHandle<()>) {
    let (sender, receiver) = unbounded_channel();
    let writer = Arc::new(Writer { store, held, stats, give_up });
    (Settler(sender), tokio::spawn(writer.write_all(receiver)))
}

struct Writer {
    store: SharedStore,
    held: Arc<Held>,
    stats: Arc<Stats>,
    give_up: Arc<GiveUp>,
}

impl Writer {
    async fn write_all(self: Arc<Self>, mut receiver: UnboundedReceiver<(End, Slot)>) {
        let mut under_way = JoinSet::new();
        let mut ends = Vec::with_capacity(BATCH);
        loop {
            let is_whole = ends.len() == BATCH;
            if under_way.is_empty() && !ends.is_empty() || is_whole && under_way.len() < CALLS {
                let batch = std::mem::replace(&mut ends, Vec::with_capacity(BATCH));
                under_way.spawn(Arc::clone(&self).write(batch));
            }
            let room = BATCH - ends.len();
            tokio::select! {
                taken = receiver.recv_many(&mut ends, room), if room > 0 => if taken == 0 { break },
                // Whatever it came to is told where it happened.
                Some(_) = under_way.join_next() => {}
            }
            if self.give_up.is_raised() {
                return while under_way.join_next().await.is_some() {};
            }
        }
        under_way.spawn(Arc::clone(&self).write(ends));
        while under_way.join_next().await.is_some() {}
    }

    async fn write(self: Arc<Self>, ends: Vec<(End, Slot)>) {
        let (mut settlements, mut releases, mut slots) = (Vec::new(), Vec::new(), Vec::new());
        for (end, slot) in ends {
            slots.extend(slot);
            match end {
                End::Settle(settlement) => settlements.push(*settlement),
                End::Release(release) => releases.push(release),
            }
        }
        if self.settle(settlements).await.is_some() {
            self.release(releases).await;
        }
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Option<()> {
        if settlements.is_empty() {
            return Some(());
        }
        pass(Point::SettleBegun);
        let answers = self.insist("settle", || self.store.settle(settlements.clone())).await?;
        pass(Point::SettleAnswered);
        for (settlement, answer) in settlements.iter().zip(answers) {
            if answer == Settled::LeaseLost {
                self.stats.lost();
                tracing::warn!(job.id = %settlement.job, "lease lost: the attempt's end was refused");
            }
            self.held.remove(settlement.job, settlement.token);
        }
        Some(())
    }

    async fn release(&self, releases: Vec<Release>) -> Option<()> {
        if releases.is_empty() {
            return Some(());
        }
        self.insist("release", || self.store.release(releases.clone())).await?;
        for release in releases {
            self.held.remove(release.job, release.token);
        }
        Some(())
    }

    /// Tries until the store answers. `None`: it failed for good.
    async fn insist<T, F: Future<Output = gangway_store::Result<T>>>(
        &self,
        action: &'static str,
        attempt: impl Fn() -> F,
    ) -> Option<T> {
        let mut outage = Outage::new(action);
        loop {
            match attempt().await {
                Ok(answer) => {
                    outage.over();
                    return Some(answer);
                }
                Err(error) if error.is_transient() && !self.give_up.is_raised() => {
                    outage.report(&error);
                    tokio::time::sleep(outage.pause()).await;
                }
                Err(error) => {
                    self.give_up.raise(action, error);
                    return None;
                }
            }
        }
    }
}
