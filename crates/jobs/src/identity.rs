//! Identity: from what a partner hands in to the ids that make "exactly once" hold on every machine.
//!
//! All four are HMAC-SHA256 under [`IdentitySecret`], cut to 16 bytes. A field is encoded as one byte 0 if absent; else
//! byte 1, its length in bytes as a big-endian `u32`, its UTF-8 bytes; so no two lists of fields share an encoding.
//!
//! | what | fields |
//! |---|---|
//! | onboarding id (UUID version 8) | `gangway-id-v1`, entity, `reference`, reference — or, without one — `gangway-id-v1`, entity, `email`, e-mail |
//! | idempotency key (UUID version 4) | `gangway-key-v1`, entity, reference, e-mail, generation in decimal |
//! | e-mail key | `gangway-email-v1`, entity, e-mail |
//! | content digest | `gangway-content-v1`, entity, reference, e-mail, first name, last name, company |
//!
//! Neither is a function of time, machine or store: after every loss, the same row computes the same key again. A change
//! of a rule here is version 2, and must look up version 1 first.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Builder;

use crate::customer::{Email, NewCustomer, Reference};
use crate::id::{IdempotencyKey, OnboardingId};

/// The key under which identities are computed. Lives outside the store; losing it loses "exactly once".
///
/// Kept as a hash that has taken the key in: half of the work of a short HMAC, done once.
#[derive(Clone)]
pub struct IdentitySecret(Hmac<Sha256>);

impl IdentitySecret {
    /// The default for the demo and for development.
    pub const DEVELOPMENT: &'static str = "gangway";

    /// Takes a secret.
    #[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "HMAC takes a key of any length")]
    pub fn new(secret: &str) -> Self {
        Self(Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length"))
    }
}

impl fmt::Debug for IdentitySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentitySecret(…)")
    }
}

/// An e-mail address as an index knows it: equal addresses, equal keys; the address cannot be read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EmailKey(uuid::Uuid);

/// All that a partner said of a customer, as one number: equal content, equal digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentDigest(uuid::Uuid);

macro_rules! sixteen_bytes {
    ($name:ident) => {
        impl $name {
            /// The 16 bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// From the 16 bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(uuid::Uuid::from_bytes(bytes))
            }
        }
    };
}
sixteen_bytes!(EmailKey);
sixteen_bytes!(ContentDigest);

/// Computes identities for one entity under one secret.
#[derive(Clone, Debug)]
pub struct Identity {
    secret: IdentitySecret,
    entity: String,
}

impl Identity {
    /// `entity` is a name that the partner sets, never a credential: a rotated key must not change identities.
    pub fn new(secret: IdentitySecret, entity: impl Into<String>) -> Self {
        Self { secret, entity: entity.into() }
    }

    /// The entity's name.
    pub fn entity(&self) -> &str {
        &self.entity
    }

    /// Tells two secrets apart without telling either; for the stamp of a store.
    pub fn secret_fingerprint(&self) -> String {
        uuid::Uuid::from_bytes(self.digest(&[Some("gangway-secret-v1")])).simple().to_string()
    }

    /// The id of the onboarding of that reference; without one, of that e-mail.
    pub fn onboarding_id(&self, reference: Option<&Reference>, email: &Email) -> OnboardingId {
        let named = match reference {
            Some(reference) => ["reference", reference.as_str()],
            None => ["email", email.as_str()],
        };
        let bytes = self.digest(&[Some("gangway-id-v1"), Some(&self.entity), Some(named[0]), Some(named[1])]);
        OnboardingId::from_uuid(Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The key of the create call; `generation` rises only when a definite refusal is redriven.
    pub fn idempotency_key(
        &self,
        reference: Option<&Reference>,
        email: &Email,
        generation: u32,
    ) -> IdempotencyKey {
        let bytes = self.digest(&[
            Some("gangway-key-v1"),
            Some(&self.entity),
            reference.map(Reference::as_str),
            Some(email.as_str()),
            Some(&generation.to_string()),
        ]);
        IdempotencyKey::from_uuid(Builder::from_random_bytes(bytes).into_uuid())
    }

    /// The index key of an e-mail.
    pub fn email_key(&self, email: &Email) -> EmailKey {
        EmailKey::from_bytes(self.digest(&[
            Some("gangway-email-v1"),
            Some(&self.entity),
            Some(email.as_str()),
        ]))
    }

    /// The digest of all that was handed in.
    pub fn content_digest(&self, customer: &NewCustomer) -> ContentDigest {
        ContentDigest::from_bytes(self.digest(&[
            Some("gangway-content-v1"),
            Some(&self.entity),
            customer.reference.as_ref().map(Reference::as_str),
            Some(customer.email.as_str()),
            Some(customer.first_name.as_str()),
            Some(customer.last_name.as_str()),
            Some(customer.company_name.as_str()),
        ]))
    }

    fn digest(&self, fields: &[Option<&str>]) -> [u8; 16] {
        let mut mac = self.secret.0.clone();
        for field in fields {
            match field {
                None => mac.update(&[0]),
                Some(text) => {
                    mac.update(&[1]);
                    // Every field is far below 4 GiB; a longer one could only come from a bug upstream.
                    mac.update(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
                    mac.update(text.as_bytes());
                }
            }
        }
        let mut cut = [0; 16];
        cut.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        vectors: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        secret: String,
        entity: String,
        reference: Option<String>,
        email: String,
        generation: u32,
        normalized_email: String,
        onboarding_id: String,
        idempotency_key: String,
    }

    #[test]
    fn every_vector_computed_elsewhere_comes_out_the_same() {
        let Vectors { vectors } =
            serde_json::from_str(include_str!("../tests/data/identity-vectors.json")).unwrap();
        assert!(!vectors.is_empty());
        for v in vectors {
            let identity = Identity::new(IdentitySecret::new(&v.secret), v.entity);
            let email = Email::parse(&v.email).unwrap();
            let reference = v.reference.as_deref().map(|text| Reference::parse(text).unwrap());
            assert_eq!(email.as_str(), v.normalized_email);
            assert_eq!(identity.onboarding_id(reference.as_ref(), &email).to_string(), v.onboarding_id);
            assert_eq!(
                identity.idempotency_key(reference.as_ref(), &email, v.generation).to_string(),
                v.idempotency_key
            );
        }
    }

    #[test]
    fn a_reference_is_one_name_however_it_is_composed() {
        let identity = Identity::new(IdentitySecret::new("s"), "default");
        let email = Email::parse("a@b.example").unwrap();
        let composed = Reference::parse(" Zo\u{eb} ").unwrap();
        let decomposed = Reference::parse("Zoe\u{308}").unwrap();
        assert_eq!(
            identity.onboarding_id(Some(&composed), &email),
            identity.onboarding_id(Some(&decomposed), &email)
        );
    }
}
