//! What goes wrong on purpose: a plan that can be changed while the simulator runs.
//!
//! A plan has a latency, rules and perhaps an outage. For each request that got past authentication and rate limit, the
//! rules are asked in their order, each with a draw of its own from the plan's seed; the first that fires decides.

mod injector;
mod latency;
mod plans;
mod rule;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::knobs::probability;

pub(crate) use injector::Injector;
pub use latency::Latency;
pub use plans::PlanRequest;
pub use rule::{Rule, Window};

/// What shall go wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultPlan {
    /// What to call it in answers and logs.
    pub name: String,
    /// How long each request of the API takes.
    pub latency: Latency,
    /// How long a slow answer takes, in real milliseconds; set it beyond the client's timeout to make it time out.
    pub slow_ms: u64,
    /// What may happen to a request.
    pub rules: Vec<Rule>,
    /// Whether the whole API is down. The controls below `/_` stay up.
    pub outage: Option<Outage>,
    /// What may happen to a webhook.
    pub webhooks: WebhookFaults,
}

/// One thing that can happen to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// An error answer; nothing was done.
    ServerError {
        /// HTTP status, e.g. 500, 502, 503, 504.
        status: u16,
        /// What the answer holds.
        body: ErrorBody,
    },
    /// The work was done, and yet the answer is an error.
    ServerErrorAfter {
        /// HTTP status.
        status: u16,
        /// What the answer holds.
        body: ErrorBody,
    },
    /// The connection is reset; nothing was done.
    ResetBefore,
    /// The work was done, then the connection is reset without a byte of answer.
    ResetAfter,
    /// The work was done at once; the answer comes after `slow_ms`.
    SlowAnswer,
    /// Nothing is done and nothing is said; after `slow_ms` the connection is reset.
    Stall,
    /// The connection is held for `slow_ms` and reset; the work is done `after_ms` later.
    LateEffect {
        /// Real milliseconds from the reset to the effect.
        after_ms: u64,
    },
    /// 429, with the wait in the text.
    TooManyRequests {
        /// Seconds to wait.
        wait_s: u64,
        /// Whether `Retry-After` says so too.
        header: bool,
        /// Whether it comes inside an HTTP 200.
        embedded: bool,
    },
    /// 400 with the word "quota", as if the quota were used up.
    Quota,
    /// 401, as if the credential had been revoked.
    Unauthorized,
    /// 403, as if the feature were off.
    Forbidden,
    /// The work was done; the JSON of the answer breaks off in the middle.
    TruncatedJson,
    /// A page of HTML with status 200; nothing was done.
    HtmlOk,
    /// 307 to this address; nothing was done.
    Redirect {
        /// Value of `Location`.
        location: String,
    },
    /// The work was done; the answer is a JSON object of so many bytes.
    HugeBody {
        /// Length of the body.
        bytes: usize,
    },
}

impl Fault {
    /// The name under which the audit counts it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ServerError { .. } => "server_error",
            Self::ServerErrorAfter { .. } => "server_error_after",
            Self::ResetBefore => "reset_before",
            Self::ResetAfter => "reset_after",
            Self::SlowAnswer => "slow_answer",
            Self::Stall => "stall",
            Self::LateEffect { .. } => "late_effect",
            Self::TooManyRequests { embedded: true, .. } => "too_many_requests_embedded",
            Self::TooManyRequests { embedded: false, .. } => "too_many_requests",
            Self::Quota => "quota",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::TruncatedJson => "truncated_json",
            Self::HtmlOk => "html_ok",
            Self::Redirect { .. } => "redirect",
            Self::HugeBody { .. } => "huge_body",
        }
    }

    /// What it would need to be possible, if it is not.
    fn flaw(&self) -> Option<&'static str> {
        if let Self::ServerError { status, .. } | Self::ServerErrorAfter { status, .. } = self
            && !(400..=599).contains(status)
        {
            return Some("needs a status between 400 and 599");
        }
        if let Self::Redirect { location } = self
            && location.parse::<axum::http::HeaderValue>().is_err()
        {
            return Some("needs a location that fits in a header");
        }
        if let Self::HugeBody { bytes } = self
            && *bytes > 256 << 20
        {
            return Some("needs a body of at most 256 MiB");
        }
        None
    }
}

/// What an injected error answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBody {
    /// The API's own error object.
    Json,
    /// A page of HTML, as a gateway sends.
    Html,
    /// Nothing.
    Empty,
}

/// How a dead API looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outage {
    /// 503 to everything.
    Unavailable,
    /// Each connection is reset at its first request. It cannot be refused earlier: the controls share the port.
    Reset,
}

/// What may happen to a webhook; probabilities, and real milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookFaults {
    /// Sent twice.
    pub duplicate: f64,
    /// Held for `reorder_ms`, so that later ones overtake it.
    pub reorder: f64,
    /// How long a reordered event is held.
    pub reorder_ms: u64,
    /// Held for `delay_ms`.
    pub delay: f64,
    /// How long a delayed event is held.
    pub delay_ms: u64,
    /// Never sent.
    pub drop: f64,
}

impl Default for WebhookFaults {
    fn default() -> Self {
        Self { duplicate: 0.0, reorder: 0.0, reorder_ms: 300, delay: 0.0, delay_ms: 5_000, drop: 0.0 }
    }
}

impl Default for FaultPlan {
    fn default() -> Self {
        Self::none()
    }
}

impl FaultPlan {
    /// Checks the probabilities and the latency.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first field whose value cannot be.
    pub fn validate(&self) -> Result<(), Error> {
        self.latency.validate()?;
        for rule in &self.rules {
            rule.validate()?;
        }
        let webhooks = self.webhooks;
        probability("webhooks.duplicate", webhooks.duplicate)?;
        probability("webhooks.reorder", webhooks.reorder)?;
        probability("webhooks.delay", webhooks.delay)?;
        probability("webhooks.drop", webhooks.drop)
    }
}
