//! The names of things: each its own type, so that one is never taken for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::kind::Kind;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that is known to be such an id.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The plain UUID.
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

uuid_id! {
    /// One onboarding: computed from the reference (or the e-mail), see [`crate::identity`].
    OnboardingId
}
uuid_id! {
    /// Names one create at the API, the same on every attempt and every machine, see [`crate::identity`].
    IdempotencyKey
}
uuid_id! {
    /// One import run of one file.
    ImportId
}
uuid_id! {
    /// One start of one worker process; a restart has another.
    WorkerId
}
uuid_id! {
    /// Proves a lease: 128 random bits, minted by the worker for each lease call.
    LeaseToken
}
uuid_id! {
    /// One event in the outbox; derived from the fact it tells, see [`crate::event`].
    EventId
}

impl WorkerId {
    /// A fresh id for a starting process.
    pub fn mint() -> Self {
        Self(Uuid::new_v4())
    }
}

impl LeaseToken {
    /// A fresh token.
    pub fn mint() -> Self {
        Self(Uuid::from_u128(rand::random()))
    }
}

/// The API's name for a customer; opaque.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomerId(String);

impl CustomerId {
    /// The longest id taken from the API; today's are 36 characters.
    pub const MAX_LEN: usize = 128;

    /// Takes an id from the API.
    ///
    /// # Errors
    /// `None` unless it is 1–128 characters out of `A–Z a–z 0–9 - _ . :`, which keeps a URL path built from it in its place.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        let dots_only = text.chars().all(|c| c == '.');
        ((1..=Self::MAX_LEN).contains(&text.len()) && text.chars().all(plain) && !dots_only)
            .then(|| Self(text.to_owned()))
    }

    /// The id as the API wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A job: an onboarding has at most one of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobId {
    /// Whose job it is.
    pub onboarding: OnboardingId,
    /// What it does.
    pub kind: Kind,
}

/// `2d83c41c-…/customer.create`
impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.onboarding, self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_id_cannot_leave_its_place_in_a_path() {
        for bad in ["", "..", "a/b", "a?b", "a#b", "a b", "ä", &"x".repeat(129)] {
            assert_eq!(CustomerId::parse(bad), None, "{bad:?}");
        }
        assert!(CustomerId::parse("0b9f5a52-3c1d-4c6e-9a57-2f6d1f0c8e11").is_some());
    }
}
