//! The credential, from where it is kept: variables, a file for each variable, or one file for both.
//!
//! Files are read again while a worker runs, so that a rotated key needs no restart.

use std::path::{Path, PathBuf};

use gangway_onemoney::Credentials;
use secrecy::SecretString;

use super::sections::Auth;
use super::{Environ, Problem, Settings};

const ACCESS_KEY: &str = "ONEMONEY_ACCESS_KEY";
const SECRET_KEY: &str = "ONEMONEY_SECRET_KEY";

/// Where a credential is kept.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    auth: Auth,
    environ: Environ,
    file: Option<PathBuf>,
}

impl Source {
    /// As the settings say.
    pub(crate) fn new(settings: &Settings) -> Self {
        let file = settings.sections.api.credentials_file.trim();
        Self {
            auth: settings.sections.api.auth,
            environ: settings.environ.clone(),
            file: (!file.is_empty()).then(|| PathBuf::from(file)),
        }
    }

    /// Reads the credential.
    pub(crate) fn read(&self) -> Result<Credentials, Problem> {
        let access_key = self.part(ACCESS_KEY, "access key")?;
        Ok(match self.auth {
            Auth::Bearer => Credentials::Bearer { access_key },
            Auth::Hmac => Credentials::Hmac { access_key, secret_key: self.part(SECRET_KEY, "secret key")? },
        })
    }

    /// Whether it can change while the program runs.
    pub(crate) fn can_change(&self) -> bool {
        self.file.is_some() || [ACCESS_KEY, SECRET_KEY].iter().any(|name| self.own_file(name).is_some())
    }

    /// In words, for people.
    pub(crate) fn place(&self) -> String {
        let file = self.own_file(ACCESS_KEY).or_else(|| self.file.clone());
        match file.filter(|_path| self.environ.get(ACCESS_KEY).is_none()) {
            Some(path) => path.display().to_string(),
            None => ACCESS_KEY.to_owned(),
        }
    }

    fn own_file(&self, variable: &str) -> Option<PathBuf> {
        self.environ.path(&format!("{variable}_FILE"))
    }

    fn part(&self, variable: &'static str, what: &'static str) -> Result<SecretString, Problem> {
        if let Some(value) = self.environ.get(variable) {
            return Ok(SecretString::from(value.trim()));
        }
        if let Some(path) = self.own_file(variable) {
            return Ok(SecretString::from(read(&path)?.trim()));
        }
        match &self.file {
            Some(path) => line(path, variable),
            None => Err(Problem::NoCredential { what, variable }),
        }
    }
}

fn read(path: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(path).map_err(|source| Problem::CredentialFile { path: path.to_owned(), source })
}

/// The value in the line `variable=value`; quotes around it, blanks and `export` do not count.
fn line(path: &Path, variable: &'static str) -> Result<SecretString, Problem> {
    let text = read(path)?;
    let value = text.lines().find_map(|line| {
        let line = line.trim();
        let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
        (name.trim() == variable).then(|| value.trim().trim_matches(['"', '\'']))
    });
    value.map(SecretString::from).ok_or_else(|| Problem::CredentialLine { path: path.to_owned(), variable })
}
