//! The circuit: who may call the API, decided once for all workers from what each attempt learnt.
//!
//! There is a gate for the API as a whole (it is down), one for each kind (a systemic refusal), one for each credential
//! (it was refused). An open gate lets nobody through but one probe at a time. Beside the gates stands the fleet-wide wait
//! that a 429 asks for. A store keeps the [`Circuit`] as one value and changes it in the same write as the lease or the
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

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{JobId, LeaseToken, OnboardingId, WorkerId};
use crate::kind::Kind;
use crate::signal::{Blame, Refusal, Signal};

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
            give_up: Duration::from_secs(3600),
            give_up_probes: 20,
            row_for: Duration::from_secs(3600),
        }
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
    /// By fingerprint.
    credentials: BTreeMap<String, CredentialGate>,
    /// Failures in a row.
    strikes: Vec<Strike>,
    /// Unclear refusals since the last new effect, for each kind: text → who met it.
    suspects: [BTreeMap<String, Vec<OnboardingId>>; 3],
    /// Refusals known as the rows' own fault, until when.
    rows: BTreeMap<String, Timestamp>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Gate {
    #[default]
    Closed,
    Ramping(u32),
    Open(Open),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    reason: String,
    /// The refusal's fingerprint, for the gate of a kind.
    fingerprint: Option<String>,
    /// Opened by a phrase that always means everybody: never becomes a row's own fault.
    by_phrase: bool,
    since: Timestamp,
    next_probe: Timestamp,
    probe: Option<Probe>,
    /// Probes that met the reason.
    probes: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Probe {
    token: LeaseToken,
    /// A probe whose worker died holds nobody up for longer.
    until: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CredentialGate {
    /// Who saw the refusal.
    workers: Vec<WorkerId>,
    /// Closed to everybody who uses the credential.
    fleet: bool,
    open: Open,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Strike {
    job: JobId,
    internal: bool,
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
    /// May lease up to so many.
    Run(usize),
    /// May lease one, of a job that has not met the reason if there is one. If none is due: [`Circuit::withdraw`].
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
    /// Workers with a fresh heartbeat.
    pub live_workers: usize,
}

/// What becomes of the outcome that came with a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stands.
    Stands,
    /// Not buried but parked, due after that time.
    Park(Duration),
    /// It costs no attempt; nor do these jobs' latest failures.
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
        if let Some(until) = self.limited_until.filter(|until| *until > now) {
            return Admission::Blocked(until);
        }
        let mut gates: Vec<&mut Open> = self.gates_before(&asker).collect();
        if gates.is_empty() {
            return Admission::Run(self.ramp(asker.kind));
        }
        let ready_at = gates.iter().map(|gate| gate.ready_at(now)).max().unwrap_or(now);
        if ready_at > now {
            return Admission::Blocked(ready_at);
        }
        for gate in &mut gates {
            gate.probe = Some(Probe { token: asker.token, until: now.after(lease) });
        }
        Admission::Probe
    }

    /// The probe found no job that is due.
    pub fn withdraw(&mut self, token: LeaseToken) {
        for gate in self.open_gates() {
            gate.end_probe(token);
        }
    }

    fn gates_before<'a>(&'a mut self, asker: &'a Asker<'_>) -> impl Iterator<Item = &'a mut Open> {
        let credential = self
            .credentials
            .get_mut(asker.credential)
            .filter(|gate| gate.fleet || gate.workers.contains(&asker.worker))
            .map(|gate| &mut gate.open);
        let kind = self.kinds[asker.kind.index()].open_mut();
        self.down.open_mut().into_iter().chain(kind).chain(credential)
    }

    fn open_gates(&mut self) -> impl Iterator<Item = &mut Open> {
        let credentials = self.credentials.values_mut().map(|gate| &mut gate.open);
        self.kinds.iter_mut().chain([&mut self.down]).filter_map(Gate::open_mut).chain(credentials)
    }

    /// After closing, each success lets two more through, so that a recovering API meets no herd.
    fn ramp(&self, kind: Kind) -> usize {
        [&self.down, &self.kinds[kind.index()]]
            .into_iter()
            .map(|gate| match gate {
                Gate::Ramping(successes) => 2 * (*successes as usize + 1),
                Gate::Closed | Gate::Open(_) => usize::MAX,
            })
            .min()
            .unwrap_or(usize::MAX)
    }

    /// Takes in what an attempt learnt, and decides what becomes of its outcome.
    pub fn observe(&mut self, report: &Report<'_>, policy: &CircuitPolicy, now: Timestamp) -> Verdict {
        self.rows.retain(|_, until| *until > now);
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

    fn healthy(
        &mut self,
        report: &Report<'_>,
        fresh: bool,
        policy: &CircuitPolicy,
        now: Timestamp,
    ) -> Verdict {
        self.answered(report);
        let kind = report.job.kind;
        // Only a create can be replayed; for the other kinds any success is a new one.
        let fresh = fresh || kind != Kind::CreateCustomer;
        let gate = &mut self.kinds[kind.index()];
        if let Gate::Open(open) = gate
            && open.is_probe(report.token)
        {
            if fresh {
                if let (Some(text), false) = (&open.fingerprint, open.by_phrase) {
                    self.rows.insert(row_key(kind, text), now.after(policy.row_for));
                }
                *gate = Gate::Ramping(0);
            } else {
                open.end_probe(report.token);
            }
        }
        self.down.climb();
        if fresh {
            self.suspects[kind.index()].clear();
            self.kinds[kind.index()].climb();
        }
        Verdict::Stands
    }

    /// Any answer of the API itself: it is up and takes the credential.
    fn answered(&mut self, report: &Report<'_>) {
        self.strikes.clear();
        self.limited_streak = 0;
        if self.down.open_mut().is_some_and(|open| open.is_probe(report.token)) {
            self.down = Gate::Ramping(0);
        }
        if let Some(gate) = self.credentials.get_mut(report.credential) {
            gate.workers.retain(|worker| *worker != report.worker);
            if gate.workers.is_empty() || gate.open.is_probe(report.token) {
                self.credentials.remove(report.credential);
            }
        }
    }

    fn failed(
        &mut self,
        report: &Report<'_>,
        internal: bool,
        policy: &CircuitPolicy,
        now: Timestamp,
    ) -> Verdict {
        let next = now.after(policy.probe_interval);
        let was_probe = self
            .open_gates()
            .filter(|gate| gate.is_probe(report.token))
            .map(|gate| gate.fail_probe(next))
            .count()
            > 0;
        if self.down.open_mut().is_some() {
            return Verdict::Excuse(Vec::new());
        }
        self.strikes.push(Strike { job: report.job, internal });
        if !self.is_down(policy) {
            // A probe of another gate proves nothing by failing, so it costs its job nothing either.
            return if was_probe { Verdict::Excuse(Vec::new()) } else { Verdict::Stands };
        }
        self.down = Gate::Open(Open::new("the API does not answer".to_owned(), now, next));
        let excused =
            self.strikes.drain(..).map(|strike| strike.job).filter(|job| *job != report.job).collect();
        Verdict::Excuse(excused)
    }

    fn is_down(&self, policy: &CircuitPolicy) -> bool {
        let mut who: Vec<OnboardingId> = self.strikes.iter().map(|strike| strike.job.onboarding).collect();
        who.sort_unstable();
        who.dedup();
        // A plain 500 may be one row's own fault: then others must have failed too.
        let one_rows_fault = who.len() < 3 && self.strikes.iter().any(|strike| strike.internal);
        self.strikes.len() >= policy.threshold && !one_rows_fault
    }

    fn limited(&mut self, report: &Report<'_>, wait: Option<Duration>, now: Timestamp) -> Verdict {
        self.withdraw(report.token);
        let wait = wait.unwrap_or_else(|| {
            self.limited_streak = (self.limited_streak + 1).min(5);
            Duration::from_secs(1 << (self.limited_streak - 1))
        });
        self.limited_until = self.limited_until.max(Some(now.after(wait)));
        Verdict::Stands
    }

    fn unauthorized(&mut self, report: &Report<'_>, policy: &CircuitPolicy, now: Timestamp) -> Verdict {
        let next = now.after(policy.probe_interval);
        for gate in self.open_gates() {
            if gate.is_probe(report.token) {
                gate.fail_probe(next);
            }
        }
        let gate = self.credentials.entry(report.credential.to_owned()).or_insert_with(|| CredentialGate {
            workers: Vec::new(),
            fleet: false,
            open: Open::new("the API refuses the credential (401)".to_owned(), now, next),
        });
        if !gate.workers.contains(&report.worker) {
            gate.workers.push(report.worker);
        }
        gate.fleet |= gate.workers.len() > 1 || report.live_workers <= 1;
        Verdict::Stands
    }

    fn refused(
        &mut self,
        report: &Report<'_>,
        refusal: &Refusal,
        policy: &CircuitPolicy,
        now: Timestamp,
    ) -> Verdict {
        self.answered(report);
        let kind = report.job.kind;
        let fingerprint = refusal.fingerprint();
        if let Gate::Open(open) = &mut self.kinds[kind.index()] {
            let same = open.fingerprint.as_deref() == Some(&fingerprint);
            if open.is_probe(report.token) {
                open.probes += u32::from(same);
                // Another refusal says nothing of the reason: the next probe may follow at once.
                open.fail_probe(if same { now.after(policy.probe_interval) } else { now });
            }
            if same {
                let patience_is_over =
                    open.probes >= policy.give_up_probes && now.since(open.since) >= policy.give_up;
                if !patience_is_over {
                    return Verdict::Park(Duration::ZERO);
                }
                self.resolve_gate(kind, Resolution::Bury, policy, now);
            }
        }
        let known_as_rows_own = self.rows.contains_key(&row_key(kind, &fingerprint));
        match refusal.blame {
            Blame::Row => Verdict::Stands,
            _ if known_as_rows_own => Verdict::Stands,
            Blame::Everybody => {
                self.open_kind(kind, refusal, true, policy, now);
                Verdict::Park(Duration::ZERO)
            }
            Blame::Unclear => self.suspect(report, refusal, policy, now),
        }
    }

    fn suspect(
        &mut self,
        report: &Report<'_>,
        refusal: &Refusal,
        policy: &CircuitPolicy,
        now: Timestamp,
    ) -> Verdict {
        let kind = report.job.kind;
        let who = self.suspects[kind.index()].entry(refusal.fingerprint()).or_default();
        if !who.contains(&report.job.onboarding) {
            who.push(report.job.onboarding);
        }
        if who.len() >= policy.suspects {
            self.open_kind(kind, refusal, false, policy, now);
            return Verdict::Park(Duration::ZERO);
        }
        if report.parked { Verdict::Stands } else { Verdict::Park(policy.confirm_after) }
    }

    fn open_kind(
        &mut self,
        kind: Kind,
        refusal: &Refusal,
        by_phrase: bool,
        policy: &CircuitPolicy,
        now: Timestamp,
    ) {
        let gate = &mut self.kinds[kind.index()];
        if gate.open_mut().is_some() {
            // Open for another reason already; this one shows itself to the next probe after it.
            return;
        }
        let reason = format!("{kind} is refused for everybody: {} {}", refusal.status, refusal.text);
        let mut open = Open::new(reason, now, now.after(policy.probe_interval));
        open.fingerprint = Some(refusal.fingerprint());
        open.by_phrase = by_phrase;
        *gate = Gate::Open(open);
        self.suspects[kind.index()].clear();
    }

    /// A person's decision. Answers the kinds whose parked jobs start afresh.
    pub fn resolve(&mut self, resolution: Resolution, policy: &CircuitPolicy, now: Timestamp) -> Vec<Kind> {
        if resolution == Resolution::Retry {
            self.limited_until = None;
            self.credentials.clear();
            self.strikes.clear();
            if self.down.open_mut().is_some() {
                self.down = Gate::Ramping(0);
            }
        }
        Kind::ALL.into_iter().filter(|kind| self.resolve_gate(*kind, resolution, policy, now)).collect()
    }

    fn resolve_gate(
        &mut self,
        kind: Kind,
        resolution: Resolution,
        policy: &CircuitPolicy,
        now: Timestamp,
    ) -> bool {
        let gate = &mut self.kinds[kind.index()];
        let Gate::Open(open) = gate else { return false };
        if let (Resolution::Bury, Some(text)) = (resolution, &open.fingerprint) {
            self.rows.insert(row_key(kind, text), now.after(policy.row_for));
        }
        *gate = Gate::Ramping(0);
        self.suspects[kind.index()].clear();
        true
    }

    /// Whether anything keeps workers from leasing `kind` without a probe.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.limited_until.is_some_and(|until| until > now) || self.reasons().next().is_some()
    }

    /// Until when the API asked everybody to wait (429), if that lies ahead.
    pub fn limited_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.limited_until.filter(|until| *until > now)
    }

    /// The state for people.
    pub fn summary(&self, now: Timestamp) -> Summary {
        let mut reasons: Vec<String> = self.reasons().map(|open| open.reason.clone()).collect();
        if let Some(until) = self.limited_until.filter(|until| *until > now) {
            reasons.push(format!("the API asks to wait until {until} (429)"));
        }
        let probing = self.reasons().any(|open| open.probe.is_some_and(|probe| probe.until > now));
        let ramping = self.kinds.iter().chain([&self.down]).any(|gate| matches!(gate, Gate::Ramping(_)));
        let state = match (reasons.is_empty(), probing, ramping) {
            (false, true, _) => "half_open",
            (false, false, _) => "open",
            (true, _, true) => "ramping",
            (true, _, false) => "closed",
        };
        Summary { state, reason: reasons.join("; ") }
    }

    fn reasons(&self) -> impl Iterator<Item = &Open> {
        let gates = [&self.down].into_iter().chain(&self.kinds).filter_map(|gate| match gate {
            Gate::Open(open) => Some(open),
            Gate::Closed | Gate::Ramping(_) => None,
        });
        gates.chain(self.credentials.values().map(|gate| &gate.open))
    }
}

/// A text is a row's own fault for one kind, not for all.
fn row_key(kind: Kind, fingerprint: &str) -> String {
    format!("{kind} {fingerprint}")
}

impl Gate {
    /// Successes after which a ramp is over.
    const RAMP_END: u32 = 32;

    const fn open_mut(&mut self) -> Option<&mut Open> {
        match self {
            Self::Open(open) => Some(open),
            Self::Closed | Self::Ramping(_) => None,
        }
    }

    fn climb(&mut self) {
        if let Self::Ramping(successes) = self {
            *successes += 1;
            if *successes >= Self::RAMP_END {
                *self = Self::Closed;
            }
        }
    }
}

impl Open {
    const fn new(reason: String, since: Timestamp, next_probe: Timestamp) -> Self {
        Self { reason, fingerprint: None, by_phrase: false, since, next_probe, probe: None, probes: 0 }
    }

    fn ready_at(&self, now: Timestamp) -> Timestamp {
        match self.probe {
            Some(probe) if probe.until > now => probe.until,
            _ => self.next_probe,
        }
    }

    fn is_probe(&self, token: LeaseToken) -> bool {
        self.probe.is_some_and(|probe| probe.token == token)
    }

    fn end_probe(&mut self, token: LeaseToken) {
        if self.is_probe(token) {
            self.probe = None;
        }
    }

    const fn fail_probe(&mut self, next: Timestamp) {
        self.probe = None;
        self.next_probe = next;
    }
}

#[cfg(test)]
mod tests;
