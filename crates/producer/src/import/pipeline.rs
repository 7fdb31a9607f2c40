//! The run itself: batch after batch to the store, a checkpoint behind each.

use std::time::Duration;

use gangway_faultpoint::{Point, pass};
use gangway_jobs::enqueue::Answer;
use gangway_jobs::event::Epoch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::ImportOptions;
use super::begin::begin;
use super::digest;
use super::input::Input;
use super::journal::{Books, Journal, blocking};
use super::rows::{Batch, End, Reading, Source};
use super::steady::steady;
use super::summary::{ImportSummary, Phase, Progress, Tally};
use crate::report::Report;
use crate::{Error, Producer};

/// What is told of the way.
pub(super) type Watch<'a> = &'a (dyn Fn(&Progress) + Send + Sync);

/// So often an import begins again because the store has lost it.
const LOSSES: usize = 5;

pub(super) async fn run(
    options: &ImportOptions,
    producer: &Producer,
    watch: Watch<'_>,
    cancel: &CancellationToken,
) -> Result<ImportSummary, Error> {
    for _ in 0..LOSSES {
        let life = life(producer, cancel).await?;
        match run_once(options, producer, watch, cancel).await {
            // Nobody has it: a failover or a restart took it with the store's last moments, and some of its rows too. What
            // came by stdin cannot be read a second time.
            Err(Error::TakenOver) if life != self::life(producer, cancel).await? && !options.is_stdin() => {
                warn!("the store was restored or replaced and has lost this import, which begins again");
            }
            ended => return ended,
        }
    }
    Err(Error::TakenOver)
}

/// Which life of the store this is: another one may lack what the one before was told last.
async fn life(producer: &Producer, cancel: &CancellationToken) -> Result<Epoch, Error> {
    let ask = || producer.store().stamp();
    steady("ask what the store is", cancel, ask).await.map(|stamp| stamp.epoch)
}

async fn run_once(
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

    let books = Books::take_up(&target, &begun)?;
    let resumed_at = Some(books.tally.rows).filter(|rows| *rows > 0);
    info!(import = %begun.import, rows = books.tally.rows, "import begins");
    let source = Source {
        input,
        options: options.clone(),
        identity: producer.identity().clone(),
        import: Some(begun.import),
        digest: Some(bytes),
        skip: books.tally.rows,
    };
    let journal = Journal { store, begun, cancel };
    let run = Run { journal, books, reading: Reading::start(source), watch, total };
    let (tally, finished) = run.go_through(options).await?;
    info!(import = %begun.import, rows = tally.rows, finished, "import ends");
    Ok(ImportSummary::new(tally, target.clone(), resumed_at, finished))
}

/// A run on its way.
struct Run<'a> {
    journal: Journal<'a>,
    books: Books,
    reading: Reading,
    watch: Watch<'a>,
    total: u64,
}

impl Run<'_> {
    /// Answers the sums, and whether they are those of the whole file.
    async fn go_through(mut self, options: &ImportOptions) -> Result<(Tally, bool), Error> {
        while let Some(batch) = self.next(options.patience / 3).await? {
            // The checkpoint of the batch before travels with this batch: one write of the store for both.
            let hand_in = hand_in(&self.journal, &batch);
            let (answers, ()) = tokio::try_join!(hand_in, self.journal.save(&mut self.books))?;
            pass(Point::ImportAccepted);
            self.books.enter(&batch, &answers)?;
            tell(self.watch, &self.books, batch.bytes, self.total);
        }
        if self.journal.cancel.is_cancelled() {
            self.journal.save(&mut self.books).await?;
            return Ok((self.books.tally, false));
        }
        self.finish(options).await
    }

    async fn finish(self, options: &ImportOptions) -> Result<(Tally, bool), Error> {
        let Self { journal, mut books, reading, .. } = self;
        let (target, import) = (options.report_path(), journal.begun.import);
        match reading.end().await {
            Ok(End { rows, changed: None }) => books.tally.check(rows)?,
            Ok(End { changed: Some(error), .. }) => {
                // Some of the rows were not of this file, so no checkpoint of it may stand.
                journal.end(books.tally, 0).await?;
                books.discard()?;
                return Err(error);
            }
            Err(error) => {
                if let Err(error) = journal.save(&mut books).await {
                    warn!(%error, "last rows are read again by the next run");
                }
                return Err(error);
            }
        }
        pass(Point::ReportBefore);
        let (tally, bytes) = books.finish().await?;
        pass(Point::ReportAfter);
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
                () = tokio::time::sleep(silence) => self.journal.save(&mut self.books).await?,
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

pub(super) fn tell(watch: Watch<'_>, books: &Books, bytes: u64, total_bytes: u64) {
    watch(&Progress { phase: Phase::Importing, tally: books.tally, bytes, total_bytes });
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
