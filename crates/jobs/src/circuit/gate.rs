//! One gate: closed, open with a reason and a probe on its way, or ramping up again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::LeaseToken;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Gate {
    #[default]
    Closed,
    Ramping(Ramp),
    Open(Open),
}

/// The way from one call to all of them, so that a recovering API meets no herd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ramp {
    successes: u32,
    /// Ends by itself then: with nothing left to do there would be no success to end it.
    until: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Open {
    /// In words, for people.
    pub(super) reason: String,
    /// What is refused, for a gate that a refusal opened. Without one, any answer of the API is what the gate waits for.
    pub(super) refusal: Option<Systemic>,
    pub(super) since: Timestamp,
    pub(super) next_probe: Timestamp,
    probe: Option<Probe>,
    /// Probes that met the reason.
    pub(super) probes: u32,
}

/// The refusal that everybody meets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Systemic {
    pub(super) fingerprint: String,
    /// Known by a phrase that always means everybody: a probe that succeeds does not make it a row's own fault.
    pub(super) by_phrase: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Probe {
    token: LeaseToken,
    /// A probe whose worker died holds nobody up for longer.
    until: Timestamp,
}

impl Gate {
    /// How long a ramp lasts at most.
    const RAMP_FOR: Duration = Duration::from_mins(1);

    pub(super) fn ramping(now: Timestamp) -> Self {
        Self::Ramping(Ramp { successes: 0, until: now.after(Self::RAMP_FOR) })
    }

    pub(super) const fn open(&self) -> Option<&Open> {
        match self {
            Self::Open(open) => Some(open),
            Self::Closed | Self::Ramping(_) => None,
        }
    }

    pub(super) const fn open_mut(&mut self) -> Option<&mut Open> {
        match self {
            Self::Open(open) => Some(open),
            Self::Closed | Self::Ramping(_) => None,
        }
    }

    pub(super) fn ramp(&self, now: Timestamp) -> Option<&Ramp> {
        match self {
            Self::Ramping(ramp) if ramp.until > now => Some(ramp),
            Self::Closed | Self::Ramping(_) | Self::Open(_) => None,
        }
    }

    /// A success while the gate is not open.
    pub(super) fn climb(&mut self) {
        if let Self::Ramping(ramp) = self {
            ramp.successes += 1;
            if ramp.successes >= Ramp::END {
                *self = Self::Closed;
            }
        }
    }
}

impl Ramp {
    /// Successes after which it is over.
    const END: u32 = 32;

    /// How many calls of a kind may be under way: each success adds two.
    pub(super) const fn width(&self) -> usize {
        2 * (self.successes as usize + 1)
    }
}

impl Open {
    pub(super) const fn new(
        reason: String,
        refusal: Option<Systemic>,
        since: Timestamp,
        next_probe: Timestamp,
    ) -> Self {
        Self { reason, refusal, since, next_probe, probe: None, probes: 0 }
    }

    /// When the next probe may start, unless something settles before.
    pub(super) fn ready_at(&self, now: Timestamp) -> Timestamp {
        match self.probe {
            Some(probe) if probe.until > now => probe.until.max(self.next_probe),
            _ => self.next_probe,
        }
    }

    pub(super) fn start_probe(&mut self, token: LeaseToken, until: Timestamp) {
        self.probe = Some(Probe { token, until });
    }

    /// The lease that probes it.
    pub(super) fn probe(&self) -> Option<LeaseToken> {
        self.probe.map(|probe| probe.token)
    }

    pub(super) fn is_probe(&self, token: LeaseToken) -> bool {
        self.probe.is_some_and(|probe| probe.token == token)
    }

    pub(super) fn is_probing(&self, now: Timestamp) -> bool {
        self.probe.is_some_and(|probe| probe.until > now)
    }

    /// The probe told nothing of the reason: another may follow at once.
    pub(super) fn end_probe(&mut self, token: LeaseToken) {
        if self.is_probe(token) {
            self.probe = None;
        }
    }

    /// The probe met the reason, or nothing better: the next one waits. Answers whether it was the probe.
    pub(super) fn fail_probe(&mut self, token: LeaseToken, next: Timestamp) -> bool {
        let was_probe = self.is_probe(token);
        if was_probe {
            self.probe = None;
            self.next_probe = next;
        }
        was_probe
    }
}
