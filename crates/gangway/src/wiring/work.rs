//! Working: a worker with a bar in front of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gangway_jobs::onboarding::Stage;
use gangway_onemoney::Client;
use gangway_store::{SharedStore, Status};
use gangway_worker::{Counts, Stats, Until, Worker};
use indicatif::{MultiProgress, ProgressBar};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::output::table::number;
use crate::progress;
use crate::settings::Settings;
use crate::settings::sections::Sections;
use crate::wiring::patience;

/// Between two looks at the sums for the bar.
const REDRAW: Duration = Duration::from_millis(500);

/// What a worker has done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Worked {
    /// Its counters.
    pub(crate) counts: Counts,
    /// How long it took.
    pub(crate) elapsed: Duration,
    /// Onboardings that became dead meanwhile.
    pub(crate) newly_dead: u64,
}

/// Works until `until` is reached or `stop` is cancelled.
pub(crate) async fn work(
    settings: &Settings,
    store: &SharedStore,
    api: Arc<Client>,
    until: Until,
    bars: &MultiProgress,
    stop: &CancellationToken,
) -> Result<Worked> {
    let begun = Instant::now();
    let before = patience::wait(stop, || store.status()).await?;
    let stats = Arc::new(Stats::default());
    let worker = Worker {
        store: Arc::clone(store),
        api,
        identity: settings.sections.identity(),
        config: config(&settings.sections),
        stats: Arc::clone(&stats),
        known: before.total(),
    };
    let drawn = stop.child_token();
    let drawing = (until != Until::Stopped && progress::is_watched())
        .then(|| tokio::spawn(draw(Arc::clone(store), Arc::clone(&stats), bars.clone(), drawn.clone())));
    let result = worker.run(until, stop.clone()).await;
    drawn.cancel();
    if let Some(Err(error)) = match drawing {
        Some(drawing) => Some(drawing.await),
        None => None,
    } {
        tracing::debug!(%error, "bar ended early");
    }
    result.map_err(Error::Worker)?;
    let newly_dead = dead(&patience::wait_briefly(|| store.status()).await?).saturating_sub(dead(&before));
    Ok(Worked { counts: stats.counts(), elapsed: begun.elapsed(), newly_dead })
}

/// The worker's configuration.
pub(crate) fn config(sections: &Sections) -> gangway_worker::Config {
    let worker = &sections.worker;
    gangway_worker::Config {
        concurrency: worker.concurrency,
        lease: worker.lease,
        grace: worker.grace,
        job_timeout: worker.job_timeout,
        settle_window: sections.create.settle_window,
        key_window: sections.create.key_window,
        retry: sections.retry_policy(),
        poll: sections.poll_policy(),
        phrases: sections.phrases(),
        rate: sections.rate_policy(),
        retention: sections.records.retention,
        outbox_retention: sections.outbox.retention,
        name: name(),
    }
}

/// The machine and the process, for people: in a container every worker is the first process, but the host has a name of its
/// own.
fn name() -> String {
    let pid = std::process::id();
    #[cfg(unix)]
    if let Ok(host) = rustix::system::uname().nodename().to_str()
        && !host.is_empty()
    {
        return format!("{host} pid {pid}");
    }
    format!("pid {pid}")
}

fn dead(status: &Status) -> u64 {
    status.by_stage.get(&Stage::Dead).copied().unwrap_or_default()
}

async fn draw(store: SharedStore, stats: Arc<Stats>, bars: MultiProgress, stop: CancellationToken) {
    let begun = Instant::now();
    let mut bar = None;
    loop {
        match store.status().await {
            Ok(sums) => {
                // Not before there is something to draw.
                let bar = bar.get_or_insert_with(|| progress::work(&bars, sums.total()));
                show(bar, &sums, stats.counts(), begun.elapsed());
            }
            Err(error) => tracing::debug!(%error, "no sums for the bar"),
        }
        if stop.run_until_cancelled(tokio::time::sleep(REDRAW)).await.is_none() {
            break;
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

fn show(bar: &ProgressBar, status: &Status, counts: Counts, elapsed: Duration) {
    bar.set_length(status.total());
    bar.set_position(status.total() - status.in_progress());
    let circuit = if status.circuit.0 == "closed" {
        String::new()
    } else {
        format!(", circuit {}: {}", status.circuit.0, status.circuit.1)
    };
    bar.set_message(format!(
        "{} jobs at {}, {} retries, {} buried{circuit}",
        number(counts.attempts),
        progress::rate(counts.attempts, elapsed),
        number(counts.retried),
        number(counts.buried),
    ));
}
