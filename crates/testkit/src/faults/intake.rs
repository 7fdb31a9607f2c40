//! Imports cut short, repeated, or broken.

use super::Scenario;

mod broken;
mod s52_producer_killed;
mod s53_imported_again;
mod s55_broken_csv;
mod watched;

/// In the order of their numbers.
pub(super) const SCENARIOS: &[Scenario] =
    &[s52_producer_killed::SCENARIO, s53_imported_again::SCENARIO, s55_broken_csv::SCENARIO];
