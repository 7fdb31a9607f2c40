//! What a store was made for. A mismatch refuses to work: a sandbox store must never meet production.

use gangway_jobs::event::Epoch;
use serde::{Deserialize, Serialize};

/// The version of the rules of [`gangway_jobs::identity`].
pub const KEY_VERSION: u32 = 1;

/// What an import or a worker expects of its store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// The API that its customers live at; without a slash at the end.
    pub api_base_url: String,
    /// The partner's entity.
    pub entity: String,
    /// Tells two identity secrets apart.
    pub secret_fingerprint: String,
}

/// What a store says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// What it was made for.
    pub made_for: Expected,
    /// The version of the identity rules.
    pub key_version: u32,
    /// Which life this is.
    pub epoch: Epoch,
}

impl Stamp {
    /// What does not match, in words that name the setting; `None` if all does.
    pub fn mismatch(&self, expected: &Expected) -> Option<String> {
        let made_for = &self.made_for;
        if made_for.api_base_url != expected.api_base_url {
            Some(format!(
                "the store was made for the API at {}, but api.base_url is {}",
                made_for.api_base_url, expected.api_base_url
            ))
        } else if made_for.entity != expected.entity {
            Some(format!(
                "the store was made for the entity {:?}, but api.entity is {:?}",
                made_for.entity, expected.entity
            ))
        } else if made_for.secret_fingerprint != expected.secret_fingerprint {
            Some("the store was made under another identity.secret".to_owned())
        } else if self.key_version != KEY_VERSION {
            Some(format!(
                "the store uses version {} of the identity rules; this release knows {KEY_VERSION}",
                self.key_version
            ))
        } else {
            None
        }
    }
}
