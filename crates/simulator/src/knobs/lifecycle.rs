//! What users and compliance do, and how long they take.

use serde::{Deserialize, Serialize};

use super::probability;
use crate::error::Error;

/// Knobs of the autopilot, which plays the user and compliance. All of it is chosen; only the graph is documented, at
/// <https://developer.1money.com/reference/get_hosted_customer>. Times are simulated seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LifecycleKnobs {
    /// Whether users act by themselves once they have a link.
    pub users: bool,
    /// Whether compliance acts by itself once a form is submitted.
    pub compliance: bool,
    /// Share of users who never open a link.
    pub never_submits: f64,
    /// From the making of a link to its opening. The default lies within the life of a link; beyond it the user comes
    /// too late and waits for another one.
    pub opens_after: Span,
    /// From the opening to the submission.
    pub fills_in: Span,
    /// How long a form is queued.
    pub pending_review: Span,
    /// How long a review takes.
    pub under_review: Span,
    /// How long an escalation, a final approval or a provisioning takes.
    pub detour: Span,
    /// Probability that a review ends in rejection.
    pub rejected: f64,
    /// Probability that it ends in questions; the rest is approved.
    pub pending_response: f64,
    /// Rounds of questions after which a review asks no more.
    pub max_questions: u32,
    /// Probability that a review is escalated first.
    pub escalated: f64,
    /// Probability that a verdict waits for a final approval.
    pub pending_approval: f64,
    /// Probability that an approval passes through provisioning first.
    pub provisioning: f64,
    /// Probability that an approved customer is provisioned after the fact: approved, provisioning, approved.
    pub reprovisioning: f64,
    /// Whether a rejected customer who gets a new link submits again.
    pub rejected_may_resubmit: bool,
}

impl Default for LifecycleKnobs {
    fn default() -> Self {
        Self {
            users: true,
            compliance: true,
            never_submits: 0.0,
            opens_after: Span::new(30.0, 1200.0),
            fills_in: Span::new(120.0, 1500.0),
            pending_review: Span::new(60.0, 1800.0),
            under_review: Span::new(600.0, 7200.0),
            detour: Span::new(300.0, 3600.0),
            rejected: 0.1,
            pending_response: 0.2,
            max_questions: 3,
            escalated: 0.0,
            pending_approval: 0.0,
            provisioning: 0.0,
            reprovisioning: 0.0,
            rejected_may_resubmit: true,
        }
    }
}

impl LifecycleKnobs {
    pub(crate) fn validate(&self) -> Result<(), Error> {
        for (field, value) in [
            ("never_submits", self.never_submits),
            ("rejected", self.rejected),
            ("pending_response", self.pending_response),
            ("escalated", self.escalated),
            ("pending_approval", self.pending_approval),
            ("provisioning", self.provisioning),
            ("reprovisioning", self.reprovisioning),
        ] {
            probability(&format!("lifecycle.{field}"), value)?;
        }
        if self.rejected + self.pending_response > 1.0 {
            return Err(Error::setting("lifecycle.rejected", "and pending_response together exceed 1"));
        }
        for (field, span) in [
            ("opens_after", self.opens_after),
            ("fills_in", self.fills_in),
            ("pending_review", self.pending_review),
            ("under_review", self.under_review),
            ("detour", self.detour),
        ] {
            span.validate(field)?;
        }
        Ok(())
    }
}

/// A length of simulated time between two bounds, drawn evenly.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// At least so many seconds.
    pub min_s: f64,
    /// At most so many.
    pub max_s: f64,
}

impl Span {
    /// Between `min_s` and `max_s` seconds.
    pub const fn new(min_s: f64, max_s: f64) -> Self {
        Self { min_s, max_s }
    }

    fn validate(self, field: &str) -> Result<(), Error> {
        if self.min_s >= 0.0 && self.min_s <= self.max_s && self.max_s.is_finite() {
            return Ok(());
        }
        Err(Error::setting(format!("lifecycle.{field}"), "needs 0 <= min_s <= max_s"))
    }
}
