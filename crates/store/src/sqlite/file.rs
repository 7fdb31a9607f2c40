//! The file under a store: made, recognised, watched.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::event::Epoch;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior, params};

use super::{Mode, Place};
use crate::stamp::{Expected, KEY_VERSION};
use crate::{Error, Result, Stamp};

/// "Gway": tells a store from other SQLite files.
const APPLICATION_ID: i32 = 0x4777_6179;

/// One script a version; the last one's number is the version that this release writes.
const SCHEMA: [&str; 2] = [include_str!("schema/0001.sql"), include_str!("schema/0002.sql")];

/// The path of a store in memory, for messages.
const MEMORY: &str = ":memory:";

/// The file that a store was opened with.
#[derive(Debug)]
pub(super) struct StoreFile {
    path: PathBuf,
    /// What the path named when it was opened; `None` for a store in memory.
    identity: Option<Identity>,
    replaced: AtomicBool,
}

impl StoreFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether other processes can open it.
    pub(super) const fn is_shared(&self) -> bool {
        self.identity.is_some()
    }

    /// Whether the path names another file by now, or none. Once so, always so: what was written since is lost.
    pub(super) fn is_replaced(&self) -> bool {
        let Some(identity) = self.identity else { return false };
        if !self.was_replaced() && Identity::of(&self.path).ok() != Some(identity) {
            self.replaced.store(true, Ordering::SeqCst);
        }
        self.was_replaced()
    }

    /// Whether the writer has found so.
    pub(super) fn was_replaced(&self) -> bool {
        self.replaced.load(Ordering::SeqCst)
    }
}

/// Tells two files under one name apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity(u64, u64);

impl Identity {
    #[cfg(unix)]
    fn of(path: &Path) -> std::io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata(path).map(|found| Self(found.dev(), found.ino()))
    }

    #[cfg(not(unix))]
    fn of(path: &Path) -> std::io::Result<Self> {
        // An open file cannot be replaced there; whether it is there at all is what can be told.
        std::fs::metadata(path).map(|_found| Self(0, 0))
    }
}

/// What opening a store gives.
pub(super) struct Opened {
    pub(super) file: StoreFile,
    pub(super) conn: Connection,
    pub(super) stamp: Stamp,
    pub(super) high_water: Timestamp,
}

/// Opens the store at a place, or makes it if the mode allows.
pub(super) fn open(place: &Place, mode: &Mode, now: Timestamp) -> Result<Opened> {
    let (path, mut conn) = match place {
        Place::Memory => {
            let path = PathBuf::from(MEMORY);
            let conn = Connection::open_in_memory().map_err(sqlite("open", &path))?;
            (path, conn)
        }
        Place::File(path) => {
            let path = std::path::absolute(path).map_err(io("find", path))?;
            prepare(&path, mode)?;
            let conn = connect(&path)?;
            (path, conn)
        }
    };
    let stamp = recognise(&mut conn, &path, mode, now)?;
    if let Mode::Create(expected) | Mode::Existing(expected) = mode
        && let Some(mismatch) = stamp.mismatch(expected)
    {
        return Err(Error::Mismatch { mismatch });
    }
    set_up_writer(&conn).map_err(sqlite("set up", &path))?;
    let high_water = conn
        .query_row("SELECT high_water FROM store", [], |row| row.get(0))
        .map(Timestamp::from_millis)
        .map_err(sqlite("read the time of", &path))?;
    // The writer waits for the lock by itself: SQLite's own waits grow to 100 ms and would miss every gap of a busy store.
    conn.busy_timeout(Duration::ZERO).map_err(sqlite("set up", &path))?;
    let identity = match place {
        Place::Memory => None,
        Place::File(_) => Some(Identity::of(&path).map_err(io("look at", &path))?),
    };
    Ok(Opened {
        file: StoreFile { path, identity, replaced: AtomicBool::new(false) },
        conn,
        stamp,
        high_water,
    })
}

/// Makes an empty file, readable by nobody else, or says that there is none.
fn prepare(path: &Path, mode: &Mode) -> Result<()> {
    let may_create = matches!(mode, Mode::Create(_));
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(Error::NotAStore { path: path.to_owned() }),
        Ok(found) if found.len() == 0 && !may_create => {
            Err(Error::Missing { place: path.display().to_string() })
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && may_create => make(path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Error::Missing { place: path.display().to_string() })
        }
        Err(source) => Err(io("look at", path)(source)),
    }
}

fn make(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    // Never one that is there: closing it again would drop the locks that SQLite may hold on it in this process.
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    match options.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop).map_err(io("create", path)),
    }
}

/// One more connection to a file.
pub(super) fn connect(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(sqlite("open", path))?;
    conn.busy_timeout(Duration::from_secs(5)).map_err(sqlite("set up", path))?;
    conn.set_prepared_statement_cache_capacity(256);
    Ok(conn)
}

/// A connection that only reads.
pub(super) fn connect_to_read(path: &Path) -> Result<Connection> {
    let conn = connect(path)?;
    conn.execute_batch("PRAGMA query_only = 1").map_err(sqlite("set up", path))?;
    // The writer knows whether the log is still the store's own; see there.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(sqlite("set up", path))?;
    Ok(conn)
}

fn set_up_writer(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_prepared_statement_cache_capacity(256);
    // FULL: what was acknowledged outlives a power cut. The log may grow to some 16 MB between checkpoints, so that a
    // page that many jobs touch is copied once.
    conn.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536;
         PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;",
    )
}

/// Reads the stamp of a store; makes one of an empty file if the mode allows.
fn recognise(conn: &mut Connection, path: &Path, mode: &Mode, now: Timestamp) -> Result<Stamp> {
    let found = header_at_once(conn).map_err(not_a_store(path))?;
    match (found, mode) {
        (Header::Store(version), _) => {
            check_version(version, path)?;
            if version < newest() {
                upgrade(conn).map_err(sqlite("upgrade", path))?;
            }
        }
        (Header::Other, _) => return Err(Error::NotAStore { path: path.to_owned() }),
        (Header::Empty, Mode::Create(expected)) => {
            create_patiently(conn, expected, now).map_err(sqlite("create", path))?;
        }
        (Header::Empty, Mode::Existing(_) | Mode::AsFound) => {
            return Err(Error::Missing { place: path.display().to_string() });
        }
    }
    let text: String = conn
        .query_row("SELECT stamp FROM store", [], |row| row.get(0))
        .map_err(sqlite("read the stamp of", path))?;
    serde_json::from_str(&text).map_err(|source| Error::Damaged {
        what: "stamp",
        id: path.display().to_string(),
        source: source.into(),
    })
}

enum Header {
    Empty,
    Store(u32),
    Other,
}

/// All parts of the header from one moment: another process may be making the store right now.
fn header_at_once(conn: &mut Connection) -> rusqlite::Result<Header> {
    let tx = conn.transaction()?;
    let found = header(&tx)?;
    tx.commit()?;
    Ok(found)
}

fn header(conn: &Connection) -> rusqlite::Result<Header> {
    let application: i32 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let version: u32 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let table: Option<i64> =
        conn.query_row("SELECT 1 FROM sqlite_master LIMIT 1", [], |row| row.get(0)).optional()?;
    Ok(match (application, version, table) {
        (APPLICATION_ID, version, Some(_)) => Header::Store(version),
        (0, 0, None) => Header::Empty,
        _ => Header::Other,
    })
}

fn check_version(found: u32, path: &Path) -> Result<()> {
    let known = newest();
    if found > known {
        return Err(Error::Newer { place: path.display().to_string(), found, known });
    }
    Ok(())
}

/// Brings the tables of an earlier release up to this one's, in one transaction.
fn upgrade(conn: &mut Connection) -> rusqlite::Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read anew under the lock: another process may have been faster.
    let found: u32 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    for script in SCHEMA.iter().skip(found as usize) {
        tx.execute_batch(script)?;
    }
    if found < newest() {
        tx.pragma_update(None, "user_version", newest())?;
    }
    tx.commit()
}

const fn newest() -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "a handful of scripts")]
    {
        SCHEMA.len() as u32
    }
}

/// Two processes may make one store at once. The change to a log does not wait for a lock, whatever the busy timeout says.
fn create_patiently(conn: &mut Connection, expected: &Expected, now: Timestamp) -> rusqlite::Result<()> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let begun = std::time::Instant::now();
    loop {
        match create(conn, expected, now) {
            Err(error)
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
                    && begun.elapsed() < PATIENCE =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            made => return made,
        }
    }
}

/// Makes the tables, in one transaction: a store is there whole or not at all.
fn create(conn: &mut Connection, expected: &Expected, now: Timestamp) -> rusqlite::Result<()> {
    // Cannot be changed inside of a transaction. A store in memory has no log and says so.
    conn.query_row("PRAGMA journal_mode = WAL", [], |_row| Ok(()))?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !matches!(header(&tx)?, Header::Empty) {
        // Another process was faster.
        return tx.rollback();
    }
    for script in SCHEMA {
        tx.execute_batch(script)?;
    }
    let stamp = Stamp { made_for: expected.clone(), key_version: KEY_VERSION, epoch: Epoch(now.as_millis()) };
    tx.execute(
        "INSERT INTO store (one, stamp, high_water) VALUES (1, ?1, ?2)",
        params![serde_json::to_string(&stamp).unwrap_or_default(), now.as_millis()],
    )?;
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", newest())?;
    tx.commit()
}

fn sqlite(action: &'static str, path: &Path) -> impl FnOnce(rusqlite::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Sqlite { action, path, source }
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { action, path, source }
}

fn not_a_store(path: &Path) -> impl FnOnce(rusqlite::Error) -> Error {
    let path = path.to_owned();
    move |source| match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => Error::NotAStore { path },
        _ => Error::Sqlite { action: "open", path, source },
    }
}
