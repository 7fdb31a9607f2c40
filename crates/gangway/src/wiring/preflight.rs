//! Before a store at a server is used: whether that server would keep what it is given.
//!
//! A worker waits for a server that does not answer, because it will; an import tells the person in front of it. Both
//! refuse one that can lose jobs, unless `store.durability` says that it may.

use std::time::Duration;

use gangway_store::redis::survey::{self, Duty, Finding, Level, Survey, Surveyor};
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::settings::Settings;

/// Between two attempts of a worker; a server that is starting answers at once that it is.
const PAUSE: Duration = Duration::from_secs(1);

/// Looks at the server of the store, if it has one; changes nothing there.
///
/// # Errors
/// The server can lose jobs, cannot work, or does not answer (for a worker: refuses to).
pub(crate) async fn preflight(settings: &Settings, duty: Duty, stop: &CancellationToken) -> Result<()> {
    let sections = &settings.sections;
    if !survey::is_server(&sections.store.url) {
        return Ok(());
    }
    let surveyor = Surveyor::new(sections.store_url().expose_secret(), &sections.redis_config())?;
    let surveyed = stop.run_until_cancelled(reach(&surveyor, duty)).await;
    surveyor.close();
    let surveyed =
        surveyed.ok_or_else(|| Error::stopped("the store did not answer yet; nothing was done"))??;
    verdict(&surveyed, duty, sections.is_strict())
}

async fn reach(surveyor: &Surveyor, duty: Duty) -> Result<Survey> {
    loop {
        match surveyor.survey().await {
            // The link tells of the outage, once; here it would be told again and again.
            Err(error) if duty == Duty::Work && error.is_transient() => tokio::time::sleep(PAUSE).await,
            surveyed => return Ok(surveyed?),
        }
    }
}

fn verdict(surveyed: &Survey, duty: Duty, strict: bool) -> Result<()> {
    let findings = survey::judge(surveyed, duty);
    let least = if strict { Level::Loses } else { Level::Broken };
    let (refused, accepted): (Vec<_>, Vec<_>) =
        findings.into_iter().partition(|finding| finding.level >= least);
    if let Some(worst) = refused.iter().map(|finding| finding.level).max() {
        return Err(Error::Unfit {
            place: surveyed.place.clone(),
            findings: refused.iter().map(sentence).collect(),
            may_be_accepted: worst == Level::Loses,
        });
    }
    for Finding { name, level, told, mend, .. } in accepted {
        let mend = mend.unwrap_or_default();
        match level {
            Level::Loses => tracing::warn!(check = name, told, mend, "the store's server can lose jobs"),
            Level::Warning => tracing::warn!(check = name, told, mend, "the store's server could be better"),
            Level::Good | Level::Note | Level::Broken => tracing::debug!(check = name, told, "looked at"),
        }
    }
    Ok(())
}

fn sentence(finding: &Finding) -> String {
    let mend = finding.mend.as_ref().map_or(String::new(), |mend| format!(". Remedy: {mend}"));
    format!("{}: {}. Why it matters: {}{mend}", finding.name, finding.told, finding.why)
}
