//! The plans that have names.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ErrorBody, Fault, FaultPlan, Latency, Outage, Rule, WebhookFaults};
use crate::error::Error;
use crate::route::Route;

/// How a plan is asked for over HTTP: by name, or written out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PlanRequest {
    /// One of the named plans.
    Named {
        /// `none`, `default` or `hostile`.
        plan: String,
        /// How long a slow answer takes in it; 1500 unless told.
        #[serde(default)]
        slow_ms: Option<u64>,
    },
    /// A whole plan; fields left out are as in `none`.
    Whole(FaultPlan),
}

impl PlanRequest {
    /// The plan asked for.
    ///
    /// # Errors
    /// [`Error::UnknownPlan`] for an unknown name, [`Error::Setting`] for a value that cannot be.
    pub fn into_plan(self) -> Result<FaultPlan, Error> {
        match self {
            Self::Named { plan, slow_ms } => FaultPlan::named(&plan, slow_ms.map(Duration::from_millis)),
            Self::Whole(plan) => plan.validate().map(|()| plan),
        }
    }
}

impl FaultPlan {
    /// How long a slow answer takes unless the caller says otherwise.
    pub const SLOW: Duration = Duration::from_millis(1_500);

    /// The plan of this name, `none`, `default` or `hostile`; `slow` is how long a slow answer takes.
    ///
    /// # Errors
    /// [`Error::UnknownPlan`] for any other name.
    pub fn named(name: &str, slow: Option<Duration>) -> Result<Self, Error> {
        let slow = slow.unwrap_or(Self::SLOW);
        match name {
            "none" => Ok(Self { slow_ms: millis(slow), ..Self::none() }),
            "default" => Ok(Self::mild(slow)),
            "hostile" => Ok(Self::hostile(slow)),
            _ => Err(Error::UnknownPlan(name.to_owned())),
        }
    }

    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self {
            name: "none".to_owned(),
            latency: Latency::None,
            slow_ms: millis(Self::SLOW),
            rules: Vec::new(),
            outage: None,
            webhooks: WebhookFaults::default(),
        }
    }

    /// A usual day, named `default`: some latency, few server errors, few resets before and after the effect.
    pub fn mild(slow: Duration) -> Self {
        let server_error = Fault::ServerError { status: 503, body: ErrorBody::Html };
        Self {
            name: "default".to_owned(),
            latency: Latency::Tail { typical_ms: 8.0, tail_ms: 120.0, rate: 0.02 },
            slow_ms: millis(slow),
            rules: vec![
                Rule::new(server_error).at_rate(0.01),
                Rule::new(Fault::ResetBefore).at_rate(0.005),
                Rule::new(Fault::ResetAfter).at_rate(0.005),
            ],
            outage: None,
            webhooks: WebhookFaults { duplicate: 0.02, ..WebhookFaults::default() },
        }
    }

    /// Everything that a correct client must survive, at more than a quarter of all requests, and nothing that lasts.
    pub fn hostile(slow: Duration) -> Self {
        let (embedded, plain) = (
            Fault::TooManyRequests { wait_s: 1, header: false, embedded: true },
            Fault::TooManyRequests { wait_s: 1, header: true, embedded: false },
        );
        let away = Fault::Redirect { location: "http://elsewhere.invalid/v1/customers".to_owned() };
        Self {
            name: "hostile".to_owned(),
            latency: Latency::Tail { typical_ms: 5.0, tail_ms: 150.0, rate: 0.03 },
            slow_ms: millis(slow),
            rules: vec![
                Rule::new(Fault::ServerError { status: 500, body: ErrorBody::Empty }).at_rate(0.02),
                Rule::new(Fault::ServerError { status: 502, body: ErrorBody::Html }).at_rate(0.04),
                Rule::new(Fault::ServerError { status: 503, body: ErrorBody::Empty }).at_rate(0.03),
                Rule::new(Fault::ServerErrorAfter { status: 504, body: ErrorBody::Html }).at_rate(0.03),
                Rule::new(Fault::ResetBefore).at_rate(0.03),
                Rule::new(Fault::ResetAfter).at_rate(0.06),
                Rule::new(Fault::SlowAnswer).at_rate(0.03),
                Rule::new(Fault::LateEffect { after_ms: 500 }).on(Route::Create).at_rate(0.01),
                Rule::new(Fault::TruncatedJson).at_rate(0.02),
                Rule::new(Fault::HtmlOk).at_rate(0.02),
                Rule::new(away).at_rate(0.01),
                Rule::new(Fault::HugeBody { bytes: 10 << 20 }).at_rate(0.002),
                Rule::new(embedded).at_rate(0.005),
                Rule::new(plain).at_rate(0.005),
            ],
            outage: None,
            webhooks: WebhookFaults {
                duplicate: 0.2,
                reorder: 0.2,
                delay: 0.05,
                drop: 0.2,
                ..WebhookFaults::default()
            },
        }
    }

    /// The whole API is down.
    pub fn outage(outage: Outage) -> Self {
        Self { name: "outage".to_owned(), outage: Some(outage), ..Self::none() }
    }

    /// With one more rule, asked after those it has.
    #[must_use]
    pub fn with(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// With slow answers this slow.
    #[must_use]
    pub fn slow(mut self, slow: Duration) -> Self {
        self.slow_ms = millis(slow);
        self
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_named_plan_is_valid_and_bears_its_name() {
        for name in ["none", "default", "hostile"] {
            let plan = FaultPlan::named(name, None).unwrap();
            plan.validate().unwrap();
            assert_eq!(plan.name, name);
        }
        assert!(matches!(FaultPlan::named("mild", None), Err(Error::UnknownPlan(_))));
    }

    #[test]
    fn a_plan_can_be_asked_for_by_name_or_written_out() {
        let named: PlanRequest = serde_json::from_str(r#"{"plan":"hostile","slow_ms":70}"#).unwrap();
        assert_eq!(named.into_plan().unwrap().slow_ms, 70);
        let whole: PlanRequest = serde_json::from_str(
            r#"{"rules":[{"fault":{"kind":"reset_after"},"routes":["create"],"times":3}]}"#,
        )
        .unwrap();
        let rule = Rule::new(Fault::ResetAfter).on(Route::Create).times(3);
        assert_eq!(whole.into_plan().unwrap(), FaultPlan::none().with(rule));
    }
}
