//! Stories of the circuit on a manual time line.

use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::id::OnboardingId;
use crate::signal::{Blame, Refusal};

mod credentials;
mod down;
mod everything;
mod limited;
mod systemic;
mod together;

const LEASE: Duration = Duration::from_mins(1);
const CREATE: Kind = Kind::CreateCustomer;
const LINK: Kind = Kind::CreateLink;
const POLL: Kind = Kind::PollStatus;

const FRESH: Signal = Signal::Healthy { fresh: true };
const REPLAY: Signal = Signal::Healthy { fresh: false };
const SILENT: Signal = Signal::Down { internal: false };
const PLAIN_500: Signal = Signal::Down { internal: true };

fn refused(text: &str) -> Signal {
    Signal::Refused(Refusal { status: 400, text: text.to_owned(), blame: Blame::Unclear })
}

fn taken() -> Signal {
    Signal::Refused(Refusal { status: 400, text: "[email] already exists".to_owned(), blame: Blame::Row })
}

fn quota() -> Signal {
    Signal::Refused(Refusal { status: 400, text: "quota reached".to_owned(), blame: Blame::Everybody })
}

fn job(kind: Kind, number: u128) -> JobId {
    JobId { onboarding: OnboardingId::from_uuid(Uuid::from_u128(number)), kind }
}

fn worker(number: u128) -> WorkerId {
    WorkerId::from_uuid(Uuid::from_u128(number))
}

/// One circuit, its clock, and the worker and credential that speak next.
struct Line {
    circuit: Circuit,
    policy: CircuitPolicy,
    now: Timestamp,
    tokens: u128,
    worker: u128,
    credential: &'static str,
    live_workers: usize,
}

impl Line {
    fn new() -> Self {
        Self {
            circuit: Circuit::default(),
            policy: CircuitPolicy::default(),
            now: Timestamp::from_millis(1_000_000),
            tokens: 0,
            worker: 1,
            credential: "key-1",
            live_workers: 3,
        }
    }

    fn wait(&mut self, seconds: u64) {
        self.now = self.now.after(Duration::from_secs(seconds));
    }

    fn speak_as(&mut self, worker: u128, credential: &'static str) {
        self.worker = worker;
        self.credential = credential;
    }

    fn ask(&mut self, kind: Kind) -> (Admission, LeaseToken) {
        self.tokens += 1;
        let token = LeaseToken::from_uuid(Uuid::from_u128(self.tokens));
        let asker = Asker { kind, worker: worker(self.worker), credential: self.credential, token };
        (self.circuit.admit(asker, self.now, LEASE), token)
    }

    fn may(&mut self, kind: Kind) -> Admission {
        self.ask(kind).0
    }

    /// Asks, and expects to be a probe.
    fn probe(&mut self, kind: Kind) -> LeaseToken {
        let (admission, token) = self.ask(kind);
        assert_eq!(admission, Admission::Probe, "{}", self.circuit.summary(self.now).reason);
        token
    }

    fn is_blocked(&mut self, kind: Kind) -> bool {
        matches!(self.may(kind), Admission::Blocked(until) if until > self.now)
    }

    fn settle(&mut self, job: JobId, token: LeaseToken, parked: bool, signal: &Signal) -> Verdict {
        let report = Report {
            job,
            token,
            worker: worker(self.worker),
            credential: self.credential,
            signal,
            parked,
            live_workers: self.live_workers,
        };
        self.circuit.observe(&report, &self.policy, self.now)
    }

    /// The end of an attempt whose lease is no probe.
    fn hear(&mut self, kind: Kind, number: u128, signal: &Signal) -> Verdict {
        self.tokens += 1;
        let token = LeaseToken::from_uuid(Uuid::from_u128(self.tokens));
        self.settle(job(kind, number), token, false, signal)
    }

    /// The same of a job that had been parked.
    fn hear_again(&mut self, kind: Kind, number: u128, signal: &Signal) -> Verdict {
        self.tokens += 1;
        let token = LeaseToken::from_uuid(Uuid::from_u128(self.tokens));
        self.settle(job(kind, number), token, true, signal)
    }

    fn state(&self) -> &'static str {
        self.circuit.summary(self.now).state
    }

    fn reason(&self) -> String {
        self.circuit.summary(self.now).reason
    }
}

fn bring_down(line: &mut Line) {
    for n in 0..10 {
        line.hear(CREATE, n, &SILENT);
    }
    assert_eq!((line.state(), line.reason().as_str()), ("open", "the API does not answer"));
}
