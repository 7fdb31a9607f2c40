//! Imports cut short, consumers that crash, clocks that jump, and people who press a button twice.

use super::Scenario;

/// In the order of their numbers.
pub(super) const SCENARIOS: &[Scenario] = &[];
