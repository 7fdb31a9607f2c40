//! The run itself: batch after batch to the store, a checkpoint behind each.

use std::time::Duration;

use gangway_jobs::enqueue::Answer;
use gangway_jobs::id::ImportId;
use gangway_jobs::identity::Identity;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use super::ImportOptions;
use super::begin::begin;
use super::digest;
use super::input::Input;
use super::journal::{Journal, Ledger, blocking};
use super::rows::{Batch, End, Reading, Source};
use super::steady::steady;
use super::summary::{ImportSummary, Phase, Progress, Tally};
use crate::dedupe::Dedupe;
use crate::report::Report;
use crate::{Error, Producer};

/// What is told of the way.
pub(super) type Watch<'a> = &'a (dyn Fn(&Progress) + Send + Sync);

pub(super) async fn run(
    options: &ImportOptions,
    producer: &Producer,
    watch: Watch<'_>,
    cancel: &CancellationToken,
) -> Result<ImportSummary, Error> {
    producer.check().await?;
    let target = options.report_path();
    let unfinished = |tally| ImportSummary::new(tally, target.clone(), None, false);
    let told =
        |phase, total_bytes| watch(&Progress { phase, tally: Tally::default(), bytes: 0, total_bytes });

    told(Phase::Opening, 0);
    let (input, bytes) = open_and_digest(options).await?;
    let total = input.bytes();
    let digest = digest::of_import(bytes, options, producer.identity().entity());
    let waiting = || told(Phase::Waiting, total);
    let store = producer.store();
    let Some(begun) = begin(store, &digest, &input.name, options.patience, waiting, cancel).await? else {
        return Ok(unfinished(Tally::default()));
    };

    let ledger = Ledger::take_up(&target, &begun)?;
    let resumed_at = Some(ledger.tally.rows).filter(|rows| *rows > 0);
    info!(import = %begun.import, rows = ledger.tally.rows, "import begins");
    let source = Source {
        input,
        options: options.clone(),
        identity: producer.identity().clone(),
        import: Some(begun.import),
        digest: Some(bytes),
        skip: ledger.tally.rows,
    };
    let journal = Journal { store, begun, cancel };
    let run = Run { journal, ledger, reading: Reading::start(source), watch, total };
    let (tally, finished) = run.to_the_end(options).await?;
    info!(import = %begun.import, rows = tally.rows, finished, "import ends");
    Ok(ImportSummary::new(tally, target.clone(), resumed_at, finished))
}

/// A run on its way.
struct Run<'a> {
    journal: Journal<'a>,
    ledger: Ledger,
    reading: Reading,
    watch: Watch<'a>,
    total: u64,
}

impl Run<'_> {
    /// Answers the sums, and whether they are those of the whole file.
    async fn to_the_end(mut self, options: &ImportOptions) -> Result<(Tally, bool), Error> {
        while let Some(batch) = self.next(options.patience / 3).await? {
            // The checkpoint of the batch before travels with this batch: one write of the store for both.
            let hand_in = hand_in(&self.journal, &batch);
            let (answers, ()) = tokio::try_join!(hand_in, self.journal.save(&mut self.ledger))?;
            self.ledger.enter(&batch, &answers)?;
            tell(self.watch, &self.ledger, batch.bytes, self.total);
        }
        if self.journal.cancel.is_cancelled() {
            self.journal.save(&mut self.ledger).await?;
            return Ok((self.ledger.tally, false));
        }
        self.finish(options).await
    }

    async fn finish(self, options: &ImportOptions) -> Result<(Tally, bool), Error> {
        let Self { journal, mut ledger, reading, .. } = self;
        let (target, import) = (options.report_path(), journal.begun.import);
        match reading.end().await {
            Ok(End { rows, changed: None }) => ledger.tally.check(rows)?,
            Ok(End { changed: Some(error), .. }) => {
                // Some of the rows were not of this file, so no checkpoint of it may stand.
                journal.end(ledger.tally, 0).await?;
                ledger.discard()?;
                return Err(error);
            }
            Err(error) => {
                journal.save(&mut ledger).await?;
                return Err(error);
            }
        }
        let (tally, bytes) = ledger.finish().await?;
        if let Err(error) = blocking(move || Report::sweep(&target, import)).await {
            warn!(%error, "partial report of an earlier run is left");
        }
        // The very last: killed before, the next run makes the same report again; killed behind, it is all done.
        journal.end(tally, bytes).await?;
        Ok((tally, true))
    }

    /// The next batch; `None` at the end of the file, and when cancelled. Says now and then that this run lives.
    async fn next(&mut self, silence: Duration) -> Result<Option<Batch>, Error> {
        loop {
            tokio::select! {
                biased;
                () = self.journal.cancel.cancelled() => return Ok(None),
                batch = self.reading.next() => return Ok(batch),
                () = tokio::time::sleep(silence) => self.journal.save(&mut self.ledger).await?,
            }
        }
    }
}

async fn hand_in(journal: &Journal<'_>, batch: &Batch) -> Result<Vec<Answer>, Error> {
    if batch.customers.is_empty() {
        return Ok(Vec::new());
    }
    let call = || journal.store.enqueue(batch.customers.clone());
    steady("hand customers to the store", journal.cancel, call).await
}

pub(super) async fn dry_run(
    options: &ImportOptions,
    identity: &Identity,
    watch: Watch<'_>,
    cancel: &CancellationToken,
) -> Result<ImportSummary, Error> {
    let target = options.report_path();
    let opening = options.clone();
    let input = blocking(move || Input::open(&opening)).await?;
    let total = input.bytes();
    // Always the same name, so that what a killed dry run left is used again.
    let mut ledger = Ledger::new(Report::create(&target, ImportId::from_uuid(Uuid::nil()))?);
    let (options, identity) = (options.clone(), identity.clone());
    let mut dedupe = Dedupe::new(identity.clone());
    let mut reading =
        Reading::start(Source { input, options, identity, import: None, digest: None, skip: 0 });
    while let Some(Some(batch)) = cancel.run_until_cancelled(reading.next()).await {
        let answers: Vec<_> = batch.customers.iter().map(|new| dedupe.see_known(new)).collect();
        ledger.enter(&batch, &answers)?;
        tell(watch, &ledger, batch.bytes, total);
    }
    if cancel.is_cancelled() {
        let tally = ledger.tally;
        ledger.discard()?;
        return Ok(ImportSummary::new(tally, target, None, false));
    }
    ledger.tally.check(reading.end().await?.rows)?;
    let (tally, _bytes) = ledger.finish().await?;
    Ok(ImportSummary::new(tally, target, None, true))
}

fn tell(watch: Watch<'_>, ledger: &Ledger, bytes: u64, total_bytes: u64) {
    watch(&Progress { phase: Phase::Importing, tally: ledger.tally, bytes, total_bytes });
}

async fn open_and_digest(options: &ImportOptions) -> Result<(Input, [u8; 32]), Error> {
    let options = options.clone();
    blocking(move || {
        let mut input = Input::open(&options)?;
        let digest = input.digest()?;
        Ok((input, digest))
    })
    .await
}
