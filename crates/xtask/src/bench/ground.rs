//! Where a run works: a server or a file of its own, gone when the run has ended.

use std::process::Command;

use gangway_testkit::redis::{Fsync, Options, Server};
use tempfile::TempDir;

use super::measurement;

mod postgres;

use postgres::Postgres;

/// A place for one run.
#[derive(Debug)]
pub(super) enum Ground {
    Redis(Box<Server>),
    Sqlite(TempDir),
    Postgres(Postgres),
    Nowhere,
}

/// Makes one.
pub(super) fn of(kind: measurement::Ground) -> Result<Ground, String> {
    match kind {
        measurement::Ground::Redis => {
            // A log that grows from nothing is rewritten again and again, by a second process: that would measure the machine.
            let options = Options { appendonly: Some(Fsync::EverySec), ..Options::default() }
                .with("auto-aof-rewrite-percentage", "0");
            let server = Server::start(&options).map_err(|error| error.to_string())?;
            Ok(Ground::Redis(Box::new(server)))
        }
        measurement::Ground::Sqlite => {
            tempfile::tempdir().map(Ground::Sqlite).map_err(|error| format!("make a folder: {error}"))
        }
        measurement::Ground::Postgres => Postgres::start().map(Ground::Postgres),
        measurement::Ground::Nowhere => Ok(Ground::Nowhere),
    }
}

impl Ground {
    /// Tells a program where to work. Every program takes the same options.
    pub(super) fn tell(&self, command: &mut Command) {
        let url = match self {
            Self::Redis(server) => server.url(),
            Self::Sqlite(folder) => format!("sqlite:{}", folder.path().join("bench.db").display()),
            Self::Postgres(server) => server.url(),
            Self::Nowhere => return,
        };
        command.args(["--store", &url]);
    }
}
