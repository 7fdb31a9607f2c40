//! Workers that meet odd payloads, panic, hang, or are replaced.

use super::Scenario;

/// In the order of their numbers.
pub(super) const SCENARIOS: &[Scenario] = &[];
