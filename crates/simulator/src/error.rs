//! What can go wrong in running the simulator itself; what the API answers is [`Refusal`](crate::refusal::Refusal).

use std::net::SocketAddr;

/// Why the simulator could not be started or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting has a value that it cannot have.
    #[error("refused the setting `{field}`: {reason}")]
    Setting {
        /// Dotted path of the setting.
        field: String,
        /// What it must be.
        reason: String,
    },
    /// The secret key is not base64 of the url-safe alphabet.
    #[error("could not decode the secret key as url-safe base64")]
    Secret(#[source] base64::DecodeError),
    /// The address could not be listened on.
    #[error("could not listen on {address}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The client that delivers webhooks could not be built.
    #[error("could not build the webhook client")]
    WebhookClient(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No fault plan has this name.
    #[error("found no fault plan named `{0}`; there are `none`, `default` and `hostile`")]
    UnknownPlan(String),
    /// The simulator has seen no such customer.
    #[error("found no customer `{0}`")]
    UnknownCustomer(String),
}

impl Error {
    pub(crate) fn setting(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Setting { field: field.into(), reason: reason.into() }
    }
}
