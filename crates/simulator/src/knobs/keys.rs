//! Idempotency keys.

use serde::{Deserialize, Serialize};

/// Knobs of the `Idempotency-Key` of a create.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeyKnobs {
    /// Whether a create needs a key. Documented; the vendor's own MCP server sends none.
    pub required: bool,
    /// Whether keys are honoured at all. Documented; off makes every repeat a second create.
    pub honoured: bool,
    /// What a known key with another body gets. Chosen: the customer it has, the body ignored.
    pub other_body: OtherBody,
    /// What a replay tells. One page says the current record, another the first answer; chosen: current.
    pub replay: ReplayContent,
    /// Simulated seconds for which a key is known. One page says 24 h then 409, another names no window; chosen: none.
    pub window_s: Option<u64>,
    /// What happens to a key after its window. Documented: 409.
    pub after_window: AfterWindow,
    /// What a second call with a key gets while the first is still being worked on. Chosen: it waits its turn.
    pub concurrent: ConcurrentKey,
    /// Whether a refused create is refused the same way under its key ever after. Chosen: no.
    pub remember_refusals: bool,
}

impl Default for KeyKnobs {
    fn default() -> Self {
        Self {
            required: true,
            honoured: true,
            other_body: OtherBody::Ignore,
            replay: ReplayContent::Current,
            window_s: None,
            after_window: AfterWindow::Conflict,
            concurrent: ConcurrentKey::Serialize,
            remember_refusals: false,
        }
    }
}

/// Answer to a known key with another body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtherBody {
    /// 201 with the customer it has.
    Ignore,
    /// 409.
    Conflict,
    /// 422.
    Unprocessable,
}

/// What a replay tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayContent {
    /// The customer as it is now.
    Current,
    /// The first answer again.
    Original,
}

/// What becomes of a key after its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterWindow {
    /// 409.
    Conflict,
    /// The key is forgotten: a create with it is a new create.
    Forget,
}

/// Answer to a key that is being worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConcurrentKey {
    /// One after the other; both get the same customer.
    Serialize,
    /// 409 for the second.
    Conflict,
}
