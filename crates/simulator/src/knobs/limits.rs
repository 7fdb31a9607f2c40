//! Rate limit and quota.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::route::Route;

/// Knobs of what there is only so much of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitKnobs {
    /// Requests for each access key; null for no limit. Chosen: 10 a second, bursts of 20; no figures are published.
    pub rate: Option<RateLimit>,
    /// Whether a 429 also carries `Retry-After`. Chosen: no; the vendor's code reads the text only.
    pub retry_after_header: bool,
    /// Routes whose 429 comes inside an HTTP 200. Seen in SDK that it happens, not where; chosen: none.
    pub embedded_on: Vec<Route>,
    /// Real milliseconds after a 429 during which requests count as sent before it was read. They are let off in the
    /// audit's count of requests inside a 429 window. Not part of the API.
    pub in_flight_grace_ms: u64,
    /// Customers that the entity may have; null for no end. Documented as configurable.
    pub quota: Option<u64>,
    /// Status when the quota is used up. Chosen: 400; or 403, 422.
    pub quota_status: u16,
}

impl Default for LimitKnobs {
    fn default() -> Self {
        Self {
            rate: Some(RateLimit::default()),
            retry_after_header: false,
            embedded_on: Vec::new(),
            in_flight_grace_ms: 250,
            quota: None,
            quota_status: 400,
        }
    }
}

impl LimitKnobs {
    pub(crate) fn validate(&self) -> Result<(), Error> {
        super::one_of("limits.quota_status", self.quota_status, &[400, 403, 422])?;
        match self.rate {
            Some(rate) if !(rate.per_second.is_finite() && rate.per_second > 0.0 && rate.burst > 0) => {
                Err(Error::setting("limits.rate", "per_second and burst must be above 0"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// A token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimit {
    /// Tokens that come back each real second.
    pub per_second: f64,
    /// Tokens that the bucket holds.
    pub burst: u32,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self { per_second: 10.0, burst: 20 }
    }
}
