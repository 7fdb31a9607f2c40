//! While a worker uses a store at a server: whether that server was changed so that it can lose jobs.

use std::collections::BTreeMap;
use std::time::Duration;

use gangway_store::redis::survey::{self, Duty, Finding, Level};
use gangway_store::{Error as StoreError, RedisConfig, SharedStore};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::JoinHandle;

use crate::settings::Settings;

/// Between two looks: a change is told of within half a minute.
const PAUSE: Duration = Duration::from_secs(20);

/// What would keep a worker from starting, by its name.
type Dangers = BTreeMap<&'static str, Finding>;

/// Where to look.
struct Place {
    url: SecretString,
    config: RedisConfig,
}

/// Looks every now and then, until the store is closed; `None` if the store is a file.
pub(crate) fn start(settings: &Settings, store: &SharedStore) -> Option<JoinHandle<()>> {
    let sections = &settings.sections;
    let place = Place { url: sections.store_url(), config: sections.redis_config() };
    survey::is_server(&sections.store.url).then(|| tokio::spawn(watch(place, SharedStore::clone(store))))
}

async fn watch(place: Place, store: SharedStore) {
    let mut known: Option<Dangers> = None;
    loop {
        match store.now().await {
            Ok(_there) => known = look(&place, known).await,
            Err(StoreError::Closed) => return,
            // The store's own connections tell of an outage; another one would tell of it twice.
            Err(_away) => {}
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The first look has nothing before it: what it finds was accepted at the start. Each look has a connection of its own: one
/// that is kept would find out only here that the server was away meanwhile, and tell of an outage that is over.
async fn look(place: &Place, known: Option<Dangers>) -> Option<Dangers> {
    let Ok(surveyed) = survey::survey(place.url.expose_secret(), &place.config).await else { return known };
    let found = dangers(survey::judge(&surveyed, Duty::Work));
    if let Some(known) = known {
        tell(&known, &found);
    }
    Some(found)
}

fn dangers(findings: Vec<Finding>) -> Dangers {
    let dangers = findings.into_iter().filter(|finding| finding.level >= Level::Loses);
    dangers.map(|finding| (finding.name, finding)).collect()
}

fn tell(before: &Dangers, now: &Dangers) {
    for finding in appeared(before, now) {
        let (check, told, mend) = (finding.name, &finding.told, finding.mend.as_deref().unwrap_or_default());
        tracing::error!(check, told, mend, "the store's server has changed and can lose jobs or not work");
    }
    for finding in appeared(now, before) {
        tracing::info!(check = finding.name, "the store's server is mended");
    }
}

fn appeared<'a>(before: &Dangers, now: &'a Dangers) -> Vec<&'a Finding> {
    now.values().filter(|finding| !before.contains_key(finding.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(name: &'static str, level: Level) -> Finding {
        Finding { name, level, told: String::new(), why: "", mend: None }
    }

    #[test]
    fn a_danger_is_told_of_when_it_comes_and_when_it_goes() {
        let before = dangers(vec![finding("a", Level::Loses), finding("b", Level::Warning)]);
        let now =
            dangers(vec![finding("a", Level::Broken), finding("b", Level::Loses), finding("c", Level::Note)]);
        let names = |found: Vec<&Finding>| found.iter().map(|finding| finding.name).collect::<Vec<_>>();
        assert_eq!(names(appeared(&before, &now)), ["b"]);
        assert_eq!(names(appeared(&now, &before)), Vec::<&str>::new());
        assert_eq!(names(appeared(&now, &Dangers::new())), Vec::<&str>::new());
        assert_eq!(names(appeared(&Dangers::new(), &now)), ["a", "b"]);
    }
}
