//! Every question that the vendor's pages leave open, as a knob that can be turned while the simulator runs.
//!
//! Each default names its source: *documented* (a vendor page says so), *seen in SDK* (vendor code does so), or
//! *chosen* (nobody says; this is our choice, and the other choices are the other values).

mod auth;
mod create;
mod keys;
mod lifecycle;
mod limits;
mod links;
mod reads;
mod webhooks;

use serde::{Deserialize, Serialize};

use crate::error::Error;

pub use auth::{AuthKnobs, Schemes};
pub use create::{CreateKnobs, CustomerTypeSpelling, EmailCompare};
pub use keys::{AfterWindow, ConcurrentKey, KeyKnobs, OtherBody, ReplayContent};
pub use lifecycle::{LifecycleKnobs, Span};
pub use limits::{LimitKnobs, RateLimit};
pub use links::{LinkClock, LinkKnobs};
pub use reads::{ListTotal, ReadKnobs, StatusCase};
pub use webhooks::WebhookKnobs;

/// All knobs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// Who is let in.
    pub auth: AuthKnobs,
    /// Creation of customers.
    pub create: CreateKnobs,
    /// Idempotency keys.
    pub keys: KeyKnobs,
    /// Onboarding links.
    pub links: LinkKnobs,
    /// Reading customers.
    pub reads: ReadKnobs,
    /// Rate limit and quota.
    pub limits: LimitKnobs,
    /// What users and compliance do.
    pub lifecycle: LifecycleKnobs,
    /// Delivery of webhooks.
    pub webhooks: WebhookKnobs,
}

impl Knobs {
    /// Checks the values, also against each other.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first knob whose value cannot be.
    pub fn validate(&self) -> Result<(), Error> {
        self.create.validate()?;
        self.links.validate()?;
        self.limits.validate()?;
        self.lifecycle.validate()
    }

    /// These knobs with only the fields of `patch` changed; objects are merged, everything else is replaced.
    ///
    /// # Errors
    /// [`Error::Setting`] for an unknown field, a wrong type or a value that cannot be.
    pub fn patched(&self, patch: serde_json::Value) -> Result<Self, Error> {
        let mut whole =
            serde_json::to_value(self).map_err(|source| Error::setting("knobs", source.to_string()))?;
        merge(&mut whole, patch);
        let knobs: Self =
            serde_json::from_value(whole).map_err(|source| Error::setting("knobs", source.to_string()))?;
        knobs.validate()?;
        Ok(knobs)
    }
}

fn merge(into: &mut serde_json::Value, patch: serde_json::Value) {
    match (into, patch) {
        (serde_json::Value::Object(into), serde_json::Value::Object(patch)) => {
            for (field, value) in patch {
                merge(into.entry(field).or_insert(serde_json::Value::Null), value);
            }
        }
        (into, patch) => *into = patch,
    }
}

/// Refuses what is no probability.
pub(crate) fn probability(field: &str, value: f64) -> Result<(), Error> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::setting(field, "must lie between 0 and 1"))
}

/// Refuses an HTTP status that is not one of those a knob may take.
pub(crate) fn one_of(field: &str, status: u16, allowed: &[u16]) -> Result<(), Error> {
    if allowed.contains(&status) {
        return Ok(());
    }
    Err(Error::setting(field, format!("must be one of {allowed:?}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_defaults_are_valid_and_survive_a_round_trip() {
        let knobs = Knobs::default();
        knobs.validate().unwrap();
        assert_eq!(knobs.patched(json!({})).unwrap(), knobs);
    }

    #[test]
    fn a_patch_changes_only_what_it_names() {
        let knobs = Knobs::default().patched(json!({"limits": {"quota": 3}})).unwrap();
        assert_eq!(knobs.limits.quota, Some(3));
        assert_eq!(knobs.limits.rate, Some(RateLimit::default()));
    }

    #[test]
    fn unknown_knobs_and_impossible_values_are_refused() {
        for patch in [
            json!({"limit": {}}),
            json!({"limits": {"rate": {"per_second": 0.0}}}),
            json!({"lifecycle": {"rejected": 1.5}}),
            json!({"lifecycle": {"rejected": 0.6, "pending_response": 0.6}}),
            json!({"lifecycle": {"opens_after": {"min_s": 9.0, "max_s": 1.0}}}),
            json!({"links": {"success_status": 204}}),
        ] {
            assert!(Knobs::default().patched(patch.clone()).is_err(), "{patch}");
        }
    }
}
