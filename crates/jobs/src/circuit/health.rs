//! What an answer, a failure, a 429 and a 401 do to the circuit.

use std::time::Duration;

use super::gate::{Gate, Open};
use super::texts::Standing;
use super::{Circuit, CircuitPolicy, Report, Verdict};
use crate::clock::Timestamp;
use crate::kind::Kind;

/// Stands for the text of a refusal where there was none: the API does not answer calls of one kind.
pub(super) const SILENCE: &str = "no answer";

/// The longest wait that one 429 may bring over all workers.
const MAX_WAIT: Duration = Duration::from_hours(1);

impl Circuit {
    pub(super) fn healthy(
        &mut self,
        report: &Report<'_>,
        fresh: bool,
        policy: &CircuitPolicy,
        now: Timestamp,
    ) -> Verdict {
        self.answered(report, now);
        self.down.climb();
        let kind = report.job.kind;
        // Only a create can be replayed; for the other kinds any success is a new one.
        if fresh || kind != Kind::CreateCustomer {
            self.new_effect(report, policy, now);
        } else if let Some(open) = self.kinds[kind.index()].open_mut() {
            open.end_probe(report.token);
        }
        Verdict::Stands
    }

    fn new_effect(&mut self, report: &Report<'_>, policy: &CircuitPolicy, now: Timestamp) {
        let kind = report.job.kind;
        let until = now.after(policy.row_for);
        let gate = &mut self.kinds[kind.index()];
        if let Gate::Open(open) = gate
            && open.is_probe(report.token)
        {
            if let Some(refusal) = open.refusal.as_ref().filter(|refusal| !refusal.by_phrase) {
                self.rows.learn(kind, &refusal.fingerprint, Standing::Proven, until);
            }
            *gate = Gate::ramping(now);
        }
        gate.climb();
        for fingerprint in self.suspects[kind.index()].take() {
            self.rows.learn(kind, &fingerprint, Standing::OnSecondLook, until);
        }
    }

    /// Any answer to the call itself: the API is up, for this kind too, and takes the credential.
    pub(super) fn answered(&mut self, report: &Report<'_>, now: Timestamp) {
        let kind = report.job.kind;
        self.strikes.heard(kind);
        self.limited_streak = 0;
        for gate in [&mut self.down, &mut self.kinds[kind.index()]] {
            if gate.open().is_some_and(|open| open.refusal.is_none() && open.is_probe(report.token)) {
                *gate = Gate::ramping(now);
            }
        }
        self.credentials.accepted(report);
    }

    pub(super) fn failed(
        &mut self,
        report: &Report<'_>,
        internal: bool,
        policy: &CircuitPolicy,
        now: Timestamp,
    ) -> Verdict {
        let next = now.after(policy.probe_interval);
        let was_probe = self.fail_probes(report, next);
        if self.down.open().is_some() {
            return Verdict::Excuse(Vec::new());
        }
        let kind = report.job.kind;
        let kind_is_silent = self.kinds[kind.index()].open().is_some_and(|open| open.refusal.is_none());
        // A probe of another gate proves nothing by failing, so it costs its job nothing either.
        let free = was_probe || kind_is_silent;
        self.strikes.push(report.job, internal, free, policy.threshold);
        if self.strikes.show_down(policy.threshold) {
            self.down = Gate::Open(Open::new("the API does not answer".to_owned(), None, now, next));
            return self.excuse(report, None);
        }
        if kind_is_silent {
            return self.failed_while_silent(kind, was_probe, policy, now);
        }
        let may_open =
            self.kinds[kind.index()].open().is_none() && self.rows.standing(kind, SILENCE).is_none();
        if may_open && self.strikes.show_kind_down(kind, policy.threshold) {
            let reason = format!("the API does not answer {kind}, though it answers other calls");
            self.kinds[kind.index()] = Gate::Open(Open::new(reason, None, now, next));
            return self.excuse(report, Some(kind));
        }
        if free { Verdict::Excuse(Vec::new()) } else { Verdict::Stands }
    }

    /// If the API as a whole answers and only what is left of one kind fails for ever, then it may be the rows after all.
    fn failed_while_silent(
        &mut self,
        kind: Kind,
        was_probe: bool,
        policy: &CircuitPolicy,
        now: Timestamp,
    ) -> Verdict {
        if let Gate::Open(open) = &mut self.kinds[kind.index()] {
            open.probes += u32::from(was_probe);
            if policy.is_patience_over(open, now) {
                self.rows.learn(kind, SILENCE, Standing::Proven, now.after(policy.row_for));
                self.kinds[kind.index()] = Gate::ramping(now);
                return Verdict::Stands;
            }
        }
        Verdict::Excuse(Vec::new())
    }

    /// The outage has shown itself: the failures before cost nothing. The reporting job is excused by its own outcome.
    fn excuse(&mut self, report: &Report<'_>, kind: Option<Kind>) -> Verdict {
        let mut excused = self.strikes.excuse(kind);
        excused.retain(|job| *job != report.job);
        Verdict::Excuse(excused)
    }

    fn fail_probes(&mut self, report: &Report<'_>, next: Timestamp) -> bool {
        let own = [&mut self.down, &mut self.kinds[report.job.kind.index()]];
        let was_probe = own
            .into_iter()
            .filter_map(Gate::open_mut)
            .map(|open| open.fail_probe(report.token, next))
            .fold(false, |any, one| any | one);
        self.credentials.fail_probe(report.token, next) | was_probe
    }

    pub(super) fn limited(&mut self, report: &Report<'_>, wait: Option<Duration>, now: Timestamp) -> Verdict {
        self.withdraw(report.token);
        let wait = match wait.filter(|wait| !wait.is_zero()) {
            Some(asked) => asked.min(MAX_WAIT),
            // One of many calls that were under way when the first such answer came: no news.
            None if self.limited_until(now).is_some() => return Verdict::Stands,
            None => {
                self.limited_streak = (self.limited_streak + 1).min(5);
                Duration::from_secs(1 << (self.limited_streak - 1))
            }
        };
        self.limited_until = self.limited_until.max(Some(now.after(wait)));
        Verdict::Stands
    }

    pub(super) fn unauthorized(
        &mut self,
        report: &Report<'_>,
        policy: &CircuitPolicy,
        now: Timestamp,
    ) -> Verdict {
        // Tells nothing of the other gates: a worker with a good credential may probe them at once, while this one waits.
        for open in self.kinds.iter_mut().chain([&mut self.down]).filter_map(Gate::open_mut) {
            open.end_probe(report.token);
        }
        self.credentials.refused(report, now, now.after(policy.probe_interval));
        Verdict::Stands
    }
}
