use axum::http::{HeaderMap, HeaderValue};
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
    negatives: Vec<Negative>,
}

#[derive(Deserialize, Clone)]
struct Vector {
    name: String,
    access_key: String,
    secret_key: String,
    secret_key_decoded_hex: String,
    method: String,
    request_target: String,
    timestamp: String,
    body_hex: String,
    signature_hex: String,
}

#[derive(Deserialize)]
struct Negative {
    name: String,
    like: String,
    signature_hex: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../tests/data/hmac-vectors.json")).unwrap()
}

fn vector(name: &str) -> Vector {
    vectors().vectors.into_iter().find(|vector| vector.name == name).unwrap()
}

fn credentials(vector: &Vector) -> Credentials {
    Credentials { access_key: vector.access_key.clone(), secret: decode_secret(&vector.secret_key).unwrap() }
}

fn headers(authorization: &str, date: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_str(authorization).unwrap());
    if let Some(date) = date {
        headers.insert("x-om-date", HeaderValue::from_str(date).unwrap());
    }
    headers
}

/// Checks the vector's request with this signature, `late` seconds after it was signed.
fn check(vector: &Vector, signature: &str, late: i64, knobs: &AuthKnobs) -> Result<(), Refusal> {
    let credential = format!("OneMoney-HMAC-SHA256 {}:{}:{signature}", vector.access_key, vector.timestamp);
    let body = decode_hex(&vector.body_hex).unwrap();
    let path = vector.request_target.split('?').next().unwrap();
    let now = parse_timestamp(&vector.timestamp).unwrap() + jiff::SignedDuration::from_secs(late);
    let request = Signed { method: &vector.method, path, body: &body };
    verify(&headers(&credential, Some(&vector.timestamp)), request, &credentials(vector), knobs, now)
}

#[test]
fn every_vector_verifies() {
    for vector in vectors().vectors {
        assert_eq!(
            encode_hex(&credentials(&vector).secret),
            vector.secret_key_decoded_hex,
            "{}",
            vector.name
        );
        check(&vector, &vector.signature_hex, 0, &AuthKnobs::default()).expect(&vector.name);
    }
}

#[test]
fn every_negative_is_refused() {
    for negative in vectors().negatives {
        let refused = check(&vector(&negative.like), &negative.signature_hex, 0, &AuthKnobs::default());
        assert_eq!(refused.unwrap_err().status, 401, "{}", negative.name);
    }
}

#[test]
fn a_signature_is_good_for_three_hundred_seconds_to_either_side() {
    let vector = vector("post_json_body");
    for (late, good) in [(0, true), (300, true), (-300, true), (301, false), (-301, false)] {
        let checked = check(&vector, &vector.signature_hex, late, &AuthKnobs::default());
        assert_eq!(checked.is_ok(), good, "{late} s late");
    }
}

#[test]
fn a_changed_method_path_body_or_signature_is_refused() {
    let good = vector("post_json_body");
    let short = good.signature_hex.split_at(62).0.to_owned();
    for changed in [
        Vector { method: "PUT".into(), ..good.clone() },
        Vector { request_target: "/v1/customers/hosted".into(), ..good.clone() },
        Vector { body_hex: "7b7d".into(), ..good.clone() },
        Vector { signature_hex: good.signature_hex.to_uppercase(), ..good.clone() },
        Vector { signature_hex: short, ..good.clone() },
        Vector { signature_hex: String::new(), ..good.clone() },
    ] {
        assert!(check(&changed, &changed.signature_hex, 0, &AuthKnobs::default()).is_err());
    }
}

#[test]
fn an_access_key_may_hold_a_colon() {
    let credentials = Credentials { access_key: "ak:with:colons".into(), secret: b"secret".to_vec() };
    let timestamp = "20260301T090000Z";
    let text =
        format!("ak:with:colons\n{timestamp}\nGET\n/v1/customers\n{}", encode_hex(&Sha256::digest(b"")));
    let signature = sign(&credentials.secret, text.as_bytes());
    let headers =
        headers(&format!("OneMoney-HMAC-SHA256 ak:with:colons:{timestamp}:{signature}"), Some(timestamp));
    let request = Signed { method: "GET", path: "/v1/customers", body: b"" };
    let now = parse_timestamp(timestamp).unwrap();
    verify(&headers, request, &credentials, &AuthKnobs::default(), now).unwrap();
}

#[test]
fn the_date_header_must_be_the_timestamp_that_was_signed() {
    let vector = vector("get_without_body");
    let credential =
        format!("OneMoney-HMAC-SHA256 {}:{}:{}", vector.access_key, vector.timestamp, vector.signature_hex);
    let request = Signed { method: &vector.method, path: &vector.request_target, body: b"" };
    let now = parse_timestamp(&vector.timestamp).unwrap();
    for date in [None, Some("20260301T090001Z")] {
        let headers = headers(&credential, date);
        assert!(verify(&headers, request, &credentials(&vector), &AuthKnobs::default(), now).is_err());
    }
}

#[test]
fn a_knob_allows_one_scheme_only() {
    let vector = vector("get_without_body");
    let request = Signed { method: "GET", path: &vector.request_target, body: b"" };
    for (schemes, signed, bearer) in
        [(Schemes::Both, true, true), (Schemes::HmacOnly, true, false), (Schemes::BearerOnly, false, true)]
    {
        let knobs = AuthKnobs { schemes, ..AuthKnobs::default() };
        assert_eq!(check(&vector, &vector.signature_hex, 0, &knobs).is_ok(), signed, "{schemes:?}");
        let headers = headers(&format!("Bearer {}", vector.access_key), None);
        let let_in = verify(&headers, request, &credentials(&vector), &knobs, Timestamp::UNIX_EPOCH).is_ok();
        assert_eq!(let_in, bearer, "{schemes:?}");
    }
}

#[test]
fn other_keys_and_schemes_are_refused() {
    let vector = vector("get_without_body");
    let request = Signed { method: "GET", path: &vector.request_target, body: b"" };
    for authorization in ["Bearer sim_ak_7Qm3", "Bearer", "Basic c2ltOmFr", "OneMoney-HMAC-SHA256 a:b", ""] {
        let headers = headers(authorization, Some("20260301T090000Z"));
        let refused =
            verify(&headers, request, &credentials(&vector), &AuthKnobs::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(refused.unwrap_err().status, 401, "{authorization}");
    }
}

#[test]
fn secrets_decode_with_and_without_padding_and_with_trailing_bits() {
    assert_eq!(decode_secret("AQI").unwrap(), decode_secret("AQI=").unwrap());
    assert_eq!(decode_secret("AQJ").unwrap(), decode_secret("AQI").unwrap(), "trailing bits are ignored");
    assert_eq!(decode_secret("-_8").unwrap(), [0xfb, 0xff]);
    assert!(decode_secret("+/8").is_err(), "the url-safe alphabet only");
}
