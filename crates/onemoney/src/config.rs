//! The client's settings: each with its default, checked before the first call.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::error::ConfigError;

/// How `customer_type` is spelled in a create.
///
/// The [reference page](https://developer.1money.com/reference/create_lightweight_customer) says `BUSINESS`, the
/// vendor's `OpenAPI` file says `Business`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerTypeSpelling {
    /// `BUSINESS`
    #[default]
    Upper,
    /// `Business`
    Pascal,
}

impl CustomerTypeSpelling {
    pub(crate) const fn business(self) -> &'static str {
        match self {
            Self::Upper => "BUSINESS",
            Self::Pascal => "Business",
        }
    }
}

/// The client's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the API is. The default is its sandbox, so that nobody meets production by accident.
    pub base_url: String,
    /// Takes `http://` to another machine, which sends the credential unencrypted. For test servers; the API's own hosts
    /// are refused all the same.
    pub allow_plain_http: bool,
    /// The longest one call may take, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// The longest that connecting may take; nothing has been sent by then.
    pub connect_timeout: Duration,
    /// The longest answer that is read, in bytes.
    pub max_body: usize,
    /// How `customer_type` is spelled.
    pub customer_type: CustomerTypeSpelling,
    /// What the client calls itself.
    pub user_agent: String,
    /// The longest wait taken from the API: a mistaken "come back tomorrow" must not stop the work for a day.
    pub max_wait: Duration,
    /// Where the user goes after the form; without it the API chooses.
    pub redirect_url: Option<String>,
    /// The language of the form, as `en-US`; without it the API chooses.
    pub locale: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base_url: "https://api.sandbox.1money.com".to_owned(),
            allow_plain_http: false,
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            max_body: 1024 * 1024,
            customer_type: CustomerTypeSpelling::default(),
            user_agent: concat!("gangway/", env!("CARGO_PKG_VERSION")).to_owned(),
            max_wait: Duration::from_mins(5),
            redirect_url: None,
            locale: None,
        }
    }
}

impl Config {
    /// Checks every setting.
    ///
    /// # Errors
    /// The first setting that cannot work, by name, with its remedy.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.base()?;
        self.check_times()?;
        require(self.max_body >= 1024, "api.max_body", "must be at least 1024 bytes")?;
        require(
            !self.user_agent.is_empty() && self.user_agent.chars().all(|c| matches!(c, ' '..='~')),
            "api.user_agent",
            "must be printable ASCII and not empty",
        )?;
        if let Some(url) = &self.redirect_url {
            let web = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
            require(web, "api.redirect_url", "must be a URL that begins with https:// (or http://)")?;
        }
        if let Some(locale) = &self.locale {
            let tag = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            let fits = (1..=35).contains(&locale.len()) && locale.chars().all(tag);
            require(fits, "api.locale", "must be a language tag such as en-US")?;
        }
        Ok(())
    }

    fn check_times(&self) -> Result<(), ConfigError> {
        require(!self.timeout.is_zero(), "api.timeout", "must be longer than zero")?;
        require(!self.connect_timeout.is_zero(), "api.connect_timeout", "must be longer than zero")?;
        require(
            self.connect_timeout <= self.timeout,
            "api.connect_timeout",
            "must not be longer than api.timeout, which contains it",
        )?;
        require(!self.max_wait.is_zero(), "api.max_wait", "must be longer than zero")
    }

    /// The base URL, checked.
    pub(crate) fn base(&self) -> Result<Base, ConfigError> {
        let fault = |problem| ConfigError::invalid("api.base_url", problem);
        let url = Url::parse(self.base_url.trim())
            .map_err(|_says_less| fault("is not a URL; write one such as https://api.sandbox.1money.com"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(fault("must begin with https:// (or with http:// for a simulator on this machine)"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(fault(
                "must not hold a user name or password; credentials are settings of their own",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(fault("must not hold a query (?…) or a fragment (#…)"));
        }
        let plain = url.scheme() == "http";
        if plain && is_the_api(&url) {
            return Err(fault("would send the credential unencrypted: the API is reached by https:// only"));
        }
        if plain && !self.allow_plain_http && !is_loopback(&url) {
            return Err(fault(
                "would send the credential unencrypted: use https://, or a loopback address such as \
                 http://127.0.0.1:8080 for a simulator (for test servers only there is api.allow_plain_http)",
            ));
        }
        Ok(Base { root: url, plain })
    }
}

/// A checked base URL.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    root: Url,
    /// Without TLS: on this machine, or to a test server.
    pub(crate) plain: bool,
}

impl Base {
    /// The URL of a path. A path of the base URL itself is a gateway's: sent in front, but no part of what is signed.
    pub(crate) fn url(&self, path: &str, query: &[(&str, String)]) -> Url {
        let mut url = self.root.clone();
        url.set_path(&format!("{}{path}", self.root.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

/// One of the API's own hosts, whose credentials are worth something whatever a setting says.
fn is_the_api(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    host == "1money.com" || host.ends_with(".1money.com")
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let named = host == "localhost" || host.ends_with(".localhost");
    named || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

fn require(holds: bool, setting: &'static str, problem: &'static str) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError::invalid(setting, problem)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(base_url: &str) -> Config {
        Config { base_url: base_url.to_owned(), ..Config::default() }
    }

    #[test]
    fn the_defaults_are_valid_and_meet_the_sandbox() {
        assert!(Config::default().validate().is_ok());
        let base = Config::default().base().unwrap();
        assert_eq!(base.url("/v1/customers", &[]).as_str(), "https://api.sandbox.1money.com/v1/customers");
    }

    #[test]
    fn a_path_stands_in_the_url_as_it_is_signed() {
        let base = at("https://gateway.example/onemoney/").base().unwrap();
        let url = base.url("/v1/customers/a:b..c_d-e.f", &[("kyb_status", "a b&c".to_owned())]);
        assert_eq!(
            url.as_str(),
            "https://gateway.example/onemoney/v1/customers/a:b..c_d-e.f?kyb_status=a+b%26c"
        );
    }

    #[test]
    fn a_base_url_is_https_or_stays_on_this_machine() {
        for good in [
            "https://api.1money.com",
            "https://gateway.example/onemoney/",
            "http://127.0.0.1:8080",
            "http://[::1]:8080/",
            "http://localhost:8080",
            "http://sim.localhost",
        ] {
            assert!(at(good).validate().is_ok(), "{good}");
        }
        for bad in [
            "",
            "api.1money.com",
            "ftp://api.1money.com",
            "http://api.1money.com",
            "http://localhost.evil.example",
            "http://10.0.0.1:8080",
            "https://key@api.1money.com",
            "https://u:p@api.1money.com",
            "https://api.1money.com?x=1",
            "https://api.1money.com/#top",
        ] {
            let error = at(bad).validate().unwrap_err().to_string();
            assert!(error.starts_with("api.base_url "), "{bad}: {error}");
        }
    }

    #[test]
    fn plain_http_to_another_machine_is_for_test_servers_that_are_allowed() {
        let refused = at("http://simulator:8080").validate().unwrap_err().to_string();
        assert!(refused.contains("for test servers only there is api.allow_plain_http"), "{refused}");
        let allowed = |base_url: &str| Config { allow_plain_http: true, ..at(base_url) };
        for good in [
            "http://simulator:8080",
            "http://10.0.0.1:8080",
            "http://1money.com.test",
            "https://api.1money.com",
        ] {
            assert!(allowed(good).validate().is_ok(), "{good}");
        }
        for bad in [
            "http://api.1money.com",
            "http://API.sandbox.1money.com.",
            "http://1money.com:8080",
            "http://u:p@simulator",
        ] {
            assert!(allowed(bad).validate().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_wrong_setting_is_called_by_its_name() {
        let ok = Config::default;
        let table = [
            ("api.timeout", Config { timeout: Duration::ZERO, ..ok() }),
            ("api.connect_timeout", Config { connect_timeout: Duration::ZERO, ..ok() }),
            ("api.connect_timeout", Config { connect_timeout: Duration::from_secs(31), ..ok() }),
            ("api.max_wait", Config { max_wait: Duration::ZERO, ..ok() }),
            ("api.max_body", Config { max_body: 10, ..ok() }),
            ("api.user_agent", Config { user_agent: "a\nb".to_owned(), ..ok() }),
            ("api.redirect_url", Config { redirect_url: Some("javascript:alert(1)".to_owned()), ..ok() }),
            ("api.locale", Config { locale: Some("en US".to_owned()), ..ok() }),
        ];
        for (setting, config) in table {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{setting} ")), "{setting}: {error}");
        }
    }
}
