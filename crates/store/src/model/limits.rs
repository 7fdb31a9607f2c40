//! The rate limit that all workers share, and permits for calls outside of a lease.

use std::time::Duration;

use gangway_jobs::circuit::{Admission, Asker};
use gangway_jobs::clock::Timestamp;
use gangway_jobs::id::LeaseToken;
use gangway_jobs::job::Job;
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::{Bucket, Class, RatePolicy};

use super::state::State;
use crate::Result;
use crate::bounds::valid;
use crate::words::{Permit, PermitRequest};

impl State {
    pub(super) fn set_limits(&mut self, limits: Option<RatePolicy>) -> Result<()> {
        valid(limits.as_ref())?;
        self.limits = limits;
        Ok(())
    }

    /// Takes up to `wanted` tokens; answers how many, and how long until there is another one.
    pub(super) fn take_tokens(&mut self, class: Class, wanted: usize, now: Timestamp) -> (usize, Duration) {
        let policy = self.limits.unwrap_or(self.policies.rate);
        let bucket = self.bucket.get_or_insert_with(|| Bucket::full(&policy, now));
        (bucket.take(&policy, class, wanted, now), bucket.wait(&policy, class))
    }

    pub(super) fn permit(&mut self, ask: &PermitRequest, now: Timestamp) -> Permit {
        if let Some(wait) = self.wait_at_gates(ask, now) {
            return Permit::Wait(wait);
        }
        match self.take_tokens(ask.class, 1, now) {
            (1, _) => Permit::Granted,
            // A wait of nothing would be a question asked in a circle.
            (_, wait) => Permit::Wait(wait.max(Duration::from_millis(1))),
        }
    }

    /// How long a call must wait for the circuit. A worker that runs a probe may make the probe's second call.
    fn wait_at_gates(&self, ask: &PermitRequest, now: Timestamp) -> Option<Duration> {
        let kind = Kind::ALL.into_iter().find(|kind| Class::of(*kind) == ask.class)?;
        let token = LeaseToken::from_uuid(uuid::Uuid::nil());
        let asker = Asker { kind, worker: ask.worker, credential: &ask.credential, token };
        // Asked of a copy: a call that nobody settles must not stand for a probe.
        let wait = match self.circuit.clone().admit(asker, now, Duration::ZERO) {
            Admission::Run(_) => return None,
            Admission::Probe => self.policies.circuit.probe_interval,
            Admission::Blocked(until) => until.since(now),
        };
        let probes = self.circuit.probes();
        let is_probe = |job: &Job| {
            job.lease().is_some_and(|lease| lease.worker == ask.worker && probes.contains(&lease.token))
        };
        (!self.jobs.values().any(is_probe)).then_some(wait)
    }
}
