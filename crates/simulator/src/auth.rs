//! Who is calling: `Bearer` access keys and `OneMoney-HMAC-SHA256` signatures.
//!
//! The signature is over five lines: access key, timestamp, method, path without query, SHA-256 of the body as it
//! came. It has no nonce and a resolution of one second, so two equal requests in a second carry one signature, and
//! a repeated signature is no offence.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use crate::config::Credentials;
use crate::knobs::{AuthKnobs, Schemes};
use crate::refusal::Refusal;

/// As the vendor's clients decode a secret: url-safe, padded or not, trailing bits ignored.
const SECRET: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The parts of a request that are signed, as they came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a str,
    /// Raw path of the request target, before `?`.
    pub(crate) path: &'a str,
    pub(crate) body: &'a [u8],
}

/// Decodes a secret key.
pub(crate) fn decode_secret(secret: &str) -> Result<Vec<u8>, base64::DecodeError> {
    SECRET.decode(secret)
}

/// Lets the request in, or says why not.
pub(crate) fn verify(
    headers: &HeaderMap,
    request: Signed<'_>,
    credentials: &Credentials,
    knobs: &AuthKnobs,
    now: Timestamp,
) -> Result<(), Refusal> {
    let authorization = headers
        .get(axum::http::header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(|| Refusal::unauthorized("Missing credential."))?;
    let (scheme, credential) = authorization.split_once(' ').unwrap_or((authorization, ""));
    if scheme.eq_ignore_ascii_case("Bearer") && knobs.schemes != Schemes::HmacOnly {
        return verify_bearer(credential.trim(), credentials);
    }
    if scheme.eq_ignore_ascii_case("OneMoney-HMAC-SHA256") && knobs.schemes != Schemes::BearerOnly {
        let date = headers.get("x-om-date").and_then(|value| value.to_str().ok());
        return verify_signature(credential.trim(), date, request, credentials, knobs, now);
    }
    Err(Refusal::unauthorized("Unsupported authentication scheme."))
}

fn verify_bearer(key: &str, credentials: &Credentials) -> Result<(), Refusal> {
    // Compared as digests: equal lengths, and no hint of how far two keys agree.
    if Sha256::digest(key) == Sha256::digest(&credentials.access_key) {
        return Ok(());
    }
    Err(Refusal::unauthorized("Unknown access key."))
}

fn verify_signature(
    credential: &str,
    date: Option<&str>,
    request: Signed<'_>,
    credentials: &Credentials,
    knobs: &AuthKnobs,
    now: Timestamp,
) -> Result<(), Refusal> {
    // From the right: an access key may hold a colon.
    let mut fields = credential.rsplitn(3, ':');
    let (Some(signature), Some(timestamp), Some(key)) = (fields.next(), fields.next(), fields.next()) else {
        return Err(Refusal::unauthorized("Malformed credential."));
    };
    if date != Some(timestamp) {
        return Err(Refusal::unauthorized("X-OM-Date does not match the credential."));
    }
    let at = parse_timestamp(timestamp).ok_or_else(|| Refusal::unauthorized("Malformed timestamp."))?;
    if at.duration_since(now).abs() > jiff::SignedDuration::from_secs(i64::from(knobs.skew_s)) {
        return Err(Refusal::unauthorized("Timestamp outside the allowed window."));
    }
    if key != credentials.access_key {
        return Err(Refusal::unauthorized("Unknown access key."));
    }
    let refused = || Refusal::unauthorized("Signature mismatch.");
    let claimed = decode_hex(signature).ok_or_else(refused)?;
    let text = format!(
        "{key}\n{timestamp}\n{}\n{}\n{}",
        request.method,
        request.path,
        encode_hex(&Sha256::digest(request.body))
    );
    let mac = hmac_sha256(&credentials.secret).chain_update(text);
    mac.verify_slice(&claimed).map_err(|_mismatch| refused())
}

/// HMAC-SHA256 under this key; keys of any length will do.
fn hmac_sha256(key: &[u8]) -> Hmac<Sha256> {
    // Keys longer than a block are hashed first, as RFC 2104 has it, so `new` on one block cannot miss.
    let mut block = [0_u8; 64];
    let short: Vec<u8> = if key.len() > block.len() { Sha256::digest(key).to_vec() } else { key.to_vec() };
    for (slot, byte) in block.iter_mut().zip(short) {
        *slot = byte;
    }
    Hmac::<Sha256>::new(&block.into())
}

/// Lower-case hex of HMAC-SHA256 under this key.
pub(crate) fn sign(key: &[u8], message: &[u8]) -> String {
    encode_hex(&hmac_sha256(key).chain_update(message).finalize().into_bytes())
}

/// `YYYYMMDD'T'HHMMSS'Z'`, and nothing else.
fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let digits =
        text.len() == 16 && text.bytes().enumerate().all(|(i, b)| matches!(i, 8 | 15) || b.is_ascii_digit());
    if !digits {
        return None;
    }
    let civil = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

pub(crate) fn encode_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}

/// Lower-case hex only, as the scheme has it.
fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let nibble = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some((nibble(*pair.first()?)? << 4) | nibble(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests;
