//! The store that a world lives on.

use std::path::Path;
use std::time::Duration;

use crate::redis::{self, Connection, Reply};
use crate::{Error, Result};

/// A kind of store, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A file in the world's folder.
    Sqlite,
    /// A server, by its url. Each world takes a namespace of its own there.
    Redis(String),
}

/// A store of one world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    Sqlite { file: std::path::PathBuf },
    Redis { url: String, namespace: String },
}

impl Backend {
    /// A new store, empty; `name` tells files apart.
    pub(crate) fn home(&self, folder: &Path, name: &str) -> Home {
        match self {
            Self::Sqlite => Home::Sqlite { file: folder.join(format!("{name}.db")) },
            Self::Redis(url) => Home::Redis { url: url.clone(), namespace: redis::namespace() },
        }
    }
}

impl Home {
    /// The settings that lead the program there.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Sqlite { file } => vec![("GANGWAY__STORE__URL", format!("sqlite:{}", file.display()))],
            Self::Redis { url, namespace } => {
                vec![("GANGWAY__STORE__URL", url.clone()), ("GANGWAY__STORE__NAMESPACE", namespace.clone())]
            }
        }
    }

    /// Deletes all that is in it, as if the disk were lost.
    pub(crate) fn lose(&self) -> Result<()> {
        match self {
            Self::Sqlite { file } => remove_files(file),
            Self::Redis { url, namespace } => remove_keys(url, namespace),
        }
    }
}

fn remove_files(file: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut path = file.as_os_str().to_owned();
        path.push(suffix);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::Io { action: format!("remove {}", Path::new(&path).display()), source });
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn remove_keys(url: &str, namespace: &str) -> Result<()> {
    let (password, port) = address(url).ok_or_else(|| {
        Error::Broken(format!("keys are lost on redis://127.0.0.1:PORT only, not on {url}"))
    })?;
    let mut connection = Connection::open(port, password, Duration::from_secs(10))?;
    let mut cursor = "0".to_owned();
    loop {
        let found =
            connection.command(&["SCAN", &cursor, "MATCH", &format!("{{{namespace}}}*"), "COUNT", "1000"])?;
        let [next, keys] = found.items() else {
            return Err(Error::Broken("redis answered a SCAN with something else".to_owned()));
        };
        // Not as text: a key may hold any bytes.
        let keys = keys.items().iter().filter_map(Reply::bytes);
        let words: Vec<&[u8]> = std::iter::once(&b"UNLINK"[..]).chain(keys).collect();
        if words.len() > 1 {
            connection.command_of_bytes(&words)?;
        }
        cursor = next.text();
        if cursor == "0" {
            return Ok(());
        }
    }
}

/// Password and port of a url as [`redis::Server::url`] writes it.
fn address(url: &str) -> Option<(Option<&str>, u16)> {
    let rest = url.strip_prefix("redis://")?;
    let (login, host) = rest.rsplit_once('@').map_or((None, rest), |(login, host)| (Some(login), host));
    let port = host.strip_prefix("127.0.0.1:")?.parse().ok()?;
    Some((login.and_then(|login| login.strip_prefix(':')), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_from_a_url() {
        assert_eq!(address("redis://127.0.0.1:11"), Some((None, 11)));
        assert_eq!(address("redis://:p@127.0.0.1:11"), Some((Some("p"), 11)));
        assert_eq!(address("redis+cluster://127.0.0.1:11"), None);
    }

    #[test]
    fn each_home_on_redis_has_a_namespace_of_its_own() {
        let backend = Backend::Redis("redis://127.0.0.1:11".to_owned());
        let (one, other) = (backend.home(Path::new("/w"), "a"), backend.home(Path::new("/w"), "a"));
        assert_ne!(one, other);
        let names: Vec<_> = one.settings().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["GANGWAY__STORE__URL", "GANGWAY__STORE__NAMESPACE"]);
    }

    #[test]
    fn a_home_on_sqlite_is_a_file_and_may_be_lost_twice() {
        let folder = tempfile::tempdir().unwrap();
        let home = Backend::Sqlite.home(folder.path(), "gangway");
        std::fs::write(folder.path().join("gangway.db-wal"), "x").unwrap();
        home.lose().unwrap();
        home.lose().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_home_on_redis_is_lost_alone() {
        let options = redis::Options { requirepass: Some("sesame".to_owned()), ..redis::Options::default() };
        let server = redis::Server::start(&options).unwrap();
        let backend = Backend::Redis(server.url());
        let [lost, kept] = [(); 2].map(|()| backend.home(Path::new("/w"), "a"));
        for home in [&lost, &kept] {
            let namespace = &home.settings()[1].1;
            for number in 0..2_000 {
                server.command(&["SET", &format!("{{{namespace}}}:{number}"), "1"]).unwrap();
            }
        }
        lost.lose().unwrap();
        assert_eq!(server.command(&["DBSIZE"]).unwrap(), Reply::Integer(2_000));
        let of_kept = format!("{{{}}}:7", kept.settings()[1].1);
        assert_eq!(server.command(&["EXISTS", &of_kept]).unwrap(), Reply::Integer(1));
    }
}
