//! The server of a Redis store: whether it is fit to keep one.

use gangway_store::redis::survey::{self, Duty, Level as Grade, Surveyor};
use secrecy::ExposeSecret as _;

use super::finding::{Finding, Level, told};
use crate::settings::Settings;

const SERVER: &str = "redis_server";

const WHY: &str = "workers wait until it answers: nobody comes aboard meanwhile";

/// What was found, and whether the store behind it can be looked at.
pub(super) struct Looked {
    pub(super) findings: Vec<Finding>,
    pub(super) answers: bool,
}

/// Looks at the server; at nothing if the store is a file.
pub(super) async fn check(settings: &Settings) -> Looked {
    if !survey::is_server(&settings.sections.store.url) {
        return Looked { findings: Vec::new(), answers: true };
    }
    match look(settings).await {
        Ok(findings) => Looked { findings, answers: true },
        Err(problem) => Looked { findings: vec![problem], answers: false },
    }
}

async fn look(settings: &Settings) -> Result<Vec<Finding>, Finding> {
    let sections = &settings.sections;
    let url = sections.store_url();
    let surveyor = Surveyor::new(url.expose_secret(), &sections.redis_config())
        .map_err(|error| Finding::problem(SERVER, told(&error), WHY, "mend that setting"))?;
    let surveyed = surveyor.survey().await;
    surveyor.close();
    let surveyed = surveyed.map_err(|error| silent(&error, &surveyor))?;
    let judged = survey::judge(&surveyed, Duty::TakeIn);
    Ok(judged.into_iter().map(|finding| graded(finding, sections.is_strict())).collect())
}

/// A server that cannot be reached, or that turns this user away.
fn silent(error: &gangway_store::Error, surveyor: &Surveyor) -> Finding {
    // The client library tells the same twice: as the error, and as its cause.
    let cause = std::error::Error::source(error).map_or(String::new(), |cause| format!(": {cause}"));
    let found = format!("{error}{cause}");
    let remedy = if error.is_transient() {
        format!("start the server, or check store.url and the network: {} must answer PONG", surveyor.ping())
    } else {
        "check the user in store.url and its password, there or in store.password_file; `ACL LIST` shows an administrator \
         which users the server knows"
            .to_owned()
    };
    Finding::problem(SERVER, found, WHY, remedy)
}

/// What loses jobs is a problem, unless somebody has said that it may.
fn graded(finding: survey::Finding, strict: bool) -> Finding {
    let level = match finding.level {
        Grade::Good => Level::Ok,
        Grade::Note => Level::Note,
        Grade::Loses if strict => Level::Problem,
        Grade::Warning | Grade::Loses => Level::Warning,
        Grade::Broken => Level::Problem,
    };
    let remedy = match finding.level {
        Grade::Loses if strict => finding.mend.map(|mend| {
            format!("{mend}; workers and imports refuse to start until then, unless store.durability is \"best-effort\"")
        }),
        Grade::Good | Grade::Note | Grade::Warning | Grade::Loses | Grade::Broken => finding.mend,
    };
    Finding { check: finding.name, level, found: finding.told, why: finding.why, remedy }
}
