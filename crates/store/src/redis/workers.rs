//! Registered workers and their heartbeats.

use std::collections::BTreeMap;
use std::time::Duration;

use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::WorkerId;
use redis::{Cmd, Value};

use super::core::{Core, millis};
use super::found::Held;
use super::reply::{bytes, int, list, other_form};
use super::{RedisStore, keys, lua};
use crate::{Result, WorkerInfo, WorkerState};

/// A worker that was silent for that long is forgotten.
const FORGET_AFTER: Duration = Duration::from_hours(24);

impl RedisStore {
    pub(super) async fn register_worker(&self, worker: &WorkerInfo) -> Result<()> {
        // Names and numbers only: there is nothing that JSON cannot hold.
        let info = serde_json::to_string(worker).unwrap_or_default();
        let fill = |command: &mut Cmd| {
            command.arg("register").arg(&worker.id.as_uuid().as_bytes()[..]).arg(&info);
            command.arg(millis(FORGET_AFTER));
        };
        self.worker("register a worker", fill).await.map(drop)
    }

    pub(super) async fn note_beat(&self, worker: WorkerId) -> Result<bool> {
        let fill = |command: &mut Cmd| {
            command.arg("beat").arg(&worker.as_uuid().as_bytes()[..]);
        };
        self.worker("note a heartbeat", fill).await
    }

    pub(super) async fn forget_worker(&self, worker: WorkerId) -> Result<()> {
        let fill = |command: &mut Cmd| {
            command.arg("deregister").arg(&worker.as_uuid().as_bytes()[..]);
        };
        self.worker("deregister a worker", fill).await.map(drop)
    }

    async fn worker(&self, action: &'static str, fill: impl Fn(&mut Cmd)) -> Result<bool> {
        let reply = self.core.call_on(&self.core.leases, action, &lua::WORKER, fill).await?;
        let [registered] = reply.parts(action)?;
        Ok(int(&registered) == Some(1))
    }
}

/// What a worker holds.
#[derive(Clone, Copy, Default)]
struct Holds {
    leases: u64,
    oldest: Option<Timestamp>,
}

/// The registered workers with what they hold, in the order of their ids.
pub(super) async fn all(core: &Core) -> Result<Vec<WorkerState>> {
    let held = holds(core).await?;
    let mut workers = registered(core).await?;
    for worker in &mut workers {
        let holds = held.get(&worker.info.id).copied().unwrap_or_default();
        (worker.leases, worker.oldest_lease) = (holds.leases, holds.oldest);
    }
    Ok(workers)
}

/// The registered workers, whatever they hold.
pub(super) async fn registered(core: &Core) -> Result<Vec<WorkerState>> {
    const ACTION: &str = "list workers";
    let reply = core.call_on(&core.leases, ACTION, &lua::WORKERS, |_| {}).await?;
    let now = reply.now;
    let [said, beats] = reply.parts(ACTION)?;
    let said = by_bytes(said).ok_or_else(|| other_form(ACTION))?;
    let beats = by_bytes(beats).ok_or_else(|| other_form(ACTION))?;
    let workers = said.iter().filter_map(|(worker, info)| {
        let info: WorkerInfo = serde_json::from_slice(&bytes(info.clone())?).ok()?;
        let began = said.get(&[worker, b"@".as_slice()].concat());
        let beat_at = Timestamp::from_millis(beats.get(worker).and_then(int)?);
        Some(WorkerState {
            alive: now.since(beat_at) <= info.patience,
            info,
            started_at: began.and_then(int).map_or(beat_at, Timestamp::from_millis),
            beat_at,
            leases: 0,
            oldest_lease: None,
        })
    });
    Ok(workers.collect())
}

/// Leases by worker, counted in bounded steps.
async fn holds(core: &Core) -> Result<BTreeMap<WorkerId, Holds>> {
    const ACTION: &str = "count leases";
    let mut by_worker: BTreeMap<WorkerId, Holds> = BTreeMap::new();
    let mut seen = std::collections::HashSet::new();
    let mut cursor = b"0".to_vec();
    loop {
        let mut scan = redis::cmd("HSCAN");
        scan.arg(core.keys.of(keys::HELD)).arg(&cursor[..]).arg("COUNT").arg(1_000);
        let answer = list(core.leases.send(ACTION, &scan).await?).ok_or_else(|| other_form(ACTION))?;
        let [next, page] = <[Value; 2]>::try_from(answer).map_err(|_form| other_form(ACTION))?;
        let mut page = list(page).ok_or_else(|| other_form(ACTION))?.into_iter().filter_map(bytes);
        while let (Some(job), Some(held)) = (page.next(), page.next()) {
            if let Some(held) = Held::read(&held)
                && seen.insert(job)
            {
                let holds = by_worker.entry(held.worker()).or_default();
                holds.leases += 1;
                holds.oldest = Some(holds.oldest.map_or(held.since(), |oldest| oldest.min(held.since())));
            }
        }
        cursor = bytes(next).unwrap_or_default();
        if cursor == b"0" {
            return Ok(by_worker);
        }
    }
}

fn by_bytes(pairs: Value) -> Option<BTreeMap<Vec<u8>, Value>> {
    let mut pairs = list(pairs)?.into_iter();
    let mut map = BTreeMap::new();
    while let (Some(key), Some(value)) = (pairs.next(), pairs.next()) {
        map.insert(bytes(key)?, value);
    }
    Some(map)
}
