//! Which life of a store this is, and whether it is the one that was asked for: found out on each fresh connection.

use std::sync::{Arc, Mutex};

use gangway_jobs::event::Epoch;
use redis::{Cmd, Value};

use super::core::lock;
use super::keys::Keys;
use super::link::Greeting;
use super::time::Time;
use super::{lua, reply};
use crate::stamp::KEY_VERSION;
use crate::{Error, Mode, Result, Stamp};

/// The version of the layout that this release writes.
const LAYOUT: u32 = 1;

/// Which life of the store this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) epoch: Epoch,
    /// Counted from 0; what stored sequences refer to.
    pub(super) number: u64,
}

/// A store as it was opened.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    stamp: Stamp,
    pub(super) life: Life,
    layout: u32,
}

impl Opened {
    pub(super) fn stamp(self) -> Stamp {
        Stamp { epoch: self.life.epoch, ..self.stamp }
    }

    fn read(value: Value) -> Option<Self> {
        let words: Vec<String> = reply::list(value)?.into_iter().filter_map(reply::text).collect();
        let [word, _now, made_for, key_version, layout, epoch, number] = words.as_slice() else {
            return None;
        };
        let made_for = serde_json::from_str(made_for).ok().filter(|_| word == "ok")?;
        let epoch = Epoch(epoch.parse().ok()?);
        Some(Self {
            stamp: Stamp { made_for, key_version: key_version.parse().ok()?, epoch },
            life: Life { epoch, number: number.parse().ok()? },
            layout: layout.parse().ok()?,
        })
    }
}

/// Why what was found is not worked with.
#[derive(Clone, Debug)]
enum Refusal {
    Missing,
    Newer(u32),
    Mismatch(String),
}

/// What the latest connection found.
type Found = Arc<Mutex<std::result::Result<Opened, Refusal>>>;

/// Opening the store: what is asked for, and what was found.
#[derive(Debug)]
pub(super) struct Opening {
    place: String,
    mode: Mode,
    found: Found,
}

impl Opening {
    pub(super) fn new(place: &str, mode: &Mode) -> Self {
        let found = Arc::new(Mutex::new(Err(Refusal::Missing)));
        Self { place: place.to_owned(), mode: mode.clone(), found }
    }

    /// The store, as the latest connection found it.
    pub(super) fn opened(&self) -> Result<Opened> {
        lock(&self.found).clone().map_err(|refusal| self.refuse(refusal))
    }

    /// The same, in the little that every call needs to know.
    pub(super) fn life(&self) -> Result<Life> {
        match &*lock(&self.found) {
            Ok(opened) => Ok(opened.life),
            Err(refusal) => Err(self.refuse(refusal.clone())),
        }
    }

    fn refuse(&self, refusal: Refusal) -> Error {
        let place = self.place.clone();
        match refusal {
            Refusal::Missing => Error::Missing { place },
            Refusal::Newer(found) => Error::Newer { place, found, known: LAYOUT },
            Refusal::Mismatch(mismatch) => Error::Mismatch { mismatch },
        }
    }

    /// What is said on each fresh connection: opens the store, and notices that the server is another process than before.
    pub(super) fn greeting(self: &Arc<Self>, keys: &Keys, time: &Arc<Time>) -> Greeting {
        let (opening, keys, time) = (Arc::clone(self), keys.clone(), Arc::clone(time));
        Arc::new(move |mut connection| {
            let (opening, keys, time) = (Arc::clone(&opening), keys.clone(), Arc::clone(&time));
            Box::pin(async move {
                let info: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
                let command = opening.command(&keys, &time, run_id(&info));
                let value: Value = command.query_async(&mut connection).await?;
                let found = opening.judge(Opened::read(value));
                *lock(&opening.found) = found;
                Ok(())
            })
        })
    }

    fn command(&self, keys: &Keys, time: &Time, run_id: &str) -> Cmd {
        let expected = self.mode.expected().filter(|_| self.mode.may_create());
        let made_for = expected.and_then(|expected| serde_json::to_string(expected).ok());
        let mut command = redis::cmd("EVAL");
        command.arg(lua::OPEN.source()).arg(1).arg(keys.tag());
        command.arg(time.argument().map_or_else(String::new, |now| now.as_millis().to_string())).arg("");
        command.arg(if made_for.is_some() { "create" } else { "found" });
        command.arg(made_for.unwrap_or_default()).arg(KEY_VERSION).arg(LAYOUT).arg(run_id);
        command
    }

    /// Each time anew: behind an address there may be another server than before.
    fn judge(&self, opened: Option<Opened>) -> std::result::Result<Opened, Refusal> {
        let opened = opened.ok_or(Refusal::Missing)?;
        if opened.layout > LAYOUT {
            return Err(Refusal::Newer(opened.layout));
        }
        match self.mode.expected().and_then(|expected| opened.stamp.mismatch(expected)) {
            Some(mismatch) => Err(Refusal::Mismatch(mismatch)),
            None => Ok(opened),
        }
    }
}

fn run_id(info: &str) -> &str {
    info.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap_or_default().trim()
}
