//! Delivery of webhooks.

use serde::{Deserialize, Serialize};

/// Knobs of webhook delivery. All of it is invented: no vendor page tells names, payload, signature or schedule of KYB
/// events. Times are real milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookKnobs {
    /// How long a receiver may take to answer.
    pub timeout_ms: u64,
    /// Waits before the second, third, … attempt; when they are used up the event is given up.
    pub retry_after_ms: Vec<u64>,
}

impl Default for WebhookKnobs {
    fn default() -> Self {
        Self { timeout_ms: 10_000, retry_after_ms: vec![1_000, 5_000, 30_000, 120_000, 600_000] }
    }
}
