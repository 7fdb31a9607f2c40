//! Who is let in.

use serde::{Deserialize, Serialize};

/// Knobs of authentication.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthKnobs {
    /// Schemes that are taken. Documented: each reference page offers both; which of them an environment takes is not.
    pub schemes: Schemes,
    /// Seconds by which a signature's timestamp may differ from now. Chosen: 300; no source gives a limit.
    pub skew_s: u32,
    /// Whether hosted onboarding is switched on for the entity; when not, everything answers 403. Documented as a switch
    /// (<https://developer.1money.com/docs/self-hosted-customer-onboarding>); the 403 is chosen.
    pub feature_enabled: bool,
}

impl Default for AuthKnobs {
    fn default() -> Self {
        Self { schemes: Schemes::Both, skew_s: 300, feature_enabled: true }
    }
}

/// The schemes of `Authorization` that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schemes {
    /// Signed requests and bare access keys.
    Both,
    /// Signed requests only.
    HmacOnly,
    /// Bare access keys only.
    BearerOnly,
}
