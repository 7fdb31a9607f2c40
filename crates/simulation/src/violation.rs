//! A promise that did not hold.

/// What was found, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{promise}: {found}")]
pub struct Violation {
    /// The promise, as a sentence.
    pub promise: &'static str,
    /// What was found instead; names customers by their numbers.
    pub found: String,
}

/// The result of a step.
pub(crate) type Held<T = ()> = Result<T, Violation>;

/// Says that a promise did not hold.
pub(crate) fn broken<T>(promise: &'static str, found: impl Into<String>) -> Held<T> {
    Err(Violation { promise, found: found.into() })
}

/// The store answered with an error, which nothing here gives it a reason to.
pub(crate) fn answered<T>(answer: gangway_store::Result<T>) -> Held<T> {
    answer.or_else(|error| broken("the store does what it is asked", error.to_string()))
}
