//! What can go wrong in a store.

use std::path::PathBuf;

/// A store operation failed. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The url names no kind of store that there is.
    #[error(
        "store.url {url:?} is not supported; use sqlite:PATH or redis://HOST:PORT; docs/deploy.md lists all forms"
    )]
    UnsupportedUrl {
        /// The url, without credentials.
        url: String,
    },
    /// A setting cannot be used.
    #[error("{reason}")]
    Setting {
        /// Which, and why; without credentials.
        reason: String,
    },
    /// There is no store, and this command does not make one.
    #[error("there is no store at {place}; `gangway import FILE` makes one, or set store.url")]
    Missing {
        /// Where it was looked for, without credentials.
        place: String,
    },
    /// The file is something else.
    #[error("{} is not a Gangway store; move it away, or set store.url to another path", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// A newer release made it.
    #[error(
        "the store at {place} has schema version {found}, but this release knows up to {known}: upgrade gangway"
    )]
    Newer {
        /// Where it is, without credentials.
        place: String,
        /// The version found.
        found: u32,
        /// The newest version known.
        known: u32,
    },
    /// It was made for something else.
    #[error("{mismatch}; use another store.url, or the settings that the store was made with")]
    Mismatch {
        /// What does not match.
        mismatch: String,
    },
    /// The file under the store was removed or replaced.
    #[error("the store file {} was removed or replaced while it was open; nothing more is written: restart", path.display())]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// Another process holds the store for too long.
    #[error("the store at {} is locked by another process for more than {seconds} s", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
        /// How long was waited.
        seconds: u64,
    },
    /// A group that nobody registered.
    #[error("no outbox group {group:?}; register it with `gangway outbox group add {group}`")]
    UnknownGroup {
        /// Its name.
        group: String,
    },
    /// More than a batch may hold.
    #[error("a batch of {found} is more than the {max} that one call takes")]
    BatchTooLarge {
        /// How many there were.
        found: usize,
        /// How many there may be.
        max: usize,
    },
    /// A payload above the limit of 64 KiB.
    #[error("the payload of row {index} of the batch has {bytes} bytes; at most {max} are allowed")]
    PayloadTooLarge {
        /// Its place in the batch.
        index: usize,
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// What is stored cannot be read: damaged, or written by something else.
    #[error("the {what} of {id} in the store cannot be read")]
    Damaged {
        /// A record, a job, an event.
        what: &'static str,
        /// Whose.
        id: String,
        /// Why. Never quotes what was stored.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server cannot be reached, or cannot do its work just now: it starts, fails over, has lost its master.
    #[error("the store at {place} does not answer: {reason}")]
    Unavailable {
        /// The server, without credentials.
        place: String,
        /// What it said, or what the network said.
        reason: String,
    },
    /// The server is out of memory, and refuses what is new.
    #[error(
        "the store at {place} is out of memory and takes nothing in; raise maxmemory or prune, then go on"
    )]
    OutOfMemory {
        /// The server, without credentials.
        place: String,
    },
    /// The server refused, and would again.
    #[error("the store at {place} refused to {action}")]
    Redis {
        /// What was tried.
        action: &'static str,
        /// The server, without credentials.
        place: String,
        /// Why.
        #[source]
        source: Box<redis::RedisError>,
    },
    /// The disk or the database refused.
    #[error("the store at {} failed to {action}", path.display())]
    Sqlite {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The file system refused.
    #[error("failed to {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// Whether waiting and trying again can help; everything else needs a person.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Unavailable { .. } | Self::OutOfMemory { .. })
    }
}
