//! The KYB status of a customer, as the API tells it ([retrieve customer][p6]).
//!
//! The API spells statuses in either case, and new ones may come: what is not known is not terminal.
//!
//! [p6]: https://developer.1money.com/reference/get_customer

use std::fmt;

use serde::{Deserialize, Serialize};

/// A status. Keeps no spelling: the record keeps the API's own word beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Created; the form not begun or in progress.
    Init,
    /// Submitted and queued.
    PendingReview,
    /// Compliance is at work.
    UnderReview,
    /// More data or corrections are needed; a new link is.
    PendingResponse,
    /// Escalated for further review.
    Escalated,
    /// Awaits the final approval.
    PendingApproval,
    /// Approved, accounts are being set up; not usable yet.
    Provisioning,
    /// Approved and active. Ends the onboarding.
    Approved,
    /// Rejected. Ends the round; a new link may open another.
    Rejected,
    /// A word not known here; not terminal.
    Unknown,
}

impl Status {
    /// Reads a status without regard to case.
    pub fn parse(word: &str) -> Self {
        match word.trim().to_ascii_uppercase().as_str() {
            "INIT" => Self::Init,
            "PENDING_REVIEW" => Self::PendingReview,
            "UNDER_REVIEW" => Self::UnderReview,
            "PENDING_RESPONSE" => Self::PendingResponse,
            "ESCALATED" => Self::Escalated,
            "PENDING_APPROVAL" => Self::PendingApproval,
            "PROVISIONING" => Self::Provisioning,
            "APPROVED" => Self::Approved,
            "REJECTED" => Self::Rejected,
            _ => Self::Unknown,
        }
    }

    /// Whether polling ends here.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Approved | Self::Rejected)
    }

    /// Whether compliance has the application, so that only waiting helps.
    pub const fn is_under_review(self) -> bool {
        matches!(
            self,
            Self::PendingReview
                | Self::UnderReview
                | Self::Escalated
                | Self::PendingApproval
                | Self::Provisioning
        )
    }

    /// Whether the API makes a link in this status ([create onboarding link][p2]). Unknown ones may: it is asked.
    ///
    /// [p2]: https://developer.1money.com/reference/create_onboarding_link
    pub const fn allows_link(self) -> bool {
        matches!(self, Self::Init | Self::PendingResponse | Self::Rejected | Self::Unknown)
    }
}

/// A status in the API's own spelling; equal when they mean the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KybStatus(String);

impl KybStatus {
    /// The longest word kept.
    const MAX_CHARS: usize = 64;

    /// Keeps the API's word, cut to 64 characters.
    pub fn new(word: &str) -> Self {
        Self(word.trim().chars().take(Self::MAX_CHARS).collect())
    }

    /// What it means.
    pub fn status(&self) -> Status {
        Status::parse(&self.0)
    }

    /// The API's word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for KybStatus {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for KybStatus {}

impl fmt::Display for KybStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter_and_the_word_is_kept() {
        let seen = KybStatus::new("pending_review");
        assert_eq!(seen.status(), Status::PendingReview);
        assert_eq!(seen, KybStatus::new("PENDING_REVIEW"));
        assert_eq!(seen.as_str(), "pending_review");
    }

    #[test]
    fn an_unknown_word_is_never_terminal() {
        assert!(!KybStatus::new("FROZEN").status().is_terminal());
        assert_ne!(KybStatus::new("FROZEN"), KybStatus::new("THAWED"));
    }
}
