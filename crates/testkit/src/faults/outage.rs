//! The store's server gone, slow or replaced.

use super::Scenario;

/// In the order of their numbers.
pub(super) const SCENARIOS: &[Scenario] = &[];
