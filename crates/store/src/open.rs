//! From a url to a store.

use std::path::PathBuf;
use std::sync::Arc;

use gangway_jobs::clock::Clock;

use crate::sqlite::{Mode, OpenOptions, Place, SqliteStore};
use crate::{Error, Policies, Result, SharedStore};

/// Opens the store at `url`: `sqlite:PATH`, or `sqlite::memory:` for one that ends with the process. Blocks for a moment.
///
/// # Errors
/// The url names no kind of store; there is none and the mode makes none; it is something else, or made for something
/// else; the disk refuses.
pub fn open(url: &str, mode: Mode, policies: Policies, clock: Arc<dyn Clock>) -> Result<SharedStore> {
    let place = place(url)?;
    Ok(SqliteStore::open(OpenOptions { place, mode, policies, clock })?)
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
fn without_credentials(url: &str) -> String {
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
    fn another_url_is_refused_without_its_password() {
        for url in ["", "gangway.db", "sqlite:", "sqlite:///"] {
            assert!(place(url).is_err(), "{url}");
        }
        let message = place("redis://me:secret@host/0").unwrap_err().to_string();
        assert!(!message.contains("secret") && message.contains("@host"), "{message}");
    }
}
