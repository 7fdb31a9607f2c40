//! The remote API failing, refusing, slow, or answering nonsense.

use super::Scenario;

/// In the order of their numbers.
pub(super) const SCENARIOS: &[Scenario] = &[];
