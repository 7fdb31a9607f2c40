//! Onboarding links.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Knobs of `POST /v1/customers/{customer_id}/onboarding_links` and of what the links do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each answers a question of its own, in any combination")]
pub struct LinkKnobs {
    /// Seconds for which a link lives. Documented: 1800.
    pub ttl_s: u64,
    /// The clock on which it dies. Chosen: the simulated one, like everything that users wait for; `wall` is for a client
    /// that is itself slow to use a link while the simulation runs fast.
    pub clock: LinkClock,
    /// Whether a link can be used more than once. Documented: no.
    pub single_use: bool,
    /// Whether a new link kills the older ones of its customer. Chosen: no.
    pub new_kills_older: bool,
    /// Status of a made link. Chosen: 201; or 200.
    pub success_status: u16,
    /// Status when the customer's status forbids a link. Chosen: 400; the vendor's tests know 409 and 500 for the like.
    pub not_editable_status: u16,
    /// Whether a rejected customer may get a link. Documented: yes; another page refuses edits there.
    pub allowed_when_rejected: bool,
    /// Whether a body is needed, `{}` at least. Seen in SDK: yes.
    pub body_required: bool,
}

impl Default for LinkKnobs {
    fn default() -> Self {
        Self {
            ttl_s: 1800,
            clock: LinkClock::Simulated,
            single_use: true,
            new_kills_older: false,
            success_status: 201,
            not_editable_status: 400,
            allowed_when_rejected: true,
            body_required: true,
        }
    }
}

impl LinkKnobs {
    pub(crate) fn validate(&self) -> Result<(), Error> {
        super::one_of("links.success_status", self.success_status, &[200, 201])?;
        super::one_of("links.not_editable_status", self.not_editable_status, &[400, 409, 500])
    }
}

/// The clock on which links die.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkClock {
    /// Runs at the simulator's speed.
    Simulated,
    /// Real time.
    Wall,
}
