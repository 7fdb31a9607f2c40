//! What can be wrong with settings: each names the setting and where its value came from.

use std::path::PathBuf;

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// No setting has that name.
    #[error("there is no setting `{key}` (set in {origin})")]
    Unknown {
        /// As it was written.
        key: String,
        /// A file or a variable.
        origin: String,
        /// The setting that may have been meant.
        nearest: Option<String>,
    },
    /// A value of the wrong form.
    #[error("the setting {key} cannot be read: {fault} (set in {origin})")]
    Value {
        /// The setting.
        key: String,
        /// What is wrong with its value.
        fault: String,
        /// A file or a variable.
        origin: String,
    },
    /// A value that cannot work, alone or with another.
    #[error("{sentence} (set in {origin})")]
    Rule {
        /// Begins with the setting's name.
        sentence: String,
        /// A file or a variable.
        origin: String,
    },
    /// A file of settings that cannot be read.
    #[error("cannot read the settings in {}: {fault}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: String,
    },
    /// The name of the environment would lead out of the folder.
    #[error("GANGWAY_ENV is {name:?}, which is no plain name")]
    BadEnvironmentName {
        /// What it is.
        name: String,
    },
    /// A variable that is not text.
    #[error("the environment variable {variable} is not valid UTF-8")]
    NotUnicode {
        /// The variable.
        variable: String,
    },
    /// A credential that is not there.
    #[error("there is no {what} for the API")]
    NoCredential {
        /// Which part.
        what: &'static str,
        /// The variable that would hold it.
        variable: &'static str,
    },
    /// A file with a credential that cannot be read.
    #[error("cannot read the credential in {}", path.display())]
    CredentialFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file without a line for the credential.
    #[error("the file {} has no line {variable}=…", path.display())]
    CredentialLine {
        /// The file.
        path: PathBuf,
        /// What is missing.
        variable: &'static str,
    },
    /// The plan of what shall go wrong cannot be read.
    #[cfg(feature = "fault-points")]
    #[error("cannot read the plan in GANGWAY_FAULTPOINTS")]
    FaultPlan {
        /// Why.
        #[source]
        source: gangway_faultpoint::BadPlan,
    },
}

impl Problem {
    /// What to do next.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::Unknown { nearest: Some(name), .. } => {
                format!("did you mean {name}? `gangway config` prints all settings")
            }
            Self::Unknown { nearest: None, .. } => "`gangway config` prints all settings".to_owned(),
            Self::Value { .. } | Self::Rule { .. } => {
                "`gangway config --defaults` prints every setting with its meaning and default".to_owned()
            }
            Self::File { .. } => "mend the file, or leave it out".to_owned(),
            Self::BadEnvironmentName { .. } => {
                "use a name such as production, which stands for config/production.toml".to_owned()
            }
            Self::NotUnicode { variable } => format!("set {variable} to plain text"),
            Self::NoCredential { variable, .. } => format!(
                "set {variable}, or {variable}_FILE, or api.credentials_file; for a simulator, `gangway simulate` \
                 prints what it takes; api.auth says which parts are needed"
            ),
            Self::CredentialFile { .. } => "make it readable for this user".to_owned(),
            Self::CredentialLine { variable, .. } => format!("add the line {variable}=…"),
            #[cfg(feature = "fault-points")]
            Self::FaultPlan { .. } => "write it as POINT=ACTION, or POINT?MARK=ACTION@N".to_owned(),
        }
    }
}
