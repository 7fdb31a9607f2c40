//! How to reach the server.

use std::path::PathBuf;
use std::time::Duration;

/// The longest namespace: it is a part of every key.
const MAX_NAMESPACE: usize = 64;

/// Settings of a Redis store beside its url.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisConfig {
    /// All keys begin with this name in braces, so that they lie in one slot of a cluster; 1–64 of `A–Z a–z 0–9 - _ .`.
    pub namespace: String,
    /// Certificates to trust instead of the public ones, PEM; for `rediss://`.
    pub ca_file: Option<PathBuf>,
    /// The client's certificate, PEM; needs [`Self::client_key`].
    pub client_certificate: Option<PathBuf>,
    /// The client's private key, PEM.
    pub client_key: Option<PathBuf>,
    /// How long a connection may take to come up.
    pub connect_timeout: Duration,
    /// How long an answer may take before the connection counts as broken; also how long a call waits for a connection.
    pub response_timeout: Duration,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            namespace: "gangway".to_owned(),
            ca_file: None,
            client_certificate: None,
            client_key: None,
            connect_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(5),
        }
    }
}

impl RedisConfig {
    /// Checks the values, and against each other.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn validate(&self) -> Result<(), String> {
        let known = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
        if !(1..=MAX_NAMESPACE).contains(&self.namespace.len()) || !self.namespace.bytes().all(known) {
            return Err("store.namespace must have 1 to 64 letters, digits, '-', '_' or '.'".to_owned());
        }
        if self.connect_timeout.is_zero() || self.response_timeout.is_zero() {
            return Err("store.connect_timeout and store.response_timeout must be more than zero".to_owned());
        }
        if self.client_certificate.is_some() != self.client_key.is_some() {
            return Err(
                "store.client_certificate and store.client_key go together: set both or none".to_owned()
            );
        }
        Ok(())
    }

    /// Whether anything is set that only an encrypted connection uses.
    pub(super) const fn wants_tls(&self) -> bool {
        self.ca_file.is_some() || self.client_certificate.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_nonsense_is_refused() {
        assert_eq!(RedisConfig::default().validate(), Ok(()));
        let refused: [fn(&mut RedisConfig); 6] = [
            |c| c.namespace = String::new(),
            |c| c.namespace = "a".repeat(65),
            |c| c.namespace = "a}b".to_owned(),
            |c| c.connect_timeout = Duration::ZERO,
            |c| c.response_timeout = Duration::ZERO,
            |c| c.client_key = Some("key.pem".into()),
        ];
        for (number, change) in refused.into_iter().enumerate() {
            let mut config = RedisConfig::default();
            change(&mut config);
            assert!(config.validate().is_err(), "{number}");
        }
    }
}
