//! What must be there when a store is opened.

use crate::stamp::Expected;

/// What must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A store made for this, or none: then it is made.
    Create(Expected),
    /// A store made for this.
    Existing(Expected),
    /// A store, whatever it was made for.
    AsFound,
}

impl Mode {
    /// What the store must have been made for, if that matters.
    pub const fn expected(&self) -> Option<&Expected> {
        match self {
            Self::Create(expected) | Self::Existing(expected) => Some(expected),
            Self::AsFound => None,
        }
    }

    /// Whether a store is made if there is none.
    pub const fn may_create(&self) -> bool {
        matches!(self, Self::Create(_))
    }
}
