//! How to reach the server.

use std::path::PathBuf;
use std::time::Duration;

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
    /// How long an answer may take before the connection counts as broken.
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
