//! A run without a store: what an import into an empty one would say.

use gangway_jobs::id::ImportId;
use gangway_jobs::identity::Identity;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::ImportOptions;
use super::input::Input;
use super::journal::{Books, blocking};
use super::pipeline::{Watch, tell};
use super::rows::{Reading, Source};
use super::summary::ImportSummary;
use crate::Error;
use crate::dedupe::Dedupe;
use crate::report::Report;

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
    let mut books = Books::new(Report::create(&target, ImportId::from_uuid(Uuid::nil()))?);
    let (options, identity) = (options.clone(), identity.clone());
    let mut dedupe = Dedupe::new(identity.clone());
    let mut reading =
        Reading::start(Source { input, options, identity, import: None, digest: None, skip: 0 });
    while let Some(Some(batch)) = cancel.run_until_cancelled(reading.next()).await {
        let answers: Vec<_> = batch.customers.iter().map(|new| dedupe.see_known(new)).collect();
        books.enter(&batch, &answers)?;
        tell(watch, &books, batch.bytes, total);
    }
    if cancel.is_cancelled() {
        let tally = books.tally;
        books.discard()?;
        return Ok(ImportSummary::new(tally, target, None, false));
    }
    books.tally.check(reading.end().await?.rows)?;
    let (tally, _bytes) = books.finish().await?;
    Ok(ImportSummary::new(tally, target, None, true))
}
