//! The store's server full, flushed, crowded or set up wrongly.

use super::Scenario;

mod disk;
mod s23_memory_full;
mod s24_unsafe_policy;
mod s25_disk_full;
mod s28_stampede;
mod s29_million_waiting;
mod s30_soak;
mod s33_cluster;
mod waiting;

/// In the order of their numbers.
pub(super) const SCENARIOS: &[Scenario] = &[
    s23_memory_full::SCENARIO,
    s24_unsafe_policy::SCENARIO,
    s25_disk_full::SCENARIO,
    s28_stampede::SCENARIO,
    s29_million_waiting::SCENARIO,
    s30_soak::SCENARIO,
    s33_cluster::SCENARIO,
];
