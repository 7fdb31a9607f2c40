//! Failures as data: what is stored with a job and shown to people.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::mask;

/// Why an attempt failed. The message is masked and short: it may be shown anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable word for programs.
    pub code: Code,
    /// A sentence for people; masked, at most 200 characters.
    pub message: String,
    /// When it happened, by the worker's clock.
    pub at: Timestamp,
}

impl Failure {
    /// Masks and cuts `message`. Values of the row must have been masked before: they are not known here.
    pub fn new(code: Code, message: &str, at: Timestamp) -> Self {
        Self { code, message: mask::masked(message, &[]), at }
    }
}

/// The stable words. They are stored and published, so none is ever renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The API says that the e-mail belongs to another customer.
    EmailTaken,
    /// The API refuses the content.
    Invalid,
    /// The API refuses for another reason.
    Refused,
    /// Nothing definite was heard; a customer may exist.
    Unresolved,
    /// The API could not be reached, and no call can have had an effect.
    Unreachable,
    /// The key belongs to a customer with another e-mail.
    ForeignCustomer,
    /// The API does not know the customer that it made.
    CustomerMissing,
    /// The answer was not what the API's contract says.
    Contract,
    /// The stored payload cannot be read by this version.
    Undecodable,
    /// The worker process died repeatedly while it ran this job.
    Poison,
    /// The store refused to write the outcome.
    Unsettleable,
    /// The handler panicked.
    Panic,
    /// The handler did not end in time.
    TimedOut,
}

impl Code {
    /// The word itself.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EmailTaken => "email_taken",
            Self::Invalid => "invalid",
            Self::Refused => "refused",
            Self::Unresolved => "unresolved",
            Self::Unreachable => "unreachable",
            Self::ForeignCustomer => "foreign_customer",
            Self::CustomerMissing => "customer_missing",
            Self::Contract => "contract",
            Self::Undecodable => "undecodable",
            Self::Poison => "poison",
            Self::Unsettleable => "unsettleable",
            Self::Panic => "panic",
            Self::TimedOut => "timed_out",
        }
    }

    /// Whether the API has said, beyond doubt, that no customer came of it.
    pub const fn is_definite_refusal(self) -> bool {
        matches!(self, Self::EmailTaken | Self::Invalid | Self::Refused)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
