//! What every verb works with: the connections, the names, the time, the life of the store, and the circuit as last seen.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gangway_jobs::circuit::Circuit;
use gangway_jobs::clock::{Clock, Timestamp};
use redis::{Cmd, Value};

use super::keys::Keys;
use super::life::{Life, Opening};
use super::link::{Link, Role, Server};
use super::scripts::Script;
use super::time::Time;
use super::wake::Wake;
use super::{keys, lua, reply};
use crate::{Error, Mode, Policies, RedisConfig, Result, Stamp};

/// The circuit as it was last seen, with the revision that tells whether it still is so.
#[derive(Clone, Debug, Default)]
pub(super) struct SeenCircuit {
    pub(super) revision: Vec<u8>,
    pub(super) circuit: Circuit,
}

/// So often is asked again because another life of the store has begun.
const LIVES: usize = 3;

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
    opening: Arc<Opening>,
    circuit: Mutex<SeenCircuit>,
    /// Places in the order of taking in that are this process's to give.
    places: Mutex<Range<u64>>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core")
            .field("place", &self.work.place())
            .field("keys", &self.keys)
            .finish_non_exhaustive()
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
        let opening = Arc::new(Opening::new(&server.place, mode));
        let greeting = opening.greeting(&keys, &time);
        let link = |role, greeting| Link::new(Arc::clone(&server), role, greeting);
        let core = Self {
            work: link(Role::Work, Some(greeting)),
            leases: link(Role::Leases, None),
            listen: link(Role::Listen, None),
            keys,
            time,
            policies,
            wake: Arc::default(),
            opening,
            circuit: Mutex::default(),
            places: Mutex::new(0..0),
        };
        core.work.send("open the store", &redis::cmd("PING")).await?;
        core.life()?;
        Ok(core)
    }

    pub(super) fn stamp(&self) -> Result<Stamp> {
        Ok(self.opening.opened()?.stamp())
    }

    pub(super) fn life(&self) -> Result<Life> {
        self.opening.life()
    }

    /// Whether this is still the store that was asked for. If it was not when it was last looked at, it may be again.
    pub(super) async fn be_sure(&self, action: &'static str) -> Result<()> {
        if self.life().is_err() { self.greet_again(action).await } else { Ok(()) }
    }

    /// Runs a script; its first two arguments are given.
    pub(super) async fn call(
        &self,
        action: &'static str,
        script: &'static Script,
        fill: impl Fn(&mut Cmd),
    ) -> Result<Reply> {
        self.call_on(&self.work, action, script, fill).await
    }

    /// The same, on that connection.
    pub(super) async fn call_on(
        &self,
        link: &Link,
        action: &'static str,
        script: &'static Script,
        fill: impl Fn(&mut Cmd),
    ) -> Result<Reply> {
        for _ in 0..LIVES {
            self.be_sure(action).await?;
            let reply = self.call_in(self.life()?, link, action, script, &fill).await?;
            // What is asked in another life of the store is asked again, once it is known that it is the same store.
            if reply.word != "epoch" {
                return Ok(reply);
            }
        }
        // Its connection leads to a server that has been left behind by the others.
        link.begin_anew();
        Err(Error::Unavailable {
            place: link.place().to_owned(),
            reason: "it answers from another life of the store".to_owned(),
        })
    }

    /// The same, only in that life of the store: in another, the word is `epoch`.
    pub(super) async fn call_in(
        &self,
        life: Life,
        link: &Link,
        action: &'static str,
        script: &'static Script,
        fill: impl FnOnce(&mut Cmd),
    ) -> Result<Reply> {
        let mut command = script.call(self.keys.tag().as_bytes());
        command.arg(self.time.argument().map_or_else(String::new, |now| now.as_millis().to_string()));
        command.arg(life.epoch.0);
        fill(&mut command);
        let reply = reply::read(action, link.run(action, script, &command).await?)?;
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
        self.life().map(drop)
    }

    /// So many places in the order of taking in; answers the first. They are taken from the store in blocks.
    pub(super) async fn places(&self, count: usize) -> Result<u64> {
        /// Places that a process which ends leaves unused are no loss: there are 2⁴⁸.
        const BLOCK: u64 = 1 << 16;
        const ACTION: &str = "take customers in";
        let count = count as u64;
        if let Some(first) = self.next_places(count) {
            return Ok(first);
        }
        let fill = |command: &mut Cmd| {
            command.arg(keys::META).arg("places").arg(BLOCK);
        };
        let [end] = self.call(ACTION, &lua::PLACES, fill).await?.parts(ACTION)?;
        let end = reply::int(&end).ok_or_else(|| reply::other_form(ACTION))?.unsigned_abs();
        let first = end.saturating_sub(BLOCK);
        *lock(&self.places) = first + count..end;
        Ok(first)
    }

    fn next_places(&self, count: u64) -> Option<u64> {
        let mut places = lock(&self.places);
        let first = places.start;
        (first + count <= places.end).then(|| {
            places.start += count;
            first
        })
    }

    /// Counts something up.
    pub(super) async fn count(&self, action: &'static str, name: &'static str) -> Result<()> {
        let fill = |command: &mut Cmd| {
            command.arg(keys::SUMS).arg(name).arg(1);
        };
        self.call(action, &lua::COUNT, fill).await.map(drop)
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

/// How long a lease or a wait is, as scripts count.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
