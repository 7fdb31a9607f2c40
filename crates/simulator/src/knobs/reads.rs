//! Reading customers.

use serde::{Deserialize, Serialize};

/// Knobs of the reading routes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReadKnobs {
    /// Case in which statuses are written. The pages disagree; chosen: upper, as in the vendor's schemas.
    pub status_case: StatusCase,
    /// What `total` of the list counts. Chosen: all matches; the Go SDK comments that it counts this page.
    pub list_total: ListTotal,
    /// Real milliseconds after a create during which the lookup by key still answers 404. Chosen: 0.
    pub lookup_lag_ms: u64,
    /// Whether a read by id lets the customer take its next step first, so that the end comes after a known number of
    /// polls and not after a time. Chosen: no. Not part of the API.
    pub take_steps: bool,
}

impl Default for ReadKnobs {
    fn default() -> Self {
        Self {
            status_case: StatusCase::Upper,
            list_total: ListTotal::All,
            lookup_lag_ms: 0,
            take_steps: false,
        }
    }
}

/// Case of status words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusCase {
    /// `INIT`.
    Upper,
    /// `init`.
    Lower,
}

/// What `total` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListTotal {
    /// All customers that match.
    All,
    /// The customers on this page.
    Page,
}
