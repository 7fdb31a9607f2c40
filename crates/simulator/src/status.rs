//! The nine words for where a customer's KYB stands.

use serde::{Deserialize, Serialize};

/// KYB status, as <https://developer.1money.com/reference/get_customer> lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Created; the form is not begun or in progress.
    Init,
    /// Submitted, queued for review.
    PendingReview,
    /// Compliance is at work.
    UnderReview,
    /// More data or corrections are needed: the user wants a new link.
    PendingResponse,
    /// Escalated for further review.
    Escalated,
    /// Awaiting final approval.
    PendingApproval,
    /// KYB approved, accounts being set up.
    Provisioning,
    /// KYB complete.
    Approved,
    /// Application rejected.
    Rejected,
}

impl Status {
    /// All nine.
    pub const ALL: [Self; 9] = [
        Self::Init,
        Self::PendingReview,
        Self::UnderReview,
        Self::PendingResponse,
        Self::Escalated,
        Self::PendingApproval,
        Self::Provisioning,
        Self::Approved,
        Self::Rejected,
    ];

    /// The word in upper case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::PendingReview => "PENDING_REVIEW",
            Self::UnderReview => "UNDER_REVIEW",
            Self::PendingResponse => "PENDING_RESPONSE",
            Self::Escalated => "ESCALATED",
            Self::PendingApproval => "PENDING_APPROVAL",
            Self::Provisioning => "PROVISIONING",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
        }
    }

    /// The status of that name, in either case.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str().eq_ignore_ascii_case(word))
    }

    /// Whether <https://developer.1money.com/reference/create_onboarding_link> allows a link in this status.
    pub const fn allows_link(self) -> bool {
        matches!(self, Self::Init | Self::PendingResponse | Self::Rejected)
    }

    /// Whether compliance has flagged something that the user can read.
    pub const fn has_issues(self) -> bool {
        matches!(self, Self::PendingResponse | Self::Rejected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_either_case_and_written_as_serde_writes_them() {
        for status in Status::ALL {
            assert_eq!(Status::parse(&status.as_str().to_lowercase()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        assert_eq!(Status::parse("DRAFT"), None);
    }
}
