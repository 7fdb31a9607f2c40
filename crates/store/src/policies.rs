//! The rules that a store applies inside its operations.

use std::time::Duration;

use gangway_jobs::circuit::CircuitPolicy;
use gangway_jobs::limits::RatePolicy;

/// The rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Policies {
    /// When gates open and close.
    pub circuit: CircuitPolicy,
    /// How many calls may be made.
    pub rate: RatePolicy,
    /// So many deaths of a worker over one job, in a row, bury it as poison.
    pub max_lease_losses: u32,
    /// Whether a revived or reopened onboarding gets a link at once.
    pub eager_links: bool,
    /// How long a writer waits for another process's transaction.
    pub busy_timeout: Duration,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            circuit: CircuitPolicy::default(),
            rate: RatePolicy::default(),
            max_lease_losses: 3,
            eager_links: true,
            busy_timeout: Duration::from_secs(10),
        }
    }
}

impl Policies {
    /// Checks the values.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn validate(&self) -> Result<(), String> {
        self.rate.validate()?;
        if self.max_lease_losses == 0 {
            return Err("worker.max_lease_losses must be at least 1".to_owned());
        }
        if self.circuit.probe_interval.is_zero() {
            return Err("circuit.probe_interval must be more than zero".to_owned());
        }
        Ok(())
    }
}
