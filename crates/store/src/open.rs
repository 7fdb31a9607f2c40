//! From a url to a store.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use gangway_jobs::clock::Clock;

use crate::redis::{RedisConfig, RedisStore};
use crate::sqlite::{OpenOptions, Place, SqliteStore};
use crate::{Error, Mode, Policies, Result, SharedStore};

/// Where a store is, and how to reach it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// `sqlite:PATH`; `sqlite::memory:` for one that ends with the process; `redis://`, `rediss://`, `unix:` or one of the
    /// other forms of [`mod@crate::redis`].
    pub url: String,
    /// For a Redis store.
    pub redis: RedisConfig,
}

/// Of a server's url nothing but its form: a password that is not percent-encoded can stand anywhere in it.
impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.url.split_once("://").map_or("", |(scheme, _)| scheme);
        let url = if self.is_embedded() { self.url.clone() } else { format!("{scheme}://…") };
        f.debug_struct("StoreConfig").field("url", &url).field("redis", &self.redis).finish()
    }
}

impl StoreConfig {
    /// The store at that url, everything else as usual.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), redis: RedisConfig::default() }
    }

    /// Whether it is an embedded store.
    pub fn is_embedded(&self) -> bool {
        self.url.starts_with("sqlite:")
    }
}

/// Opens a store. Waits for the server of a Redis store for as long as an answer may take, and for an embedded one for as
/// long as another process writes.
///
/// # Errors
/// The url names no kind of store; there is none and the mode makes none; it is something else, or made for something
/// else; the disk or the server refuses.
pub async fn open(
    config: &StoreConfig,
    mode: Mode,
    policies: Policies,
    clock: Arc<dyn Clock>,
) -> Result<SharedStore> {
    if !config.is_embedded() {
        return Ok(RedisStore::open(&config.url, &config.redis, mode, policies, clock).await?);
    }
    let place = place(&config.url)?;
    let open = move || SqliteStore::open(OpenOptions { place, mode, policies, clock });
    let opened = tokio::task::spawn_blocking(open).await;
    Ok(opened.unwrap_or_else(|died| std::panic::resume_unwind(died.into_panic()))?)
}

fn place(url: &str) -> Result<Place> {
    match url.strip_prefix("sqlite:") {
        Some(":memory:") => Ok(Place::Memory),
        Some(path) if !path.trim_start_matches('/').is_empty() => {
            Ok(Place::File(PathBuf::from(path.strip_prefix("//").unwrap_or(path))))
        }
        Some(_) | None => Err(Error::UnsupportedUrl { url: without_credentials(url) }),
    }
}

/// What stands between `://` and `@` is nobody's to see.
pub(crate) fn without_credentials(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => format!("{}…{}", &url[..scheme + 3], &url[at..]),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_file_or_memory() {
        for (url, path) in [
            ("sqlite:gangway.db", "gangway.db"),
            ("sqlite:/var/lib/g.db", "/var/lib/g.db"),
            ("sqlite:///var/lib/g.db", "/var/lib/g.db"),
            ("sqlite://g.db", "g.db"),
        ] {
            assert_eq!(place(url).unwrap(), Place::File(PathBuf::from(path)), "{url}");
        }
        assert_eq!(place("sqlite::memory:").unwrap(), Place::Memory);
    }

    #[test]
    fn a_config_shows_no_login() {
        for url in [
            "redis://secret:secret@host",
            "redis://:sec/secret@host",
            "unix:///run/r.sock?pass=secret",
            "redis:secret@host",
            "secret",
        ] {
            let shown = format!("{:?}", StoreConfig::new(url));
            assert!(!shown.contains("secret") && shown.contains("gangway"), "{shown}");
        }
        assert!(format!("{:?}", StoreConfig::new("sqlite:g.db")).contains("sqlite:g.db"));
    }

    #[test]
    fn another_url_is_refused_without_its_password() {
        for url in ["", "gangway.db", "sqlite:", "sqlite:///"] {
            assert!(place(url).is_err(), "{url}");
        }
        let message = place("redis://me:secret@host/0").unwrap_err().to_string();
        assert!(!message.contains("secret") && message.contains("@host"), "{message}");
    }
}
