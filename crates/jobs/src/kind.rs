//! The kinds of jobs. Their names are stored and so are a durable contract: never rename one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Creates the customer at the API, once.
    #[serde(rename = "customer.create")]
    CreateCustomer,
    /// Makes an onboarding link for the customer.
    #[serde(rename = "link.create")]
    CreateLink,
    /// Reads the customer's KYB status.
    #[serde(rename = "status.poll")]
    PollStatus,
}

impl Kind {
    /// All kinds, in the order of the pipeline.
    pub const ALL: [Self; 3] = [Self::CreateCustomer, Self::CreateLink, Self::PollStatus];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreateCustomer => "customer.create",
            Self::CreateLink => "link.create",
            Self::PollStatus => "status.poll",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The place in [`Kind::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::CreateCustomer => 0,
            Self::CreateLink => 1,
            Self::PollStatus => 2,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
