//! The environment, read once: no other part of the program looks at it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::Problem;

/// What begins the name of every setting in the environment.
pub(crate) const PREFIX: &str = "GANGWAY__";
const ENV: &str = "GANGWAY_ENV";

/// The variables that concern Gangway.
#[derive(Clone, Default)]
pub(crate) struct Environ {
    variables: BTreeMap<String, SecretString>,
}

/// Shows names only: a value may be a secret.
impl std::fmt::Debug for Environ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

impl Environ {
    /// The environment of this process. An empty variable counts as unset.
    pub(crate) fn of_process() -> Result<Self, Problem> {
        Self::of(std::env::vars_os())
    }

    /// An environment of these variables.
    pub(crate) fn of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, Problem> {
        let mut kept = BTreeMap::new();
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| concerns_us(name)) else { continue };
            if value.is_empty() {
                continue;
            }
            let value =
                value.into_string().map_err(|_value| Problem::NotUnicode { variable: name.to_owned() })?;
            kept.insert(name.to_owned(), SecretString::from(value));
        }
        Ok(Self { variables: kept })
    }

    /// The name of the environment, which chooses a file of settings.
    pub(crate) fn name(&self) -> Option<&str> {
        self.get(ENV)
    }

    /// The value of a variable.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(ExposeSecret::expose_secret)
    }

    /// The value of a variable as a path.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }

    /// The settings among the variables: `(variable, key, value)` with the key as `section.key`.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (&str, String, &str)> {
        self.variables.keys().filter_map(|name| {
            let key = name.strip_prefix(PREFIX)?.to_lowercase().replace("__", ".");
            Some((name.as_str(), key, self.get(name)?))
        })
    }
}

fn concerns_us(name: &str) -> bool {
    #[cfg(feature = "fault-points")]
    if name == super::fault_points::VARIABLE {
        return true;
    }
    name.starts_with(PREFIX) || name == ENV || name.starts_with("ONEMONEY_") || name == "NO_COLOR"
}
