//! How a simulator is set up.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use secrecy::{ExposeSecret, SecretString};

use crate::auth;
use crate::error::Error;
use crate::faults::FaultPlan;
use crate::knobs::Knobs;

/// Settings of [`Simulator::start`](crate::Simulator::start).
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen. Default: loopback, a free port.
    pub bind: SocketAddr,
    /// The entity's access key. Default: [`Config::ACCESS_KEY`].
    pub access_key: String,
    /// The entity's secret, url-safe base64. Default: [`Config::SECRET_KEY`], made up and published here.
    pub secret_key: SecretString,
    /// Open questions of the API. Default: as each knob says.
    pub knobs: Knobs,
    /// What goes wrong. Default: nothing.
    pub faults: FaultPlan,
    /// From which all chance is drawn. Default: 1.
    pub seed: u64,
    /// Simulated seconds for each real second, for KYB and links. Default: 1.
    pub speed: f64,
}

impl Config {
    /// Access key of a simulator that was given none.
    pub const ACCESS_KEY: &'static str = "sim_access_key";
    /// Secret of a simulator that was given none. It opens nothing but simulators.
    pub const SECRET_KEY: &'static str = "c2ltdWxhdG9yLXNlY3JldC1mb3ItZGVtby1hbmQtdGVzdHM";

    /// Checks the values.
    ///
    /// # Errors
    /// [`Error::Setting`] or [`Error::Secret`] for the first that cannot be.
    pub fn validate(&self) -> Result<(), Error> {
        check_speed(self.speed)?;
        self.credentials()?;
        self.knobs.validate()?;
        self.faults.validate()
    }

    pub(crate) fn credentials(&self) -> Result<Credentials, Error> {
        Credentials::new(&self.access_key, &self.secret_key)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            access_key: Self::ACCESS_KEY.to_owned(),
            secret_key: SecretString::from(Self::SECRET_KEY),
            knobs: Knobs::default(),
            faults: FaultPlan::none(),
            seed: 1,
            speed: 1.0,
        }
    }
}

pub(crate) fn check_speed(speed: f64) -> Result<(), Error> {
    if speed.is_finite() && speed > 0.0 {
        return Ok(());
    }
    Err(Error::setting("speed", "must be above 0"))
}

/// The one key pair that is let in.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) access_key: String,
    /// Decoded.
    pub(crate) secret: Vec<u8>,
}

impl Credentials {
    pub(crate) fn new(access_key: &str, secret_key: &SecretString) -> Result<Self, Error> {
        if access_key.is_empty() {
            return Err(Error::setting("access_key", "must not be empty"));
        }
        let secret = auth::decode_secret(secret_key.expose_secret()).map_err(Error::Secret)?;
        Ok(Self { access_key: access_key.to_owned(), secret })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_show_no_secret() {
        let config = Config::default();
        config.validate().unwrap();
        assert!(!format!("{config:?}").contains(Config::SECRET_KEY));
    }

    #[test]
    fn a_standing_clock_and_a_broken_secret_are_refused() {
        assert!(Config { speed: 0.0, ..Config::default() }.validate().is_err());
        let broken = Config { secret_key: SecretString::from("not base64!"), ..Config::default() };
        assert!(matches!(broken.validate(), Err(Error::Secret(_))));
    }
}
