//! What every verb works with: the connections, the names, the time, the life of the store, and the circuit as last seen.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gangway_jobs::circuit::Circuit;
use gangway_jobs::clock::{Clock, Timestamp};
use gangway_jobs::event::Epoch;
use redis::{Cmd, Value};

use super::keys::Keys;
use super::link::{Greeting, Link, Role, Server};
use super::scripts::Script;
use super::time::Time;
use super::wake::Wake;
use super::{keys, lua, reply};
use crate::stamp::KEY_VERSION;
use crate::{Error, Mode, Policies, RedisConfig, Result, Stamp};

/// The version of the layout that this release writes.
const LAYOUT: u32 = 1;

/// Which life of the store this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) epoch: Epoch,
    /// Counted from 0; what stored sequences refer to.
    pub(super) number: u64,
}

/// What opening found.
#[derive(Clone, Debug)]
struct Opened {
    stamp: Stamp,
    life: Life,
    layout: u32,
}

/// The circuit as it was last seen, with the revision that tells whether it still is so.
#[derive(Clone, Debug, Default)]
pub(super) struct SeenCircuit {
    pub(super) revision: Vec<u8>,
    pub(super) circuit: Circuit,
}

/// What every verb works with.
pub(super) struct Core {
    pub(super) work: Link,
    /// Heartbeats and renewals: they never wait behind a batch.
    pub(super) leases: Link,
    pub(super) listen: Link,
    pub(super) keys: Keys,
    pub(super) time: Arc<Time>,
    pub(super) policies: Policies,
    /// Somebody in this process has written what others may wait for.
    pub(super) wake: Arc<Wake>,
    opened: Shared,
    circuit: Mutex<SeenCircuit>,
    /// Places in the order of taking in that are this process's to give.
    places: Mutex<Range<u64>>,
}

/// What opening says to the server.
#[derive(Clone, Debug)]
struct Opening {
    /// What the store is to be made for, if it may be made.
    made_for: Option<String>,
}

impl Opening {
    fn new(mode: &Mode) -> Self {
        let expected = mode.expected().filter(|_| mode.may_create());
        Self { made_for: expected.and_then(|expected| serde_json::to_string(expected).ok()) }
    }

    fn command(&self, keys: &Keys, time: &Time, run_id: &str) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(lua::OPEN.source()).arg(1).arg(keys.tag());
        command.arg(time.argument().map_or_else(String::new, |now| now.as_millis().to_string())).arg("");
        command.arg(if self.made_for.is_some() { "create" } else { "found" });
        command.arg(self.made_for.as_deref().unwrap_or_default()).arg(KEY_VERSION).arg(LAYOUT).arg(run_id);
        command
    }
}

fn run_id(info: &str) -> &str {
    info.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap_or_default().trim()
}

/// What opening found, as the latest connection did.
type Shared = Arc<Mutex<Option<std::result::Result<Opened, Refusal>>>>;

/// Why a store was not opened.
#[derive(Clone, Debug)]
enum Refusal {
    Missing,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("place", &self.work.place()).field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// A script's answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) word: String,
    pub(super) now: Timestamp,
    pub(super) rest: Vec<Value>,
}

impl Core {
    /// Opens the store, or waits a moment for its server.
    pub(super) async fn open(
        url: &str,
        config: &RedisConfig,
        mode: &Mode,
        policies: Policies,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let server = Arc::new(Server::parse(url, config)?);
        let keys = Keys::new(&config.namespace);
        let time = Arc::new(Time::new(clock));
        let opened = Arc::new(Mutex::new(None));
        let opening = Opening::new(mode);
        let greeting = greeting(&keys, &time, &opening, &opened);
        let link = |role, greeting| Link::new(Arc::clone(&server), role, greeting);
        let core = Self {
            work: link(Role::Work, Some(greeting)),
            leases: link(Role::Leases, None),
            listen: link(Role::Listen, None),
            keys,
            time,
            policies,
            wake: Arc::default(),
            opened,
            circuit: Mutex::default(),
            places: Mutex::new(0..0),
        };
        core.work.send("open the store", &redis::cmd("PING")).await?;
        core.check(mode)?;
        Ok(core)
    }

    /// Whether what was opened is what was asked for.
    fn check(&self, mode: &Mode) -> Result<()> {
        let opened = self.opened()?;
        if opened.layout > LAYOUT {
            return Err(Error::Newer {
                place: self.work.place().to_owned(),
                found: opened.layout,
                known: LAYOUT,
            });
        }
        let mismatch = mode.expected().and_then(|expected| opened.stamp.mismatch(expected));
        mismatch.map_or(Ok(()), |mismatch| Err(Error::Mismatch { mismatch }))
    }

    fn opened(&self) -> Result<Opened> {
        match &*lock(&self.opened) {
            Some(Ok(opened)) => Ok(opened.clone()),
            Some(Err(Refusal::Missing)) | None => Err(Error::Missing { place: self.work.place().to_owned() }),
        }
    }

    pub(super) fn stamp(&self) -> Result<Stamp> {
        let opened = self.opened()?;
        Ok(Stamp { epoch: opened.life.epoch, ..opened.stamp })
    }

    pub(super) fn life(&self) -> Result<Life> {
        Ok(self.opened()?.life)
    }

    /// Runs a script; its first two arguments are given.
    pub(super) async fn call(
        &self,
        action: &'static str,
        script: &'static Script,
        fill: impl FnOnce(&mut Cmd),
    ) -> Result<Reply> {
        self.call_on(&self.work, action, script, None, fill).await
    }

    /// The same, on that connection, and only in that life of the store: in another, the word is `epoch`.
    pub(super) async fn call_on(
        &self,
        link: &Link,
        action: &'static str,
        script: &'static Script,
        life: Option<Life>,
        fill: impl FnOnce(&mut Cmd),
    ) -> Result<Reply> {
        let mut command = script.call(self.keys.tag().as_bytes());
        command.arg(self.time.argument().map_or_else(String::new, |now| now.as_millis().to_string()));
        command.arg(life.map_or_else(String::new, |life| life.epoch.0.to_string()));
        fill(&mut command);
        let reply = reply::read(action, link.place(), link.run(action, script, &command).await?)?;
        match reply.word.as_str() {
            "missing" => {
                // Somebody has deleted the store. What may make one makes it anew; else there is none.
                self.greet_again(action).await?;
                Err(Error::Unavailable {
                    place: link.place().to_owned(),
                    reason: "its keys are gone; it was made anew, empty".to_owned(),
                })
            }
            "epoch" => {
                self.greet_again(action).await?;
                Ok(reply)
            }
            _ => {
                self.time.saw(reply.now);
                Ok(reply)
            }
        }
    }

    /// Opens the store again.
    async fn greet_again(&self, action: &'static str) -> Result<()> {
        self.work.greet(action).await?;
        self.opened().map(drop)
    }

    /// So many places in the order of taking in; answers the first. They are taken from the store in blocks.
    pub(super) async fn places(&self, count: usize) -> Result<u64> {
        /// Places that a process which ends leaves unused are no loss: there are 2⁴⁸.
        const BLOCK: u64 = 1 << 16;
        let count = count as u64;
        if let Some(first) = self.next_places(count) {
            return Ok(first);
        }
        let mut take = redis::cmd("HINCRBY");
        take.arg(self.keys.of(keys::META)).arg("places").arg(BLOCK);
        let action = "take customers in";
        let end = reply::int(&self.work.send(action, &take).await?).ok_or_else(|| reply::other_form(action))?;
        *lock(&self.places) = end.unsigned_abs() - BLOCK..end.unsigned_abs();
        Ok(self.next_places(count).unwrap_or_default())
    }

    fn next_places(&self, count: u64) -> Option<u64> {
        let mut places = lock(&self.places);
        let first = places.start;
        (first + count <= places.end).then(|| {
            places.start += count;
            first
        })
    }

    // ---- the circuit ----

    pub(super) fn circuit(&self) -> SeenCircuit {
        lock(&self.circuit).clone()
    }

    /// A reply has told the circuit.
    pub(super) fn saw_circuit(&self, stored: &[u8]) -> Result<()> {
        let seen = read_circuit(stored)?;
        *lock(&self.circuit) = seen;
        Ok(())
    }

    pub(super) fn set_circuit(&self, seen: SeenCircuit) {
        *lock(&self.circuit) = seen;
    }

    /// Something was written that others may wait for.
    pub(super) fn woken(&self) {
        self.wake.all();
    }

    pub(super) fn close(&self) {
        for link in [&self.work, &self.leases, &self.listen] {
            link.close();
        }
        self.wake.close();
    }
}

/// Reads a stored circuit: its revision and its JSON.
pub(super) fn read_circuit(stored: &[u8]) -> Result<SeenCircuit> {
    let Some((revision, json)) = stored.split_at_checked(8) else { return Ok(SeenCircuit::default()) };
    let circuit = serde_json::from_slice(json).map_err(|source| Error::Damaged {
        what: "circuit",
        id: "the store".to_owned(),
        source: source.into(),
    })?;
    Ok(SeenCircuit { revision: revision.to_vec(), circuit })
}

/// The stored form of a circuit, under a revision of its own.
pub(super) fn write_circuit(circuit: &Circuit) -> SeenStored {
    let revision = rand::random::<[u8; 8]>().to_vec();
    let mut stored = revision.clone();
    // Numbers, texts and lists only: there is nothing that JSON cannot hold.
    stored.extend(serde_json::to_vec(circuit).unwrap_or_default());
    SeenStored { seen: SeenCircuit { revision, circuit: circuit.clone() }, stored }
}

/// A circuit and its stored form.
pub(super) struct SeenStored {
    pub(super) seen: SeenCircuit,
    pub(super) stored: Vec<u8>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Plain values, changed in one assignment: a panic elsewhere cannot leave them half written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is said on each fresh connection: opens the store, and notices that the server is another process than before.
fn greeting(keys: &Keys, time: &Arc<Time>, opening: &Opening, opened: &Shared) -> Greeting {
    let (keys, time, opening, opened) = (keys.clone(), Arc::clone(time), opening.clone(), Arc::clone(opened));
    Arc::new(move |mut connection| {
        let (keys, time, opening, opened) =
            (keys.clone(), Arc::clone(&time), opening.clone(), Arc::clone(&opened));
        Box::pin(async move {
            let info: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
            let command = opening.command(&keys, &time, run_id(&info));
            let value: Value = command.query_async(&mut connection).await?;
            *lock(&opened) = Some(read_opened(value));
            Ok(())
        })
    })
}

fn read_opened(value: Value) -> std::result::Result<Opened, Refusal> {
    let words: Vec<String> = reply::list(value).unwrap_or_default().into_iter().filter_map(reply::text).collect();
    let [word, _now, made_for, key_version, layout, epoch, number] = words.as_slice() else {
        return Err(Refusal::Missing);
    };
    let made_for = serde_json::from_str(made_for).ok().filter(|_| word == "ok").ok_or(Refusal::Missing)?;
    let epoch = Epoch(epoch.parse().unwrap_or_default());
    Ok(Opened {
        stamp: Stamp { made_for, key_version: key_version.parse().unwrap_or_default(), epoch },
        life: Life { epoch, number: number.parse().unwrap_or_default() },
        layout: layout.parse().unwrap_or_default(),
    })
}

/// How long a lease or a wait is, as scripts count.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
