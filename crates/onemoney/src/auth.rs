//! Who is calling: the two schemes of the API, and the signature of one of them.
//!
//! `Bearer` sends the access key alone. `OneMoney-HMAC-SHA256` signs five lines, joined by `\n`: access key, timestamp
//! (`20260301T090001Z`), method, path without query, lower-case hex SHA-256 of the exact body bytes. The key is the
//! secret decoded as url-safe base64. Both are as the vendor's own [Go client][sdk] has them.
//!
//! [sdk]: https://github.com/1Money-Co/1money-go-sdk

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use gangway_jobs::clock::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::{Digest, Sha256};

use crate::error::ConfigError;

/// The vendor's decoders take a secret with and without its padding, and one whose last character has spare bits set.
const SECRET_ENCODING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A credential of the API. White space around a key, as a file's last line break leaves it, does not count.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// The access key alone, as a token.
    Bearer {
        /// The access key.
        access_key: SecretString,
    },
    /// Each request signed with the secret key, which itself is never sent.
    Hmac {
        /// The access key.
        access_key: SecretString,
        /// The secret key, in url-safe base64.
        secret_key: SecretString,
    },
}

impl Credentials {
    /// Checks that the credential can be used; only the API knows whether it is valid.
    ///
    /// # Errors
    /// The access key fits in no header, or the secret key does not decode.
    pub fn validate(&self) -> Result<(), ConfigError> {
        Signer::new(self).map(|_usable| ())
    }

    /// Tells two credentials apart and tells neither: 16 hex digits.
    pub fn fingerprint(&self) -> String {
        let (scheme, secret) = match self {
            Self::Bearer { .. } => ("bearer", ""),
            Self::Hmac { secret_key, .. } => ("hmac", secret_key.expose_secret().trim()),
        };
        let mut hash = Sha256::new();
        for part in ["gangway-credential-v1", scheme, self.access_key(), secret] {
            // With its length, so that no two credentials make one text.
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        hex(&hash.finalize()[..8])
    }

    fn access_key(&self) -> &str {
        let (Self::Bearer { access_key } | Self::Hmac { access_key, .. }) = self;
        access_key.expose_secret().trim()
    }
}

/// A credential ready for use.
pub(crate) struct Signer {
    access_key: SecretString,
    /// The decoded secret; none for `Bearer`.
    key: Option<SecretSlice<u8>>,
    fingerprint: String,
}

/// The headers that authenticate one attempt.
pub(crate) struct Signed {
    pub(crate) authorization: HeaderValue,
    pub(crate) date: HeaderValue,
}

impl Signer {
    pub(crate) fn new(credentials: &Credentials) -> Result<Self, ConfigError> {
        let access_key = credentials.access_key();
        if access_key.is_empty() || !access_key.chars().all(|c| c.is_ascii_graphic()) {
            return Err(ConfigError::invalid(
                "the access key (ONEMONEY_ACCESS_KEY)",
                "must be printable ASCII without spaces, and not empty",
            ));
        }
        let key = match credentials {
            Credentials::Bearer { .. } => None,
            Credentials::Hmac { secret_key, .. } => Some(decode(secret_key.expose_secret().trim())?),
        };
        Ok(Self { access_key: access_key.into(), key, fingerprint: credentials.fingerprint() })
    }

    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The access key, to be masked where an answer repeats it.
    pub(crate) fn access_key(&self) -> &str {
        self.access_key.expose_secret()
    }

    /// The headers for one attempt: a pure function of credential, time, method, path (without query) and body bytes.
    pub(crate) fn sign(&self, at: Timestamp, method: &str, path: &str, body: &[u8]) -> Signed {
        let timestamp = basic_format(at);
        let access_key = self.access_key();
        let authorization = match &self.key {
            None => format!("Bearer {access_key}"),
            Some(key) => {
                let text = string_to_sign(access_key, &timestamp, method, path, body);
                let signature = hmac_hex(key.expose_secret(), &text);
                format!("OneMoney-HMAC-SHA256 {access_key}:{timestamp}:{signature}")
            }
        };
        Signed { authorization: secret_header(&authorization), date: secret_header(&timestamp) }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

fn decode(secret_key: &str) -> Result<SecretSlice<u8>, ConfigError> {
    // The decoder's own error would show a character of the secret and its place.
    match SECRET_ENCODING.decode(secret_key) {
        Ok(key) if !key.is_empty() => Ok(key.into()),
        Ok(_) | Err(_) => Err(ConfigError::invalid(
            "the secret key (ONEMONEY_SECRET_KEY)",
            "is not url-safe base64 (A–Z a–z 0–9 - _); copy it again from the dashboard",
        )),
    }
}

/// `20260301T090001Z`; whole seconds.
fn basic_format(at: Timestamp) -> String {
    // Clocks show times within the calendar; one that does not gets a 401 rather than a panic here.
    jiff::Timestamp::from_millisecond(at.as_millis())
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .strftime("%Y%m%dT%H%M%SZ")
        .to_string()
}

fn string_to_sign(access_key: &str, timestamp: &str, method: &str, path: &str, body: &[u8]) -> String {
    let body_hash = hex(&Sha256::digest(body));
    [access_key, timestamp, &method.to_ascii_uppercase(), path, &body_hash].join("\n")
}

fn hmac_hex(key: &[u8], text: &str) -> String {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    hex(&mac.finalize().into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|n| char::from(b"0123456789abcdef"[n as usize]))
        .collect()
}

/// Kept out of the HTTP client's debug output.
fn secret_header(text: &str) -> HeaderValue {
    #[expect(
        clippy::expect_used,
        reason = "the access key was checked to be printable ASCII; the rest is ours"
    )]
    let mut value = HeaderValue::from_str(text).expect("printable ASCII");
    value.set_sensitive(true);
    value
}

#[cfg(test)]
#[path = "auth_tests.rs"]
mod tests;
