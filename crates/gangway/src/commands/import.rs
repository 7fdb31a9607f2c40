//! `gangway import FILE`: rows in, refusals reported.

use std::sync::Arc;

use gangway_store::redis::survey::Duty;

use crate::context::Context;
use crate::error::Result;
use crate::output::Ending;
use crate::output::table::{Table, number};
use crate::wiring::preflight::preflight;
use crate::wiring::store::{self, Purpose};
use crate::wiring::take_in::{self, ReadingArgs, Summary};

/// Import may be repeated at will: a row that is there already is a duplicate, and nothing happens.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  gangway import customers.csv --dry-run     check every row, take nothing in\n  \
                  gangway import customers.csv               refused rows go to customers.refused.csv\n\n\
                  Exit code 1 if a row was refused or contradicts what is there; the good rows are in."
)]
pub(crate) struct Args {
    #[command(flatten)]
    reading: ReadingArgs,
    /// Check every row and compare the rows with each other, but take nothing in
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Ending> {
    let options = args.reading.options()?;
    let identity = context.settings.sections.identity();
    let summary = if args.dry_run {
        take_in::dry_run(&options, &identity, &context.bars, &context.stop).await?
    } else {
        preflight(&context.settings, Duty::TakeIn, &context.stop).await?;
        let store = store::open(&context.settings, Purpose::Work).await?;
        let summary =
            take_in::import(&options, Arc::clone(&store), identity, &context.bars, &context.stop).await;
        store.close().await;
        summary?
    };
    context.out.answer(&summary, || text(&summary, args.dry_run))?;
    Ok(Ending::failed_if(summary.some_failed()))
}

/// The closing table of an import.
pub(crate) fn text(summary: &Summary, dry_run: bool) -> String {
    let mut table = Table::new(&[0]);
    table.row([number(summary.rows), "rows".to_owned()]);
    let verb = if dry_run { "would be taken in" } else { "taken in" };
    table.row([number(summary.enqueued), verb.to_owned()]);
    for (count, what) in [
        (summary.duplicates, "duplicates: were there already"),
        (summary.revived, "revived: had ended without success, start again"),
        (summary.conflicts, "conflicts: contradict what is there, nothing changed"),
    ] {
        if count > 0 {
            table.row([number(count), what.to_owned()]);
        }
    }
    if summary.refused > 0 {
        table.row([number(summary.refused), "refused".to_owned()]);
    }
    if summary.some_failed() {
        format!("{}  see {}\n", table.render(), summary.report.display())
    } else {
        table.render()
    }
}
