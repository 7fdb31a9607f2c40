//! The store's server gone, slow or replaced.

use super::Scenario;

mod import;
mod load;
mod pulse;
mod s16_connections_killed;
mod s17_restart;
mod s18_killed_fsync_always;
mod s19_killed_fsync_everysec;
mod s20_failover_with_lag;
mod s21_long_absence;
mod s22_absent_at_boot;
mod s26_flush_failover_readonly;
mod s27_slow_and_lossy_network;
mod s60_partition;

/// In the order of their numbers.
pub(super) const SCENARIOS: &[Scenario] = &[
    s16_connections_killed::SCENARIO,
    s17_restart::SCENARIO,
    s18_killed_fsync_always::SCENARIO,
    s19_killed_fsync_everysec::SCENARIO,
    s20_failover_with_lag::SCENARIO,
    s21_long_absence::SCENARIO,
    s22_absent_at_boot::SCENARIO,
    s26_flush_failover_readonly::SCENARIO,
    s27_slow_and_lossy_network::SCENARIO,
    s60_partition::SCENARIO,
];
