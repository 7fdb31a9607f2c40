//! How a worker works. Each default is documented here and once more, for people, in `config/default.toml`.

use std::time::Duration;

use gangway_jobs::limits::RatePolicy;
use gangway_jobs::poll::PollPolicy;
use gangway_jobs::refusal::Phrases;
use gangway_jobs::retry::RetryPolicy;

/// The settings of a worker.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Handlers that run at once, for each kind: slow polls do not take the places of creates. 1–10,000.
    pub concurrency: usize,
    /// How long a lease lasts; renewed at a third of it. At least 100 ms.
    pub lease: Duration,
    /// How long running handlers may go on after a shutdown was asked for.
    pub grace: Duration,
    /// How long one attempt may take, all its calls together.
    pub job_timeout: Duration,
    /// How long the effect of an unanswered create may still arrive: so long a refusal is not believed.
    pub settle_window: Duration,
    /// How old an uncertain create may be before it is looked up rather than repeated: the API may forget a key
    /// after 24 hours.
    pub key_window: Duration,
    /// Spacing and number of attempts.
    pub retry: RetryPolicy,
    /// Cadence of polls; its `eager_links` says whether links are made at once or on demand.
    pub poll: PollPolicy,
    /// Whose fault a refusal is.
    pub phrases: Phrases,
    /// The fleet's rate, which spaces polls; the limit itself is kept in the store.
    pub rate: RatePolicy,
    /// How long the record of an ended onboarding is kept before only its ledger row is.
    pub retention: Duration,
    /// How long events are kept that every group has acknowledged.
    pub outbox_retention: Duration,
    /// What people see of this process, e.g. `host-1/4711`.
    pub name: String,
}

impl Default for Config {
    fn default() -> Self {
        let day = Duration::from_hours(24);
        Self {
            concurrency: 32,
            lease: Duration::from_secs(10),
            grace: Duration::from_secs(40),
            job_timeout: Duration::from_secs(100),
            settle_window: Duration::from_mins(10),
            key_window: Duration::from_hours(20),
            retry: RetryPolicy::default(),
            poll: PollPolicy::default(),
            phrases: Phrases::default(),
            rate: RatePolicy::default(),
            retention: day * 90,
            outbox_retention: day * 7,
            name: "worker".to_owned(),
        }
    }
}

impl Config {
    /// Checks the values against each other.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn validate(&self) -> Result<(), String> {
        if !(1..=10_000).contains(&self.concurrency) {
            return Err("worker.concurrency must lie between 1 and 10000".to_owned());
        }
        if self.lease < Duration::from_millis(100) {
            return Err("worker.lease must be at least 100ms: it is renewed at a third of it".to_owned());
        }
        if self.job_timeout.is_zero() {
            return Err("worker.job_timeout must be more than zero".to_owned());
        }
        self.retry.validate()?;
        self.poll.validate()?;
        self.rate.validate()
    }

    /// How often leases are renewed.
    pub(crate) fn renew_every(&self) -> Duration {
        self.lease / 3
    }

    /// How long a worker may be silent and still count as alive.
    pub(crate) fn patience(&self) -> Duration {
        self.lease
    }
}
