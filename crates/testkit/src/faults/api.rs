//! The remote API failing, refusing, slow, or answering nonsense.

use super::{Scenario, Stage, Told};

mod ground;
mod s34_answers_lost;
mod s35_late_effect;
mod s38_key_in_use;
mod s39_retry_after;
mod s41_api_down;
mod s42_slow_polls;
mod s43_nonsense_answers;
mod s44_key_rotated;
mod s45_one_bad_row;
mod s46_links_expire;
mod s48_no_hints;
mod s50_endless_form;

/// In the order of their numbers.
pub(super) const SCENARIOS: &[Scenario] = &[
    s34_answers_lost::SCENARIO,
    s35_late_effect::SCENARIO,
    s38_key_in_use::SCENARIO,
    s39_retry_after::SCENARIO,
    s41_api_down::SCENARIO,
    s42_slow_polls::SCENARIO,
    s43_nonsense_answers::SCENARIO,
    s44_key_rotated::SCENARIO,
    s45_one_bad_row::SCENARIO,
    s46_links_expire::SCENARIO,
    s48_no_hints::SCENARIO,
    s50_endless_form::SCENARIO,
];
