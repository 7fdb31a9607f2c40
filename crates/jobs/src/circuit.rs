//! The circuit: who may call the API, decided once for all workers from what each attempt learnt.
//!
//! There is a gate for the API as a whole (it is down), one for each kind (a systemic refusal, or this kind of call alone
//! gets no answer), one for each credential (it was refused). An open gate lets nobody through but one probe at a time; a
//! call behind several gates is the probe of all of them. Beside the gates stands the fleet-wide wait that a 429 asks
//! for. A store keeps the [`Circuit`] as one value, bounded in size, and changes it in the same write as the lease or the
//! settle that asks.
//!
//! ```text
//! closed ──▶ open (reason) ──▶ half-open: one probe ──▶ ramping ──▶ closed
//!               ▲                      │ fails
//!               └──────────────────────┘
//! ```
//!
//! **Systemic refusals.** Rows are validated before they are sent, so a plain refusal is rare. When several different
//! onboardings meet the same refusal and no new effect lies between, the fault may not be theirs: the gate of the kind
//! opens and the jobs are parked, not buried. A single unclear refusal is parked once for a second look, so that the first
//! ones of a systemic fault are not buried before the last ones show what it is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{JobId, LeaseToken, WorkerId};
use crate::kind::Kind;
use crate::signal::Signal;

mod credentials;
mod gate;
mod health;
mod strikes;
mod systemic;
mod texts;

use credentials::Credentials;
use gate::{Gate, Open};
use strikes::Strikes;
use texts::{RowTexts, Suspects};

/// When gates open and how they close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitPolicy {
    /// So many failures in a row mean that the API is down.
    pub threshold: usize,
    /// Between two probes.
    pub probe_interval: Duration,
    /// So many different onboardings make a refusal systemic.
    pub suspects: usize,
    /// How long an unclear refusal waits for its second look.
    pub confirm_after: Duration,
    /// How long a systemic refusal may last before the parked jobs are decided as refused.
    pub give_up: Duration,
    /// So many probes must have met it too.
    pub give_up_probes: u32,
    /// How long a text stays known as a row's own fault.
    pub row_for: Duration,
}

impl Default for CircuitPolicy {
    fn default() -> Self {
        Self {
            threshold: 10,
            probe_interval: Duration::from_secs(5),
            suspects: 5,
            confirm_after: Duration::from_secs(10),
            give_up: Duration::from_hours(1),
            give_up_probes: 20,
            row_for: Duration::from_hours(1),
        }
    }
}

impl CircuitPolicy {
    /// Whether an open gate has been probed often enough for long enough.
    fn is_patience_over(&self, open: &Open, now: Timestamp) -> bool {
        open.probes >= self.give_up_probes && now.since(open.since) >= self.give_up
    }
}

/// The circuit of one store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circuit {
    /// Nobody calls before this time: the API said "too many requests".
    limited_until: Option<Timestamp>,
    /// Such answers in a row that named no wait.
    limited_streak: u32,
    /// The API as a whole.
    down: Gate,
    /// One for each kind, in the order of [`Kind::ALL`].
    kinds: [Gate; 3],
    /// The credentials that were refused.
    credentials: Credentials,
    /// Failures in a row.
    strikes: Strikes,
    /// Unclear refusals since the last new effect, for each kind.
    suspects: [Suspects; 3],
    /// Refusals known as the rows' own fault.
    rows: RowTexts,
}

/// Who asks to lease.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// What it would run.
    pub kind: Kind,
    /// The worker.
    pub worker: WorkerId,
    /// The fingerprint of its credential.
    pub credential: &'a str,
    /// The token of the lease to be.
    pub token: LeaseToken,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// May lease as long as all workers together hold at most so many leases of the kind: without a bound unless the way back
    /// from an outage is on.
    Run(usize),
    /// May lease one, of a job that has not met the reason if there is one. If none can be leased (none is due, the kind
    /// is paused, the rate limit has no token): [`Circuit::withdraw`].
    Probe,
    /// May lease none before that time.
    Blocked(Timestamp),
}

/// What a settle reports.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Which job.
    pub job: JobId,
    /// Under which lease.
    pub token: LeaseToken,
    /// Who ran it.
    pub worker: WorkerId,
    /// With which credential.
    pub credential: &'a str,
    /// What it learnt.
    pub signal: &'a Signal,
    /// It had been parked before: this was its second look.
    pub parked: bool,
    /// Workers with a fresh heartbeat; only looked at with [`Signal::Unauthorized`].
    pub live_workers: usize,
}

/// What becomes of the outcome that came with a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stands.
    Stands,
    /// Not buried but parked, due after that time.
    Park(Duration),
    /// It costs no attempt; nor do these failures of other jobs. One that failed twice stands there twice.
    Excuse(Vec<JobId>),
}

/// How a person decides a systemic refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The cause is gone: try the parked again as if nothing had been.
    Retry,
    /// The refusals are the rows' own: bury each that meets it again.
    Bury,
}

/// The state of the circuit for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// `closed`, `open`, `half_open` or `ramping`: the worst of all gates.
    pub state: &'static str,
    /// Why, in words; empty when closed.
    pub reason: String,
}

impl Circuit {
    /// May `asker` lease?
    pub fn admit(&mut self, asker: Asker<'_>, now: Timestamp, lease: Duration) -> Admission {
        if let Some(until) = self.limited_until(now) {
            return Admission::Blocked(until);
        }
        let width = self.ramp(asker.kind, now);
        let mut gates: Vec<&mut Open> = self.gates_before(&asker, now).collect();
        let Some(ready_at) = gates.iter().map(|gate| gate.ready_at(now)).max() else {
            return Admission::Run(width);
        };
        if ready_at > now {
            return Admission::Blocked(ready_at);
        }
        for gate in &mut gates {
            gate.start_probe(asker.token, now.after(lease));
        }
        Admission::Probe
    }

    /// The probe found no job to run.
    pub fn withdraw(&mut self, token: LeaseToken) {
        let gates = self.kinds.iter_mut().chain([&mut self.down]).filter_map(Gate::open_mut);
        for gate in gates.chain(self.credentials.all_mut()) {
            gate.end_probe(token);
        }
    }

    fn gates_before<'a>(
        &'a mut self,
        asker: &Asker<'_>,
        now: Timestamp,
    ) -> impl Iterator<Item = &'a mut Open> + use<'a> {
        let credential = self.credentials.before(asker.credential, asker.worker, now);
        let kind = self.kinds[asker.kind.index()].open_mut();
        self.down.open_mut().into_iter().chain(kind).chain(credential)
    }

    fn ramp(&self, kind: Kind, now: Timestamp) -> usize {
        let ramps = [&self.down, &self.kinds[kind.index()]].into_iter().filter_map(|gate| gate.ramp(now));
        ramps.map(gate::Ramp::width).min().unwrap_or(usize::MAX)
    }

    /// Takes in what an attempt learnt, and decides what becomes of its outcome.
    pub fn observe(&mut self, report: &Report<'_>, policy: &CircuitPolicy, now: Timestamp) -> Verdict {
        self.rows.forget_old(now);
        match report.signal {
            Signal::None => {
                self.withdraw(report.token);
                Verdict::Stands
            }
            Signal::Healthy { fresh } => self.healthy(report, *fresh, policy, now),
            Signal::Down { internal } => self.failed(report, *internal, policy, now),
            Signal::RateLimited { wait } => self.limited(report, *wait, now),
            Signal::Unauthorized => self.unauthorized(report, policy, now),
            Signal::Refused(refusal) => self.refused(report, refusal, policy, now),
        }
    }

    /// A person's decision. Answers the kinds whose parked jobs start afresh.
    pub fn resolve(&mut self, resolution: Resolution, policy: &CircuitPolicy, now: Timestamp) -> Vec<Kind> {
        if resolution == Resolution::Retry {
            self.limited_until = None;
            self.credentials.clear();
            self.strikes.clear();
            if self.down.open().is_some() {
                self.down = Gate::ramping(now);
            }
        }
        Kind::ALL.into_iter().filter(|kind| self.resolve_gate(*kind, resolution, policy, now)).collect()
    }

    /// Whether anything keeps some worker from leasing some kind without a probe.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.limited_until(now).is_some() || self.open_gates(now).next().is_some()
    }

    /// Until when the API asked everybody to wait (429), if that lies ahead.
    pub fn limited_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.limited_until.filter(|until| *until > now)
    }

    /// The leases that probe an open gate now.
    pub fn probes(&self) -> Vec<LeaseToken> {
        let gates = [&self.down].into_iter().chain(&self.kinds).filter_map(Gate::open);
        gates.chain(self.credentials.all()).filter_map(Open::probe).collect()
    }

    /// The state for people.
    pub fn summary(&self, now: Timestamp) -> Summary {
        let mut reasons: Vec<String> = self.open_gates(now).map(|open| open.reason.clone()).collect();
        reasons.dedup();
        if let Some(until) = self.limited_until(now) {
            reasons.push(format!("the API asks to wait until {until} (429)"));
        }
        let probing = self.open_gates(now).any(|open| open.is_probing(now));
        let ramping = self.kinds.iter().chain([&self.down]).any(|gate| gate.ramp(now).is_some());
        let state = match (reasons.is_empty(), probing, ramping) {
            (false, true, _) => "half_open",
            (false, false, _) => "open",
            (true, _, true) => "ramping",
            (true, _, false) => "closed",
        };
        Summary { state, reason: reasons.join("; ") }
    }

    fn open_gates(&self, now: Timestamp) -> impl Iterator<Item = &Open> {
        let gates = [&self.down].into_iter().chain(&self.kinds).filter_map(Gate::open);
        gates.chain(self.credentials.open(now))
    }
}

#[cfg(test)]
mod tests;
