//! Settings that are valid and still unwise: values against each other, and against the API that they lead to.

use std::net::IpAddr;
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::finding::{Finding, Level};
use crate::error::Result;
use crate::settings::duration::show;
use crate::settings::{Environ, Layers, Sections, Settings};

const SETTINGS: &str = "settings";
const IDENTITY: &str = "identity";

/// How long the API is sure to know an idempotency key.
const KEY_LIFE: Duration = Duration::from_hours(24);

/// What the settings lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Made-up customers: a simulator on this machine, or the sandbox.
    Play,
    /// Real ones, as far as can be told.
    Real,
}

/// Looks at settings that have been loaded, which already says that they are valid.
pub(super) fn check(settings: &Settings) -> Result<Vec<Finding>> {
    let defaults = Layers::collect(None, &Environ::default())?.typed()?;
    Ok(judge(&settings.sections, &defaults))
}

fn judge(sections: &Sections, defaults: &Sections) -> Vec<Finding> {
    let base_url = sections.api().base_url;
    let sandbox = base_url == defaults.api().base_url;
    let reach = if sandbox || is_loopback(&base_url) { Reach::Play } else { Reach::Real };
    let mut findings = vec![secret(sections, defaults, reach)];
    findings.extend(key_window(sections));
    if reach == Reach::Real {
        findings.extend(entity(sections, defaults));
        findings.extend(relative_store(sections));
    }
    if findings.iter().all(|finding| finding.check != SETTINGS) {
        let why = "a wrong value would show only once customers are under way";
        findings.insert(0, Finding::ok(SETTINGS, "every value is valid and fits the others", why));
    }
    findings
}

fn secret(sections: &Sections, defaults: &Sections, reach: Reach) -> Finding {
    if sections.identity.secret.expose_secret() != defaults.identity.secret.expose_secret() {
        let why = "customers' identities are computed under it";
        return Finding::ok(IDENTITY, "identity.secret is one of your own", why);
    }
    let level = match reach {
        Reach::Play => Level::Warning,
        Reach::Real => Level::Problem,
    };
    Finding {
        level,
        ..Finding::warning(
            IDENTITY,
            "identity.secret is the default, which everybody knows",
            "identities and idempotency keys are computed under it, so anybody could compute them, and it cannot be \
             changed once there are customers",
            "before the first customer set GANGWAY__IDENTITY__SECRET, e.g. to the output of `openssl rand -hex 32`, and \
             keep a copy of it",
        )
    }
}

fn key_window(sections: &Sections) -> Option<Finding> {
    let window = sections.create.key_window;
    (window >= KEY_LIFE).then(|| {
        Finding::warning(
            SETTINGS,
            format!("create.key_window is {}", show(window)),
            "the API may forget an idempotency key after a day, and a create repeated later could make a second customer",
            "set create.key_window below 24h, e.g. GANGWAY__CREATE__KEY_WINDOW=20h",
        )
    })
}

fn entity(sections: &Sections, defaults: &Sections) -> Option<Finding> {
    (sections.api.entity.trim() == defaults.api.entity).then(|| {
        Finding::warning(
            SETTINGS,
            "api.entity is the default",
            "it is part of every customer's identity and cannot be changed once there are customers",
            "before the first customer set GANGWAY__API__ENTITY to your name for your account",
        )
    })
}

fn relative_store(sections: &Sections) -> Option<Finding> {
    let path = super::disk::path(&sections.store.url)?;
    path.is_relative().then(|| {
        Finding::warning(
            SETTINGS,
            format!("store.url names {} relative to the working folder", path.display()),
            "started in another folder, gangway would make another store, which knows none of the customers",
            "set store.url to a full path, e.g. GANGWAY__STORE__URL=sqlite:/var/lib/gangway/gangway.db",
        )
    })
}

/// Whether a checked base URL stays on this machine.
fn is_loopback(base_url: &str) -> bool {
    let rest = base_url.split_once("://").map_or(base_url, |(_scheme, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next(),
        None => authority.split(':').next(),
    };
    let host = host.unwrap_or_default().to_lowercase();
    let named = host == "localhost" || host.ends_with(".localhost");
    named || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> Sections {
        Layers::collect(None, &Environ::default()).unwrap().typed().unwrap()
    }

    fn levels(change: impl FnOnce(&mut Sections)) -> Vec<(&'static str, Level)> {
        let mut sections = defaults();
        change(&mut sections);
        judge(&sections, &defaults()).iter().map(|finding| (finding.check, finding.level)).collect()
    }

    #[test]
    fn the_default_secret_is_fit_to_play_with_and_no_more() {
        assert_eq!(levels(|_| {}), [(SETTINGS, Level::Ok), (IDENTITY, Level::Warning)]);
        let real = levels(|s| s.api.base_url = "https://api.1money.com/".to_owned());
        assert_eq!(real[0], (IDENTITY, Level::Problem));
        let own = levels(|s| s.identity.secret = "one of our own".into());
        assert_eq!(own, [(SETTINGS, Level::Ok), (IDENTITY, Level::Ok)]);
    }

    #[test]
    fn what_cannot_be_changed_later_is_said_before() {
        let real = |s: &mut Sections| {
            s.api.base_url = "https://api.1money.com".to_owned();
            s.identity.secret = "one of our own".into();
        };
        let warning = (SETTINGS, Level::Warning);
        assert_eq!(levels(real), [(IDENTITY, Level::Ok), warning, warning]);
        let named = levels(|s| {
            real(s);
            s.api.entity = "acme".to_owned();
            s.store.url = "sqlite:/var/lib/gangway.db".to_owned();
        });
        assert_eq!(named, [(SETTINGS, Level::Ok), (IDENTITY, Level::Ok)]);
        assert!(levels(|s| s.create.key_window = KEY_LIFE).contains(&warning));
    }

    #[test]
    fn a_loopback_address_is_known_by_its_host() {
        for here in
            ["http://127.0.0.1:8080", "http://[::1]:80/x", "https://LOCALHOST", "http://sim.localhost"]
        {
            assert!(is_loopback(here), "{here}");
        }
        for elsewhere in ["https://api.1money.com", "https://localhost.evil.example", "https://10.0.0.1:8080"]
        {
            assert!(!is_loopback(elsewhere), "{elsewhere}");
        }
    }
}
