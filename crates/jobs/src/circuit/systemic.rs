//! Refusals: the row's own fault, or everybody's.
//!
//! | a refusal | gate of the kind closed | open |
//! |---|---|---|
//! | whose text names a row's fault, or is proven to be one | stands | stands; the next probe follows at once |
//! | whose text names everybody's | opens, parked | parked; becomes the reason |
//! | unclear, met by enough onboardings without a new effect between | opens, parked | parked; becomes the reason |
//! | unclear, first look | parked for a second look | parked |
//! | unclear, second look | stands | parked |
//!
//! An open gate never buries an unclear refusal. But it does not stay open for ever either: after enough probes over a
//! long enough time, whatever they met, all that is parked is decided.

use std::time::Duration;

use super::gate::{Gate, Open, Systemic};
use super::health::SILENCE;
use super::texts::Standing;
use super::{Circuit, CircuitPolicy, Report, Resolution, Verdict};
use crate::clock::Timestamp;
use crate::kind::Kind;
use crate::signal::{Blame, Refusal};

impl Circuit {
    pub(super) fn refused(
        &mut self,
        report: &Report<'_>,
        refusal: &Refusal,
        policy: &CircuitPolicy,
        now: Timestamp,
    ) -> Verdict {
        self.answered(report, now);
        let kind = report.job.kind;
        let standing = self.rows.standing(kind, &refusal.fingerprint());
        let gate = self.kinds[kind.index()].open_mut();
        if refusal.blame == Blame::Row || standing == Some(Standing::Proven) {
            if let Some(open) = gate {
                open.end_probe(report.token);
            }
            return Verdict::Stands;
        }
        if gate.is_some_and(|open| open.refusal.is_some()) {
            return self.refused_while_open(report, refusal, policy, now);
        }
        if refusal.blame == Blame::Unclear && report.parked && standing.is_some() {
            // Met once, then somebody else had a new effect, met again: this row and not the account.
            return Verdict::Stands;
        }
        if self.is_systemic(report, refusal, policy) {
            self.open_kind(kind, refusal, policy, now);
            return Verdict::Park(Duration::ZERO);
        }
        if report.parked { Verdict::Stands } else { Verdict::Park(policy.confirm_after) }
    }

    fn is_systemic(&mut self, report: &Report<'_>, refusal: &Refusal, policy: &CircuitPolicy) -> bool {
        let suspects = &mut self.suspects[report.job.kind.index()];
        refusal.blame == Blame::Everybody
            || suspects.note(&refusal.fingerprint(), report.job.onboarding, policy.suspects)
                >= policy.suspects
    }

    fn refused_while_open(
        &mut self,
        report: &Report<'_>,
        refusal: &Refusal,
        policy: &CircuitPolicy,
        now: Timestamp,
    ) -> Verdict {
        let kind = report.job.kind;
        let Gate::Open(open) = &mut self.kinds[kind.index()] else { return Verdict::Stands };
        // Met by a probe, another unclear refusal is no better than the reason itself.
        let was_probe = open.fail_probe(report.token, now.after(policy.probe_interval));
        open.probes += u32::from(was_probe);
        if policy.is_patience_over(open, now) {
            let until = now.after(policy.row_for);
            self.rows.learn(kind, &refusal.fingerprint(), Standing::Proven, until);
            self.resolve_gate(kind, Resolution::Bury, policy, now);
            return Verdict::Stands;
        }
        let is_the_reason =
            open.refusal.as_ref().is_some_and(|known| known.fingerprint == refusal.fingerprint());
        if !is_the_reason && self.is_systemic(report, refusal, policy) {
            self.change_reason(kind, refusal);
        }
        Verdict::Park(Duration::ZERO)
    }

    fn open_kind(&mut self, kind: Kind, refusal: &Refusal, policy: &CircuitPolicy, now: Timestamp) {
        let next = now.after(policy.probe_interval);
        let open = Open::new(reason(kind, refusal), Some(systemic(refusal)), now, next);
        self.kinds[kind.index()] = Gate::Open(open);
        self.suspects[kind.index()].clear();
    }

    /// The API says no in other words now. The patience with it does not begin anew, or two texts that take turns would
    /// hold the parked jobs for ever.
    fn change_reason(&mut self, kind: Kind, refusal: &Refusal) {
        if let Gate::Open(open) = &mut self.kinds[kind.index()] {
            open.reason = reason(kind, refusal);
            open.refusal = Some(systemic(refusal));
        }
        self.suspects[kind.index()].clear();
    }

    pub(super) fn resolve_gate(
        &mut self,
        kind: Kind,
        resolution: Resolution,
        policy: &CircuitPolicy,
        now: Timestamp,
    ) -> bool {
        let gate = &mut self.kinds[kind.index()];
        let Gate::Open(open) = gate else { return false };
        if resolution == Resolution::Bury {
            let text = open.refusal.as_ref().map_or(SILENCE, |refusal| &refusal.fingerprint);
            self.rows.learn(kind, text, Standing::Proven, now.after(policy.row_for));
        }
        *gate = Gate::ramping(now);
        self.suspects[kind.index()].clear();
        true
    }
}

fn reason(kind: Kind, refusal: &Refusal) -> String {
    format!("{kind} is refused for everybody: {} {}", refusal.status, refusal.text)
}

fn systemic(refusal: &Refusal) -> Systemic {
    Systemic { fingerprint: refusal.fingerprint(), by_phrase: refusal.blame == Blame::Everybody }
}
