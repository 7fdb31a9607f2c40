//! The signature against vectors that were computed elsewhere (Python, OpenSSL, Node, the vendor's own function).

use std::fmt::Write as _;

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct File {
    vectors: Vec<Vector>,
    negatives: Vec<Negative>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    access_key: String,
    secret_key: String,
    secret_key_decoded_hex: String,
    method: String,
    signed_path: String,
    request_target: String,
    timestamp: String,
    body_utf8: String,
    body_hex: String,
    body_sha256_hex: String,
    string_to_sign: String,
    signature_hex: String,
    headers: Headers,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Headers {
    authorization: String,
    #[serde(rename = "X-OM-Date")]
    date: String,
}

#[derive(Deserialize)]
struct Negative {
    name: String,
    like: String,
    signature_hex: String,
}

impl Vector {
    fn signer(&self) -> Signer {
        Signer::new(&hmac(&self.access_key, &self.secret_key)).unwrap()
    }

    fn at(&self) -> Timestamp {
        let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", &self.timestamp).unwrap();
        Timestamp::from_millis(civil.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_millisecond())
    }

    fn key(&self) -> Vec<u8> {
        decode(&self.secret_key).unwrap().expose_secret().to_vec()
    }
}

fn file() -> File {
    serde_json::from_str(include_str!("../tests/data/hmac-vectors.json")).unwrap()
}

fn hmac(access_key: &str, secret_key: &str) -> Credentials {
    Credentials::Hmac { access_key: access_key.into(), secret_key: secret_key.into() }
}

#[test]
fn every_vector_comes_out_the_same() {
    let File { vectors, .. } = file();
    assert_eq!(vectors.len(), 5);
    for v in vectors {
        assert_eq!(hex(&v.key()), v.secret_key_decoded_hex, "{}", v.name);
        assert_eq!(hex(v.body_utf8.as_bytes()), v.body_hex, "{}", v.name);
        assert_eq!(hex(&Sha256::digest(&v.body_utf8)), v.body_sha256_hex, "{}", v.name);
        let text =
            string_to_sign(&v.access_key, &v.timestamp, &v.method, &v.signed_path, v.body_utf8.as_bytes());
        assert_eq!(text, v.string_to_sign, "{}", v.name);
        assert_eq!(hmac_hex(&v.key(), &text), v.signature_hex, "{}", v.name);
        // A millisecond within the second changes nothing.
        let at = v.at().after(std::time::Duration::from_millis(999));
        let signed = v.signer().sign(at, &v.method, &v.signed_path, v.body_utf8.as_bytes());
        assert_eq!(signed.authorization, v.headers.authorization, "{}", v.name);
        assert_eq!(signed.date, v.headers.date, "{}", v.name);
    }
}

#[test]
fn each_known_mistake_is_reproduced_by_the_mistake_alone() {
    let File { vectors, negatives } = file();
    assert_eq!(negatives.len(), 3);
    for negative in negatives {
        let v = vectors.iter().find(|v| v.name == negative.like).unwrap();
        let body = v.body_utf8.as_bytes();
        let right = v.signer().sign(v.at(), &v.method, &v.signed_path, body);
        assert!(
            !right.authorization.to_str().unwrap().ends_with(&negative.signature_hex),
            "{}",
            negative.name
        );

        let sign = |key: &[u8], path: &str, body: &[u8]| {
            hmac_hex(key, &string_to_sign(&v.access_key, &v.timestamp, &v.method, path, body))
        };
        let mistaken = match negative.name.as_str() {
            "query_string_wrongly_signed" => sign(&v.key(), &v.request_target, body),
            "secret_not_decoded" => sign(v.secret_key.as_bytes(), &v.signed_path, body),
            "body_reserialized" => sign(&v.key(), &v.signed_path, escaped_as_ascii(&v.body_utf8).as_bytes()),
            other => panic!("a negative that is not tested: {other}"),
        };
        assert_eq!(mistaken, negative.signature_hex, "{}", negative.name);
    }
}

/// The same JSON with `\u` escapes, as many serializers write it.
fn escaped_as_ascii(body: &str) -> String {
    let mut out = String::new();
    for unit in body.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => out.push(char::from(byte)),
            _ => write!(out, "\\u{unit:04x}").unwrap(),
        }
    }
    out
}

#[test]
fn a_secret_decodes_with_and_without_padding_and_with_spare_bits() {
    // "_w", "_x" … "_-" differ in bits that no byte holds.
    for secret in ["_w", "_w==", "_x", "_-", " _w\n"] {
        let signer = Signer::new(&hmac("ak", secret)).unwrap();
        assert_eq!(signer.key.unwrap().expose_secret(), [0xff], "{secret:?}");
    }
    for bad in ["", "==", "a+b/", "abcde", "ab cd", "äöü"] {
        let error = Signer::new(&hmac("ak", bad)).unwrap_err().to_string();
        assert!(error.contains("ONEMONEY_SECRET_KEY"), "{bad:?}: {error}");
    }
}

#[test]
fn an_access_key_that_fits_in_no_header_is_refused() {
    for bad in ["", "  ", "a b", "a\nb", "schlüssel"] {
        let error = Credentials::Bearer { access_key: bad.into() }.validate().unwrap_err().to_string();
        assert!(error.contains("ONEMONEY_ACCESS_KEY"), "{bad:?}: {error}");
    }
}

#[test]
fn bearer_sends_the_access_key_alone() {
    let signer = Signer::new(&Credentials::Bearer { access_key: "sim_ak_7Qm2\n".into() }).unwrap();
    let headers = signer.sign(Timestamp::from_millis(1_772_355_601_123), "GET", "/v1/customers", b"");
    assert_eq!(headers.authorization, "Bearer sim_ak_7Qm2");
    assert_eq!(headers.date, "20260301T090001Z");
    assert!(headers.authorization.is_sensitive());
}

#[test]
fn a_fingerprint_tells_credentials_apart_and_tells_neither() {
    let all = [
        hmac("ak", "c2VjcmV0"),
        hmac("ak", "c2VjcmV1"),
        hmac("al", "c2VjcmV0"),
        hmac("akc", "2VjcmV0"),
        Credentials::Bearer { access_key: "ak".into() },
    ];
    let mut prints: Vec<String> = all.iter().map(Credentials::fingerprint).collect();
    assert_eq!(prints[0], hmac(" ak", "c2VjcmV0\n").fingerprint());
    assert!(prints.iter().all(|print| print.len() == 16 && print.chars().all(|c| c.is_ascii_hexdigit())));
    prints.sort();
    prints.dedup();
    assert_eq!(prints.len(), all.len());
}

#[test]
fn debug_output_shows_no_key() {
    let credentials = hmac("sim_ak_7Qm2", "c2VjcmV0LXNlY3JldA");
    let shown = format!("{credentials:?} {:?}", Signer::new(&credentials).unwrap());
    assert!(!shown.contains("7Qm2") && !shown.contains("c2Vj"), "{shown}");
}
