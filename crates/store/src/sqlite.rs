//! The embedded store: one SQLite file, no server at all.
//!
//! One thread a process writes, in groups (`writer`); another one reads beside it (`reader`); a third one looks for what
//! other processes commit, while somebody waits for it (`wake`). Every operation is a function of a file of its verb's name,
//! which runs inside the writer's transaction. The layout is in `schema/`.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use gangway_jobs::clock::Clock;
use tokio::sync::{mpsc, oneshot};

use self::clock::StoreTime;
use self::fault::Answer;
use self::file::{Opened, StoreFile};
use self::inline::Inline;
use self::look::Look;
use self::reader::{Read, Reader};
use self::tx::Tx;
use self::wake::Wake;
use self::writer::{Operation, Task, Writer};
use crate::stamp::Expected;
use crate::{Error, Policies, Result, Stamp};

pub use crate::mode::Mode;

mod clock;
mod enqueue;
mod fault;
mod file;
mod imports;
mod inline;
mod jobs;
mod lease;
mod ledger;
mod limits;
mod look;
mod operations;
mod outbox;
mod prune;
mod reader;
mod rows;
mod settle;
mod steer;
mod take_back;
mod tx;
mod wake;
mod workers;
mod write;
mod writer;

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File(PathBuf),
    /// In this process's memory, and gone with it: for tests and simulations.
    Memory,
}

/// How to open a store.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Where it is.
    pub place: Place,
    /// What must be there.
    pub mode: Mode,
    /// The rules it applies.
    pub policies: Policies,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
}

/// The embedded store.
pub struct SqliteStore {
    file: Arc<StoreFile>,
    stamp: Stamp,
    time: Arc<StoreTime>,
    wake: Arc<Wake>,
    hands: Mutex<Option<Hands>>,
}

/// Who does the work; nobody when the store is closed.
enum Hands {
    /// Threads of the store's own.
    Threads(Threads),
    /// The thread that asks.
    Asker(Arc<Inline>),
}

/// The way to the store's threads.
struct Threads {
    writer: mpsc::Sender<Box<dyn Operation>>,
    /// Absent for a store in memory, which has one connection: the writer reads too.
    reader: Option<mpsc::Sender<Read>>,
    reading: Vec<JoinHandle<()>>,
    writing: JoinHandle<()>,
}

/// How an operation reaches the writer.
enum ToWriter {
    Thread(mpsc::Sender<Box<dyn Operation>>),
    Asker(Arc<Inline>),
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.file.path()).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens a store. Blocks for a moment: for a few reads, or for as long as another process writes.
    ///
    /// # Errors
    /// There is none and the mode makes none; it is something else, or made for something else; the disk refuses.
    pub fn open(options: OpenOptions) -> Result<Arc<Self>> {
        Self::open_with(options, |work, time, wake| {
            let file = Arc::clone(&work.file);
            let mut reading = Vec::new();
            let mut reader = None;
            if file.is_shared() {
                let (send, queue) = mpsc::channel(reader::QUEUE);
                let work = Reader { conn: file::connect_to_read(file.path())?, time: Arc::clone(time) };
                reading.push(spawn(&file, "gangway-store-read", move || work.run(queue))?);
                reader = Some(send);
                let watch = wake.watch(file::connect_to_read(file.path())?);
                reading.push(watch.map_err(|source| no_thread(&file, source))?);
            }
            let (writer, queue) = mpsc::channel(writer::QUEUE);
            let writing = spawn(&file, "gangway-store-write", move || work.run(queue))?;
            Ok(Hands::Threads(Threads { writer, reader, reading, writing }))
        })
    }

    /// Opens a store in memory that has no threads: each operation is done by the thread that asks, before its future is
    /// first pending. For simulations, which decide themselves in which order things happen.
    ///
    /// # Errors
    /// SQLite refuses.
    pub fn open_inline(made_for: Expected, policies: Policies, clock: Arc<dyn Clock>) -> Result<Arc<Self>> {
        let options = OpenOptions { place: Place::Memory, mode: Mode::Create(made_for), policies, clock };
        Self::open_with(options, |writer, _time, _wake| {
            let path = writer.file.path().to_owned();
            let refused = |source| Error::Sqlite { action: "set up", path, source };
            Ok(Hands::Asker(Arc::new(Inline::new(writer).map_err(refused)?)))
        })
    }

    fn open_with(
        options: OpenOptions,
        hands: impl FnOnce(Writer, &Arc<StoreTime>, &Arc<Wake>) -> Result<Hands>,
    ) -> Result<Arc<Self>> {
        let OpenOptions { place, mode, policies, clock } = options;
        let time = Arc::new(StoreTime::new(clock));
        let Opened { file, conn, stamp, high_water } = file::open(&place, &mode, time.now())?;
        time.raise(high_water);
        let file = Arc::new(file);
        let wake = Arc::new(Wake::default());
        let writer = Writer {
            conn,
            file: Arc::clone(&file),
            policies,
            epoch: stamp.epoch,
            time: Arc::clone(&time),
            wake: Arc::clone(&wake),
        };
        let hands = Mutex::new(Some(hands(writer, &time, &wake)?));
        Ok(Arc::new(Self { file, stamp, time, wake, hands }))
    }

    /// Runs a writing operation; returns when it is on the disk.
    async fn write<T, F>(&self, action: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Answer<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task = Box::new(Task { action, work: Some(work), answer: None, reply });
        match self.writer()? {
            ToWriter::Thread(writer) => writer.send(task).await.map_err(|_closed| Error::Closed)?,
            ToWriter::Asker(writer) => writer.run(task),
        }
        answer.await.unwrap_or(Err(Error::Closed))
    }

    fn writer(&self) -> Result<ToWriter> {
        match &*self.lock() {
            Some(Hands::Threads(threads)) => Ok(ToWriter::Thread(threads.writer.clone())),
            Some(Hands::Asker(writer)) => Ok(ToWriter::Asker(Arc::clone(writer))),
            None => Err(Error::Closed),
        }
    }

    /// Runs a reading operation on a snapshot.
    async fn look<T, F>(&self, action: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Look<'_>) -> Answer<T> + Send + 'static,
    {
        if self.file.was_replaced() {
            return Err(Error::Replaced { path: self.file.path().to_owned() });
        }
        let reader = match &*self.lock() {
            Some(Hands::Threads(threads)) => threads.reader.clone(),
            Some(Hands::Asker(_)) => None,
            None => return Err(Error::Closed),
        };
        let Some(reader) = reader else {
            return self.write(action, |tx| work(&Look { conn: tx.conn, now: tx.now })).await;
        };
        let (reply, answer) = oneshot::channel();
        let read: Read = Box::new(move |look| {
            if reply.send(work(look)).is_err() {
                tracing::trace!(action, "nobody waits for the answer any more");
            }
        });
        reader.send(read).await.map_err(|_closed| Error::Closed)?;
        drop(reader);
        match answer.await {
            Ok(answer) => answer.map_err(|fault| fault.into_error(action, self.file.path())),
            Err(_gone) => Err(Error::Closed),
        }
    }

    /// Lets nobody in any more; answers the threads, which end when they are done.
    fn shut(&self) -> Option<Threads> {
        self.wake.close();
        match self.lock().take() {
            Some(Hands::Threads(threads)) => Some(threads),
            Some(Hands::Asker(_)) | None => None,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Hands>> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        end(self.shut());
    }
}

/// Waits for the threads: the writer comes last, to close the last connection.
fn end(threads: Option<Threads>) {
    let Some(Threads { writer, reader, reading, writing }) = threads else { return };
    drop(reader);
    reading.into_iter().for_each(join);
    drop(writer);
    join(writing);
}

fn join(handle: JoinHandle<()>) {
    if handle.join().is_err() {
        tracing::error!("a thread of the store has panicked");
    }
}

fn spawn(file: &StoreFile, name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|source| no_thread(file, source))
}

fn no_thread(file: &StoreFile, source: std::io::Error) -> Error {
    Error::Io { action: "start a thread for", path: file.path().to_owned(), source }
}
