//! `gangway doctor`: whether a worker could run well here, and what would mend it if not.
//!
//! | module | looks at |
//! |---|---|
//! | [`advice`] | settings that are valid and still unwise |
//! | [`remote`] | the credential and the API |
//! | [`server`] | the server of a Redis store: what it could lose, and whether it can work |
//! | [`disk`] | the place of the store: folder, space, file system, permissions |
//! | [`kept`] | the store, and whether it is the one that is meant |
//! | [`waiting`] | what in it waits for a person |

mod advice;
mod disk;
mod finding;
mod kept;
mod remote;
mod server;
mod waiting;

use serde::Serialize;

use self::finding::{Finding, Level};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::Ending;
use crate::output::table::{Table, number};
use crate::settings::Settings;

/// Looks and changes nothing: three calls that read, and the store as it is found.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gangway doctor\n  \
                        gangway doctor --json | jq '.findings[] | select(.level != \"ok\")'\n\n\
                        Exit codes: 0 nothing stands in the way, 1 there is a problem, 2 it could not look.")]
pub(crate) struct Args {}

/// What was found, as programs get it.
#[derive(Debug, Serialize)]
struct Report {
    findings: Vec<Finding>,
    /// No problem; there may be warnings.
    ok: bool,
}

pub(crate) async fn run(_args: &Args, context: &Context) -> Result<Ending> {
    let looked = context.stop.run_until_cancelled(look(&context.settings)).await;
    let findings = looked.ok_or_else(|| Error::Stopped {
        what: "not everything was looked at".to_owned(),
        help: "nothing was changed; run it again",
    })??;
    let ok = findings.iter().all(|finding| finding.level != Level::Problem);
    let report = Report { findings, ok };
    context.out.answer(&report, || text(&report.findings))?;
    Ok(Ending::failed_if(!ok))
}

async fn look(settings: &Settings) -> Result<Vec<Finding>> {
    let mut findings = advice::check(settings)?;
    findings.extend(remote::check(settings).await);
    let server = server::check(settings).await;
    findings.extend(server.findings);
    if server.answers {
        findings.extend(kept::check(settings).await?);
    }
    Ok(findings)
}

/// One line a finding, and the sum.
fn text(findings: &[Finding]) -> String {
    let mut table = Table::new(&[]);
    for finding in findings {
        table.row([finding.level.as_str(), finding.check, &finding.sentence()]);
    }
    let count = |level| findings.iter().filter(|finding| finding.level == level).count() as u64;
    let sum = match (count(Level::Problem), count(Level::Warning)) {
        (0, 0) => "all well".to_owned(),
        (0, warnings) => format!("no problem; {}", counted(warnings, "warning")),
        (problems, 0) => counted(problems, "problem"),
        (problems, warnings) => {
            format!("{}, {}", counted(problems, "problem"), counted(warnings, "warning"))
        }
    };
    format!("{}\n{sum}\n", table.render())
}

/// `1 worker`, `2 workers`.
fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", number(count))
}
