//! `gangway config`: what is in force, and from where.

use std::collections::BTreeMap;

use serde_json::json;

use crate::context::Context;
use crate::error::Result;
use crate::output::table::Table;
use crate::output::{Ending, Output};
use crate::settings::credentials::Source;
use crate::settings::layers::DEFAULTS;

/// Secrets are never printed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  GANGWAY__API__TIMEOUT=10s gangway config\n  \
                        gangway config --defaults > config/production.toml")]
pub(crate) struct Args {
    /// Print the defaults with their meaning instead, as a file to start from
    #[arg(long)]
    pub(crate) defaults: bool,
}

/// Settings whose value is never shown.
const SECRET: [&str; 1] = ["identity.secret"];
const MASK: &str = "(secret)";

pub(crate) fn defaults(out: Output) -> Result<Ending> {
    out.answer(&json!({ "defaults": DEFAULTS }), || DEFAULTS.to_owned())?;
    Ok(Ending::Well)
}

pub(crate) fn run(_args: &Args, context: &Context) -> Result<Ending> {
    let mut values = BTreeMap::new();
    let mut table = Table::new(&[]);
    for (key, value, origin) in context.settings.layers.shown() {
        let value = if SECRET.contains(&key) { MASK.to_owned() } else { value };
        table.row([key, &format!("= {value}"), &format!("# {origin}")]);
        values.insert(key.to_owned(), json!({ "value": value, "origin": origin }));
    }
    let source = Source::new(&context.settings);
    let credential = match source.read() {
        Ok(credential) => format!("{} from {}", credential.fingerprint(), source.place()),
        Err(_missing) => "none".to_owned(),
    };
    table.row(["credential", &format!("= {credential}"), ""]);
    context.out.answer(&json!({ "settings": values, "credential": credential }), || table.render())?;
    Ok(Ending::Well)
}
