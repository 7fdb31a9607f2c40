//! `gangway prune`.

use std::time::Duration;

use gangway_store::MAX_BATCH;
use serde_json::json;

use crate::context::Context;
use crate::error::Result;
use crate::output::Ending;
use crate::output::table::number;
use crate::settings::duration;
use crate::wiring::store::{self, Purpose};

/// A worker does this by itself; here it can be done now, or with other ages.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gangway prune --records 7d --events 1d")]
pub(crate) struct Args {
    /// Prune onboardings that ended so long ago [default: records.retention]
    #[arg(long, value_name = "AGE", value_parser = duration::parse)]
    records: Option<Duration>,
    /// Delete events so old that every group has acknowledged [default: outbox.retention]
    #[arg(long, value_name = "AGE", value_parser = duration::parse)]
    events: Option<Duration>,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Ending> {
    let sections = &context.settings.sections;
    let store = store::open(&context.settings, Purpose::Visit).await?;
    let now = store.now().await?;
    let ended_before = now.before(args.records.unwrap_or(sections.records.retention));
    let older_than = now.before(args.events.unwrap_or(sections.outbox.retention));
    let (mut records, mut events) = (0, 0);
    loop {
        let pruned = store.prune(ended_before, MAX_BATCH).await?;
        records += pruned;
        if pruned == 0 || context.stop.is_cancelled() {
            break;
        }
    }
    loop {
        let trimmed = store.trim(older_than, MAX_BATCH).await?;
        events += trimmed;
        if trimmed == 0 || context.stop.is_cancelled() {
            break;
        }
    }
    store.close().await;
    context.out.answer(&json!({ "records": records, "events": events }), || {
        format!("{} records pruned, {} events deleted\n", number(records as u64), number(events as u64))
    })?;
    Ok(Ending::Well)
}
