//! The gates of credentials that the API refuses with a 401.
//!
//! The fault may be one worker's alone (its clock is wrong, its configuration is old), so a gate stands first before the
//! workers that met it, and before the fleet once two did or only one lives.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Report;
use super::gate::Open;
use crate::clock::Timestamp;
use crate::id::{LeaseToken, WorkerId};

/// By the credential's fingerprint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Credentials(BTreeMap<String, CredentialGate>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CredentialGate {
    /// Who met the refusal; at most two, for then it is the fleet's.
    workers: Vec<WorkerId>,
    /// Closed to everybody who uses the credential.
    fleet: bool,
    open: Open,
}

/// A gate that nobody has probed for so long is forgotten: its workers have died, or use another credential. Should one
/// come back, its next call opens the gate again, and a 401 costs no attempt.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(5);

/// How many gates are remembered.
const MAX: usize = 16;

impl Credentials {
    /// The gate that keeps `worker` from using `credential`.
    pub(super) fn before(&mut self, credential: &str, worker: WorkerId, now: Timestamp) -> Option<&mut Open> {
        self.0
            .get_mut(credential)
            .filter(|gate| gate.fleet || gate.workers.contains(&worker))
            .map(|gate| &mut gate.open)
            .filter(|open| !is_forgotten(open, now))
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Open> {
        self.0.values_mut().map(|gate| &mut gate.open)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Open> {
        self.0.values().map(|gate| &gate.open)
    }

    pub(super) fn open(&self, now: Timestamp) -> impl Iterator<Item = &Open> {
        self.0.values().map(|gate| &gate.open).filter(move |open| !is_forgotten(open, now))
    }

    /// The API took the worker's credential: no gate is for this worker any more, be it that of an earlier credential.
    pub(super) fn accepted(&mut self, report: &Report<'_>) {
        self.0.retain(|_, gate| {
            gate.workers.retain(|worker| *worker != report.worker);
            !(gate.workers.is_empty() || gate.open.is_probe(report.token))
        });
    }

    pub(super) fn refused(&mut self, report: &Report<'_>, now: Timestamp, next: Timestamp) {
        self.0.retain(|_, gate| !is_forgotten(&gate.open, now));
        self.make_room(report.credential);
        let gate = self.0.entry(report.credential.to_owned()).or_insert_with(|| CredentialGate {
            workers: Vec::new(),
            fleet: false,
            open: Open::new("the API refuses the credential (401)".to_owned(), None, now, next),
        });
        gate.open.fail_probe(report.token, next);
        if gate.workers.len() < 2 && !gate.workers.contains(&report.worker) {
            gate.workers.push(report.worker);
        }
        gate.fleet |= gate.workers.len() > 1 || report.live_workers <= 1;
    }

    fn make_room(&mut self, credential: &str) {
        if self.0.len() < MAX || self.0.contains_key(credential) {
            return;
        }
        let oldest = self.0.iter().min_by_key(|(_, gate)| gate.open.next_probe).map(|(name, _)| name.clone());
        if let Some(oldest) = oldest {
            self.0.remove(&oldest);
        }
    }

    pub(super) fn fail_probe(&mut self, token: LeaseToken, next: Timestamp) -> bool {
        self.all_mut().map(|open| open.fail_probe(token, next)).fold(false, |any, one| any | one)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

fn is_forgotten(open: &Open, now: Timestamp) -> bool {
    !open.is_probing(now) && now.since(open.next_probe) >= FORGOTTEN_AFTER
}
