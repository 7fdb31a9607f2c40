//! Onboarding links on the wire ([create onboarding link](https://developer.1money.com/reference/create_onboarding_link)).
//!
//! The URL lets its holder in, once, for 30 minutes: it is shown to nobody by accident.

use std::fmt;

use bytes::Bytes;
use gangway_jobs::clock::Timestamp;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;

use crate::config::Config;
use crate::moment::api_time;
use crate::text::Object;
use crate::wire::serialized;

/// The URL of an onboarding link. Printed by nothing; [`LinkUrl::expose`] shows it on purpose.
#[derive(Clone)]
pub struct LinkUrl(SecretString);

impl LinkUrl {
    /// Takes a URL as the API gave it.
    pub fn new(url: &str) -> Self {
        Self(url.into())
    }

    /// The URL, to be handed to the user it belongs to.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for LinkUrl {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for LinkUrl {}

impl fmt::Debug for LinkUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkUrl(…)")
    }
}

/// An onboarding link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where the user goes.
    pub url: LinkUrl,
    /// When it stops working, unless it is used before.
    pub expires_at: Timestamp,
}

#[derive(Serialize)]
struct LinkBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<&'a str>,
}

/// The bytes of a request for a link; `{}` if nothing is set, for the API wants an object.
pub(crate) fn link_body(config: &Config) -> Bytes {
    serialized(&LinkBody { redirect_url: config.redirect_url.as_deref(), locale: config.locale.as_deref() })
}

/// Reads a link. The URL is opaque, but a browser must be able to follow it.
pub(crate) fn link(body: &Object) -> Result<Link, &'static str> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let web = |url: &&str| Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "https" | "http"));
    Ok(Link {
        url: LinkUrl::new(
            text("onboarding_url").filter(web).ok_or("the answer has no usable onboarding_url")?,
        ),
        expires_at: text("expires_at").and_then(api_time).ok_or("the answer has no readable expires_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Link, &'static str> {
        link(&serde_json::from_str(body).unwrap())
    }

    #[test]
    fn a_link_is_read_and_never_printed() {
        let link = read(
            r#"{"grant_token":"tok_1","onboarding_url":"https://onboard.example/?token=tok_1",
                "expires_at":"2026-03-01T09:30:00+00:00","more":1}"#,
        )
        .unwrap();
        assert_eq!(link.url.expose(), "https://onboard.example/?token=tok_1");
        assert_eq!(link.expires_at.to_string(), "2026-03-01T09:30:00.000Z");
        assert!(!format!("{link:?}").contains("tok_1"));
    }

    #[test]
    fn half_a_link_is_none() {
        for body in [
            "{}",
            r#"{"onboarding_url":"https://onboard.example/"}"#,
            r#"{"onboarding_url":"https://onboard.example/","expires_at":"soon"}"#,
            r#"{"onboarding_url":"javascript:alert(1)","expires_at":"2026-03-01T09:30:00Z"}"#,
            r#"{"onboarding_url":7,"expires_at":"2026-03-01T09:30:00Z"}"#,
        ] {
            assert!(read(body).is_err(), "{body}");
        }
    }

    #[test]
    fn the_body_is_an_object_even_if_empty() {
        assert_eq!(link_body(&Config::default()), "{}");
        let config = Config {
            redirect_url: Some("https://partner.example/done".to_owned()),
            locale: Some("en-US".to_owned()),
            ..Config::default()
        };
        assert_eq!(link_body(&config), r#"{"redirect_url":"https://partner.example/done","locale":"en-US"}"#);
    }
}
