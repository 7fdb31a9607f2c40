//! The settings as the configurations of the library crates.

use std::path::PathBuf;

use gangway_jobs::circuit::CircuitPolicy;
use gangway_jobs::identity::{Identity, IdentitySecret};
use gangway_jobs::limits::RatePolicy;
use gangway_jobs::poll::PollPolicy;
use gangway_jobs::refusal::Phrases;
use gangway_jobs::retry::RetryPolicy;
use gangway_store::Policies;
use gangway_store::redis::RedisConfig;
use gangway_store::stamp::Expected;
use secrecy::{ExposeSecret as _, SecretString};

use super::sections::{Durability, LinkPolicy, Sections};

impl Sections {
    /// For the client.
    pub(crate) fn api(&self) -> gangway_onemoney::Config {
        let api = &self.api;
        gangway_onemoney::Config {
            base_url: self.base_url(),
            allow_plain_http: api.allow_plain_http,
            timeout: api.timeout,
            connect_timeout: api.connect_timeout.min(api.timeout),
            max_body: api.max_body,
            customer_type: api.customer_type,
            max_wait: api.max_wait,
            redirect_url: not_empty(&api.redirect_url),
            locale: not_empty(&api.locale),
            ..gangway_onemoney::Config::default()
        }
    }

    /// For the store.
    pub(crate) fn policies(&self) -> Policies {
        Policies {
            circuit: CircuitPolicy {
                threshold: self.circuit.threshold,
                probe_interval: self.circuit.probe_interval,
                suspects: self.systemic.suspects,
                confirm_after: self.systemic.confirm_after,
                give_up: self.systemic.give_up,
                give_up_probes: self.systemic.give_up_probes,
                row_for: self.systemic.row_for,
            },
            rate: self.rate_policy(),
            max_lease_losses: self.worker.max_lease_losses,
            eager_links: self.eager_links(),
            busy_timeout: self.store.busy_timeout,
        }
    }

    /// For a store at a server.
    pub(crate) fn redis_config(&self) -> RedisConfig {
        let store = &self.store;
        RedisConfig {
            namespace: store.namespace.clone(),
            ca_file: path(&store.ca_file),
            client_certificate: path(&store.client_certificate),
            client_key: path(&store.client_key),
            connect_timeout: store.connect_timeout,
            response_timeout: store.response_timeout,
        }
    }

    /// Where the store is, with its password. What is shown to people is `store.url`.
    pub(crate) fn store_url(&self) -> SecretString {
        self.store.whole_url.clone().unwrap_or_else(|| SecretString::from(self.store.url.as_str()))
    }

    /// Whether a server that can lose what was accepted is refused.
    pub(crate) fn is_strict(&self) -> bool {
        self.store.durability == Durability::Strict
    }

    /// How many calls may be made.
    pub(crate) fn rate_policy(&self) -> RatePolicy {
        RatePolicy { per_second: self.api.rate_per_second, ..RatePolicy::default() }
    }

    /// When to try again.
    pub(crate) fn retry_policy(&self) -> RetryPolicy {
        RetryPolicy {
            initial: self.retry.initial,
            max: self.retry.max,
            multiplier: self.retry.multiplier,
            jitter: self.retry.jitter,
            max_attempts: self.retry.max_attempts,
            max_asked: self.api.max_wait,
        }
    }

    /// When to look again.
    pub(crate) fn poll_policy(&self) -> PollPolicy {
        PollPolicy {
            min_interval: self.poll.min_interval,
            max_interval: self.poll.max_interval,
            give_up_after: self.poll.give_up_after,
            eager_links: self.eager_links(),
        }
    }

    /// Whose fault a refusal is.
    pub(crate) fn phrases(&self) -> Phrases {
        Phrases { row: self.api.row_phrases.clone(), systemic: self.api.systemic_phrases.clone() }
    }

    /// Whether links are made by themselves.
    pub(crate) fn eager_links(&self) -> bool {
        self.link.policy == LinkPolicy::Eager
    }

    /// What computes identities.
    pub(crate) fn identity(&self) -> Identity {
        Identity::new(IdentitySecret::new(self.identity.secret.expose_secret()), self.api.entity.trim())
    }

    /// What a store must have been made for.
    pub(crate) fn expected(&self) -> Expected {
        Expected {
            api_base_url: self.base_url(),
            entity: self.api.entity.trim().to_owned(),
            secret_fingerprint: self.identity().secret_fingerprint(),
        }
    }

    fn base_url(&self) -> String {
        self.api.base_url.trim().trim_end_matches('/').to_owned()
    }
}

fn path(text: &str) -> Option<PathBuf> {
    not_empty(text).map(PathBuf::from)
}

fn not_empty(text: &str) -> Option<String> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}
