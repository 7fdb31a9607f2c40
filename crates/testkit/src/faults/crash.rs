//! Workers that are killed, frozen, starved or poisoned.

use super::Scenario;

mod ground;
mod orphans;
mod s01_kill_storm;
mod s02_killed_before_settle;
mod s03_killed_between_create_and_link;
mod s04_killed_between_state_and_event;
mod s05_frozen_past_lease;
mod s06_starved_worker;
mod s07_poison_pill;
mod starved;
mod torn;

/// In the order of their numbers.
pub(super) const SCENARIOS: &[Scenario] = &[
    s01_kill_storm::SCENARIO,
    s02_killed_before_settle::SCENARIO,
    s03_killed_between_create_and_link::SCENARIO,
    s04_killed_between_state_and_event::SCENARIO,
    s05_frozen_past_lease::SCENARIO,
    s06_starved_worker::SCENARIO,
    s07_poison_pill::SCENARIO,
];
