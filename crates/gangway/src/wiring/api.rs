//! The client of the API, and its credential while it runs.

use std::sync::Arc;
use std::time::Duration;

use gangway_onemoney::{Client, Credentials};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::error::{Error, Result};
use crate::settings::Settings;
use crate::settings::credentials::Source;

/// How often a credential that is kept in a file is read again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A client as the settings say.
pub(crate) fn client(settings: &Settings) -> Result<Arc<Client>> {
    let credentials = Source::new(settings).read()?;
    with_credentials(settings, credentials)
}

/// A client with this credential.
pub(crate) fn with_credentials(settings: &Settings, credentials: Credentials) -> Result<Arc<Client>> {
    Client::new(settings.sections.api(), credentials).map(Arc::new).map_err(Error::Client)
}

/// Follows a credential that is rotated: an API that refuses the old one gets the new one without a restart.
pub(crate) async fn follow(source: Source, client: Arc<Client>, stop: CancellationToken) {
    use gangway_onemoney::Api as _;
    if !source.can_change() {
        return;
    }
    let mut said = String::new();
    while stop.run_until_cancelled(tokio::time::sleep(LOOK_AGAIN)).await.is_some() {
        let fault = match source.read() {
            Ok(credentials) if credentials.fingerprint() == client.credential() => String::new(),
            Ok(credentials) => match client.set_credentials(credentials) {
                Ok(()) => {
                    info!("credential changed");
                    String::new()
                }
                Err(error) => error.to_string(),
            },
            Err(error) => error.to_string(),
        };
        // Once for each fault, not once a second.
        if !fault.is_empty() && fault != said {
            warn!(fault, "new credential cannot be used, the one before stays");
        }
        said = fault;
    }
}
