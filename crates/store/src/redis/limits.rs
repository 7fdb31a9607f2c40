//! The rate limit: what scripts are told of it, and calls outside of a lease.

use std::time::Duration;

use gangway_jobs::circuit::{Admission, Asker};
use gangway_jobs::id::LeaseToken;
use gangway_jobs::kind::Kind;
use gangway_jobs::limits::{Class, RatePolicy};
use redis::Cmd;
use uuid::Uuid;

use super::found::Held;
use super::reply::{bytes, int, list, other_form, text};
use super::{RedisStore, keys, lua};
use crate::bounds::valid;
use crate::{Permit, PermitRequest, Result};

const ACTION: &str = "permit a call";

/// So often may the circuit change between a look and a permit.
const PATIENCE: usize = 50;

/// The policy as scripts read it.
pub(super) fn write_policy(command: &mut Cmd, policy: &RatePolicy) {
    command.arg(policy.per_second);
    for share in policy.shares {
        command.arg(share);
    }
}

/// The policy as text: calls per second, then the shares.
pub(super) fn policy_text(policy: &RatePolicy) -> String {
    let [interactive, create, poll] = policy.shares;
    format!("{} {interactive} {create} {poll}", policy.per_second)
}

/// Reads that text.
pub(super) fn read_policy(text: &str) -> Option<RatePolicy> {
    let numbers: Vec<f64> =
        text.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>().ok()?;
    let [per_second, shares @ ..] = numbers.as_slice() else { return None };
    Some(RatePolicy { per_second: *per_second, shares: shares.try_into().ok()? })
}

/// The number by which scripts know a class.
pub(super) fn number_of(class: Class) -> usize {
    Class::ALL.iter().position(|known| *known == class).unwrap_or_default() + 1
}

/// How long until a class has a token again.
pub(super) fn wait_for(policy: &RatePolicy, class: Class, tokens: f64) -> Duration {
    gangway_jobs::limits::wait_for(policy, class, tokens)
}

impl RedisStore {
    /// Sets the limit of all workers; `None` goes back to their own.
    pub(super) async fn limit_all(&self, limits: Option<RatePolicy>) -> Result<()> {
        valid(limits.as_ref())?;
        let text = limits.as_ref().map(policy_text).unwrap_or_default();
        let fill = |command: &mut Cmd| {
            command.arg("limits").arg(&text);
        };
        self.core.call("set the rate limit", &lua::PAUSE, fill).await?;
        self.core.woken();
        Ok(())
    }

    /// What people have set.
    pub(super) async fn limits_of_all(&self) -> Result<Option<RatePolicy>> {
        const ACTION: &str = "read the rate limit";
        let get = redis::cmd("GET").arg(self.core.keys.of(keys::LIMITS)).to_owned();
        let Some(set) = text(self.core.work.send(ACTION, &get).await?) else { return Ok(None) };
        read_policy(&set).map(Some).ok_or_else(|| other_form(ACTION))
    }

    pub(super) async fn permit_call(&self, ask: &PermitRequest) -> Result<Permit> {
        for _ in 0..PATIENCE {
            if let Some(wait) = self.wait_at_gates(ask).await? {
                return Ok(Permit::Wait(wait));
            }
            let revision = self.core.circuit().revision;
            let policy = &self.core.policies.rate;
            let fill = |command: &mut Cmd| {
                write_policy(command, policy);
                command.arg(number_of(ask.class)).arg(&revision[..]);
            };
            let reply = self.core.call(ACTION, &lua::PERMIT, fill).await?;
            if reply.word == "circuit" {
                let [stored] = reply.parts(ACTION)?;
                self.core.saw_circuit(&bytes(stored).unwrap_or_default())?;
                continue;
            }
            let other = || other_form(ACTION);
            let [taken, tokens, limits] = reply.parts(ACTION)?;
            if int(&taken) == Some(1) {
                return Ok(Permit::Granted);
            }
            let tokens: f64 = text(tokens).and_then(|text| text.parse().ok()).ok_or_else(other)?;
            let limits = text(limits).and_then(|text| read_policy(&text)).ok_or_else(other)?;
            // A wait of nothing would be a question asked in a circle.
            return Ok(Permit::Wait(wait_for(&limits, ask.class, tokens).max(Duration::from_millis(1))));
        }
        Ok(Permit::Wait(Duration::from_millis(50)))
    }

    /// How long the gates keep a call waiting, as far as is known. A worker that runs a probe may make its second call.
    async fn wait_at_gates(&self, ask: &PermitRequest) -> Result<Option<Duration>> {
        let kind =
            Kind::ALL.into_iter().find(|kind| Class::of(*kind) == ask.class).unwrap_or(Kind::PollStatus);
        let token = LeaseToken::from_uuid(Uuid::nil());
        let asker = Asker { kind, worker: ask.worker, credential: &ask.credential, token };
        let mut seen = self.core.circuit();
        if seen.circuit.is_open(self.core.time.now()) {
            // It may have closed since; a closed one that has opened is noticed by the script.
            self.look_at_circuit().await?;
            seen = self.core.circuit();
        }
        let now = self.core.time.now();
        // Asked of a copy: a probe is a lease, and a call that nobody settles must not stand for one.
        let wait = match seen.circuit.clone().admit(asker, now, Duration::ZERO) {
            Admission::Run(_) => return Ok(None),
            Admission::Probe => self.core.policies.circuit.probe_interval,
            Admission::Blocked(until) => until.since(now),
        };
        let probes = seen.circuit.probes();
        let held =
            self.core.work.send(ACTION, redis::cmd("HVALS").arg(self.core.keys.of(keys::HELD))).await?;
        let is_probe = |held: Held| held.worker() == ask.worker && probes.contains(&held.token());
        let mut held =
            list(held).unwrap_or_default().into_iter().filter_map(|held| Held::read(&bytes(held)?));
        Ok((!held.any(is_probe)).then_some(wait))
    }
}
