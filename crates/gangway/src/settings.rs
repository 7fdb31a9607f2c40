//! Settings: each default once, in `config/default.toml`; then files; then the environment, which is read only here.
//!
//! | module | duty |
//! |---|---|
//! | [`environ`] | the environment, read once |
//! | [`layers`] | defaults, files and environment to one tree that knows where each value is from |
//! | [`sections`] | the tree as types |
//! | [`compose`] | the types as the configurations of the library crates |
//! | [`check`] | values against each other |
//! | [`credentials`] | the credential, from where it is kept |
//! | [`password`] | the store's password, kept apart from its url |

pub(crate) mod check;
pub(crate) mod compose;
pub(crate) mod credentials;
pub(crate) mod duration;
pub(crate) mod environ;
#[cfg(feature = "fault-points")]
pub(crate) mod fault_points;
pub(crate) mod layers;
pub(crate) mod password;
pub(crate) mod problem;
pub(crate) mod sections;
pub(crate) mod suggest;

use std::path::Path;

pub(crate) use self::environ::Environ;
pub(crate) use self::layers::Layers;
pub(crate) use self::problem::Problem;
pub(crate) use self::sections::Sections;

/// All settings, checked.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The values.
    pub(crate) sections: Sections,
    /// The same values with their origins.
    pub(crate) layers: Layers,
    /// The environment as it was at the start; the credential is in there.
    pub(crate) environ: Environ,
}

impl Settings {
    /// Reads, types and checks all settings.
    pub(crate) fn load(file: Option<&Path>, environ: Environ) -> Result<Self, Problem> {
        let layers = Layers::collect(file, &environ)?;
        let mut sections = layers.typed()?;
        password::take_out(&mut sections.store, &layers)?;
        let checked = check::check(&sections).and_then(|()| check::in_environment(&sections, environ.name()));
        checked.map_err(|sentence| layers.blame(sentence))?;
        Ok(Self { sections, layers, environ })
    }
}

#[cfg(test)]
mod tests;
