//! The store's own calls, without a worker: lease, decide, settle.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use gangway_jobs::id::{CustomerId, LeaseToken, WorkerId};
use gangway_jobs::job::LeasedJob;
use gangway_jobs::kind::Kind;
use gangway_jobs::outcome::{Settled, Settlement};
use gangway_store::{LeaseRequest, SharedStore, WorkerInfo};
use gangway_worker::Ended;
use uuid::Uuid;

use crate::Result;

/// One who leases and settles by hand.
#[derive(Clone, Debug)]
pub(crate) struct Driver {
    store: SharedStore,
    worker: WorkerId,
}

impl Driver {
    /// A registered one.
    pub(crate) async fn register(store: SharedStore) -> Result<Self> {
        let worker = WorkerId::mint();
        let patience = Duration::from_hours(1);
        store.register(WorkerInfo { id: worker, name: "bench".to_owned(), slots: 1, patience }).await?;
        Ok(Self { store, worker })
    }

    /// Leases up to `max` jobs; says how long that took.
    pub(crate) async fn lease(&self, kind: Kind, max: usize) -> Result<(Vec<LeasedJob>, Duration)> {
        let ask = LeaseRequest {
            kind,
            max,
            token: LeaseToken::mint(),
            worker: self.worker,
            credential: "bench".to_owned(),
            length: Duration::from_mins(10),
        };
        let begun = Instant::now();
        let jobs = self.store.lease(ask).await?.jobs;
        Ok((jobs, begun.elapsed()))
    }

    /// Settles the jobs as `decide` says.
    pub(crate) async fn settle(
        &self,
        jobs: &[LeasedJob],
        decide: impl Fn(&LeasedJob) -> Ended,
    ) -> Result<()> {
        let end = |job: &LeasedJob| {
            let Ended { outcome, signal } = decide(job);
            Settlement {
                job: job.id,
                token: job.token,
                worker: self.worker,
                credential: "bench".to_owned(),
                outcome,
                signal,
            }
        };
        let answers = self.store.settle(jobs.iter().map(end).collect()).await?;
        if answers.iter().any(|answer| *answer != Settled::Done) {
            return Err("a settle was refused".into());
        }
        Ok(())
    }

    /// Leases and settles `count` jobs of one kind, in `loops` loops at once, `batch` jobs a call.
    pub(crate) async fn drive(
        &self,
        kind: Kind,
        count: u32,
        batch: usize,
        loops: usize,
        decide: fn(&LeasedJob) -> Ended,
    ) -> Result<()> {
        let left = Arc::new(AtomicI64::new(count.into()));
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..loops {
            let (driver, left) = (self.clone(), Arc::clone(&left));
            running.spawn(async move {
                while left.load(Ordering::Relaxed) > 0 {
                    let (jobs, _took) = driver.lease(kind, batch).await?;
                    if jobs.is_empty() {
                        // The last of them are another loop's.
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        continue;
                    }
                    driver.settle(&jobs, decide).await?;
                    left.fetch_sub(i64::try_from(jobs.len())?, Ordering::Relaxed);
                }
                Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
            });
        }
        while let Some(ended) = running.join_next().await {
            ended??;
        }
        Ok(())
    }
}

/// The API's name for a customer, as it might be: the same for the same onboarding.
pub(crate) fn customer_of(job: &LeasedJob) -> Option<CustomerId> {
    CustomerId::parse(&Uuid::new_v5(job.id.onboarding.as_uuid(), b"customer").to_string())
}
