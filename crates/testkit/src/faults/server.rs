//! The store's server full, flushed, crowded or set up wrongly.

use super::Scenario;

/// In the order of their numbers.
pub(super) const SCENARIOS: &[Scenario] = &[];
