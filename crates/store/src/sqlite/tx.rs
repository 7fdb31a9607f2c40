//! One operation inside a write transaction: its connection, its time, and the values that all workers share.
//!
//! Circuit, rate limit and counters are read when they are first needed and written at the end of the operation, inside
//! its savepoint. So what an operation that fails has done to them is undone with all else.

use std::time::Duration;

use gangway_jobs::circuit::Circuit;
use gangway_jobs::clock::Timestamp;
use gangway_jobs::event::Epoch;
use gangway_jobs::limits::{Bucket, Class, RatePolicy};
use gangway_jobs::onboarding::Stage;
use rusqlite::{Connection, params};

use super::clock::StoreTime;
use super::fault::Answer;
use super::limits;
use crate::Policies;

/// An operation's view of the store.
#[derive(Debug)]
pub(super) struct Tx<'c> {
    pub(super) conn: &'c Connection,
    pub(super) now: Timestamp,
    pub(super) policies: &'c Policies,
    pub(super) epoch: Epoch,
    pub(super) time: &'c StoreTime,
    circuit: Option<Shared<Circuit>>,
    bucket: Option<Shared<Bucket>>,
    moved: Moved,
}

/// How many onboardings came into a stage, less those that left it.
type Moved = [i64; Stage::ALL.len()];

/// A value with what is stored of it.
#[derive(Debug)]
struct Shared<T> {
    stored: Option<T>,
    value: T,
}

impl<'c> Tx<'c> {
    pub(super) fn new(
        conn: &'c Connection,
        policies: &'c Policies,
        epoch: Epoch,
        time: &'c StoreTime,
    ) -> Self {
        let moved = [0; Stage::ALL.len()];
        Self { conn, now: time.now(), policies, epoch, time, circuit: None, bucket: None, moved }
    }

    pub(super) fn circuit(&mut self) -> Answer<&mut Circuit> {
        let shared = if let Some(shared) = self.circuit.take() {
            shared
        } else {
            let circuit = load_circuit(self.conn)?;
            Shared { stored: Some(circuit.clone()), value: circuit }
        };
        Ok(&mut self.circuit.insert(shared).value)
    }

    /// Takes up to `wanted` tokens of the rate limit; answers how many, and how long until there is another one.
    pub(super) fn take_tokens(&mut self, class: Class, wanted: usize) -> Answer<(usize, Duration)> {
        let (now, own) = (self.now, self.policies.rate);
        let policy = limits::load(self.conn)?.unwrap_or(own);
        let bucket = self.bucket(&policy)?;
        Ok((bucket.take(&policy, class, wanted, now), bucket.wait(&policy, class)))
    }

    fn bucket(&mut self, policy: &RatePolicy) -> Answer<&mut Bucket> {
        let shared = if let Some(shared) = self.bucket.take() {
            shared
        } else {
            let stored = load_bucket(self.conn)?;
            let value = stored.clone().unwrap_or_else(|| Bucket::full(policy, self.now));
            Shared { stored, value }
        };
        Ok(&mut self.bucket.insert(shared).value)
    }

    /// Counts a move; `None` stands for outside of the store.
    pub(super) fn count(&mut self, from: Option<Stage>, to: Stage) {
        if let Some(from) = from {
            self.moved[from as usize] -= 1;
        }
        self.moved[to as usize] += 1;
    }

    /// Writes the shared values.
    pub(super) fn flush(&mut self) -> Answer<()> {
        if let Some(Shared { stored, value }) = self.circuit.take()
            && stored.as_ref() != Some(&value)
        {
            let text = serde_json::to_string(&value).ok();
            self.conn.prepare_cached("UPDATE store SET circuit = ?1")?.execute(params![text])?;
        }
        if let Some(Shared { stored, value }) = self.bucket.take()
            && stored.as_ref() != Some(&value)
        {
            let text = serde_json::to_string(&value).ok();
            self.conn.prepare_cached("UPDATE store SET bucket = ?1")?.execute(params![text])?;
        }
        for (stage, moved) in Stage::ALL.into_iter().zip(std::mem::take(&mut self.moved)) {
            if moved != 0 {
                self.conn
                    .prepare_cached(
                        "INSERT INTO counter (stage, count) VALUES (?1, ?2)
                         ON CONFLICT (stage) DO UPDATE SET count = count + ?2",
                    )?
                    .execute(params![stage.as_str(), moved])?;
            }
        }
        Ok(())
    }

    /// Does `work` whole or not at all, whatever else the operation does. What it learnt about the API stays learnt.
    pub(super) fn savepoint<T>(&mut self, work: impl FnOnce(&mut Self) -> Answer<T>) -> Answer<T> {
        let moved = self.moved;
        self.conn.prepare_cached("SAVEPOINT item")?.execute([])?;
        let answer = work(self);
        if answer.is_err() {
            self.moved = moved;
            self.conn.prepare_cached("ROLLBACK TO item")?.execute([])?;
        }
        self.conn.prepare_cached("RELEASE item")?.execute([])?;
        answer
    }

    /// Onboardings with a customer that have not ended.
    pub(super) fn waiting(&self) -> Answer<u64> {
        let stages = [Stage::Created, Stage::Linked, Stage::InReview, Stage::ActionRequired];
        let stored: i64 = self
            .conn
            .prepare_cached("SELECT COALESCE(SUM(count), 0) FROM counter WHERE stage IN (?1, ?2, ?3, ?4)")?
            .query_row(stages.map(Stage::as_str), |row| row.get(0))?;
        let moved: i64 = stages.iter().map(|stage| self.moved[*stage as usize]).sum();
        Ok(u64::try_from(stored + moved).unwrap_or(0))
    }
}

/// The circuit as it is stored. One that cannot be read is a closed one: it opens again by itself.
pub(super) fn load_circuit(conn: &Connection) -> rusqlite::Result<Circuit> {
    let text: Option<String> =
        conn.prepare_cached("SELECT circuit FROM store")?.query_row([], |row| row.get(0))?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

fn load_bucket(conn: &Connection) -> rusqlite::Result<Option<Bucket>> {
    let text: Option<String> =
        conn.prepare_cached("SELECT bucket FROM store")?.query_row([], |row| row.get(0))?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}
