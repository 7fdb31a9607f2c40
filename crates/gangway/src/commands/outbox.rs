//! `gangway outbox`: groups, reading, export.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;
use gangway_store::{GroupStart, MAX_BATCH, Position, ReadRequest, Store};
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::table::{Table, number};
use crate::output::{Ending, json as to_json};
use crate::wiring::store::{self, Purpose};
use crate::wiring::walk;

/// Results are `CloudEvents`, one JSON object a line. Each group reads every event at least once; an event's id names the
/// fact, so a repeat can be dropped.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gangway outbox group add billing\n  \
                        gangway outbox read --group billing --count 100 --ack\n  \
                        gangway outbox export > events.ndjson")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Register, remove and list consumer groups
    #[command(after_help = "Example:\n  gangway outbox group add billing --from now")]
    Group {
        #[command(subcommand)]
        action: GroupAction,
    },
    /// Read the oldest events that a group has not acknowledged
    Read(Read),
    /// Acknowledge events by the positions that `read` told
    #[command(after_help = "Example:\n  gangway outbox ack --group billing 17 18 19")]
    Ack {
        /// The group
        #[arg(long, default_value = "main")]
        group: String,
        /// The positions
        #[arg(required = true)]
        positions: Vec<Position>,
    },
    /// Write all events, whoever has read them
    #[command(after_help = "Example:\n  gangway outbox export --to events.ndjson")]
    Export {
        /// A file to write to instead of standard output
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum GroupAction {
    /// Register a group
    #[command(after_help = "Example:\n  gangway outbox group add billing")]
    Add {
        /// Its name
        group: String,
        /// Where it begins to read
        #[arg(long, value_enum, default_value_t = From::Beginning)]
        from: From,
    },
    /// Remove a group; its place is forgotten
    #[command(after_help = "Example:\n  gangway outbox group remove billing")]
    Remove {
        /// Its name
        group: String,
    },
    /// List the groups and how far behind each is
    #[command(after_help = "Example:\n  gangway outbox group list")]
    List,
}

/// Where a group begins.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum From {
    /// With the oldest event that is kept
    Beginning,
    /// With the next event
    Now,
}

/// Without --ack the same events are read again the next time; acknowledge them by their `position` with `outbox ack`
/// once they are dealt with.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gangway outbox read --group billing --count 100 --ack >> events.ndjson")]
struct Read {
    /// The group
    #[arg(long, default_value = "main")]
    group: String,
    /// At most so many
    #[arg(long, default_value_t = 100, value_name = "N")]
    count: usize,
    /// Acknowledge them once they have been written to standard output
    #[arg(long)]
    ack: bool,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Ending> {
    let store = store::open(&context.settings, Purpose::Visit).await?;
    let done = match &args.action {
        Action::Group { action } => group(action, &*store, context).await,
        Action::Read(read) => read_events(read, &*store, context).await,
        Action::Ack { group, positions } => ack(group, positions, &*store, context).await,
        Action::Export { to } => export(to.as_deref(), &*store, context).await,
    };
    store.close().await;
    done.map(|()| Ending::Well)
}

async fn group(action: &GroupAction, store: &dyn Store, context: &Context) -> Result<()> {
    match action {
        GroupAction::Add { group, from } => {
            if group.trim().is_empty() || group.chars().any(char::is_control) {
                return Err(Error::Usage {
                    problem: "a group needs a name".to_owned(),
                    help: "e.g. gangway outbox group add billing".to_owned(),
                });
            }
            let from = match from {
                From::Beginning => GroupStart::Beginning,
                From::Now => GroupStart::Now,
            };
            let new = store.group_add(group, from).await?;
            let text = if new { "registered" } else { "was registered already" };
            context.out.answer(&json!({ "group": group, "new": new }), || format!("{text}\n"))
        }
        GroupAction::Remove { group } => {
            let removed = store.group_remove(group).await?;
            let text = if removed { "removed" } else { "there was no such group" };
            context.out.answer(&json!({ "group": group, "removed": removed }), || format!("{text}\n"))
        }
        GroupAction::List => {
            let groups = store.status().await?.groups;
            context.out.answer(&json!({ "groups": groups }), || {
                let mut table = Table::new(&[1]);
                for (group, behind) in &groups {
                    table.row([group.clone(), number(*behind), "not acknowledged".to_owned()]);
                }
                table.render()
            })
        }
    }
}

async fn read_events(read: &Read, store: &dyn Store, context: &Context) -> Result<()> {
    // Claimed just long enough to be written: without --ack nothing of it shall be hidden from the next reader.
    let claim = if read.ack { Duration::from_mins(1) } else { Duration::ZERO };
    let (mut events, mut acknowledged) = (Vec::new(), 0);
    let mut left = read.count;
    while left > 0 {
        let ask = ReadRequest {
            group: read.group.clone(),
            consumer: format!("cli-{}", std::process::id()),
            count: left.min(MAX_BATCH),
            claim,
        };
        let page = store.read(ask).await?;
        let positions: Vec<Position> = page.iter().map(|(position, _)| *position).collect();
        left -= page.len().min(left);
        for (position, event) in page {
            let mut shown = event.to_cloud_event();
            shown["position"] = json!(position);
            if context.out.is_json() {
                events.push(shown);
            } else {
                context.out.line(&shown.to_string())?;
            }
        }
        if positions.is_empty() || !read.ack {
            break;
        }
        if context.out.is_json() {
            // The object must be out before anything is acknowledged; so one page is one object.
            context.out.answer(&json!({ "group": read.group, "events": events }), String::new)?;
            store.ack(&read.group, positions).await?;
            return Ok(());
        }
        acknowledged += store.ack(&read.group, positions).await?;
    }
    tracing::debug!(acknowledged, "events read");
    if context.out.is_json() {
        context.out.answer(&json!({ "group": read.group, "events": events }), String::new)?;
    }
    Ok(())
}

async fn ack(group: &str, positions: &[Position], store: &dyn Store, context: &Context) -> Result<()> {
    let mut acknowledged = 0;
    for some in positions.chunks(MAX_BATCH) {
        acknowledged += store.ack(group, some.to_vec()).await?;
    }
    context.out.answer(&json!({ "acknowledged": acknowledged }), || format!("{acknowledged} acknowledged\n"))
}

async fn export(to: Option<&Path>, store: &dyn Store, context: &Context) -> Result<()> {
    let mut count = 0_u64;
    if let Some(path) = to {
        let failed = |source| Error::file("write", path, source);
        let mut file = BufWriter::new(walk::private_file(path).map_err(failed)?);
        walk::events(store, Position::default(), |_position, event| {
            count += 1;
            writeln!(file, "{}", event.to_cloud_event()).map_err(failed)
        })
        .await?;
        file.into_inner().map_err(|error| failed(error.into_error()))?.sync_all().map_err(failed)?;
        return context
            .out
            .answer(&json!({ "events": count, "file": path }), || format!("{} events\n", number(count)));
    }
    let mut events: Vec<Value> = Vec::new();
    walk::events(store, Position::default(), |_position, event| {
        if context.out.is_json() {
            events.push(event.to_cloud_event());
            return Ok(());
        }
        context.out.line(&to_json(&event.to_cloud_event()))
    })
    .await?;
    if context.out.is_json() {
        context.out.answer(&json!({ "events": events }), String::new)?;
    }
    Ok(())
}
