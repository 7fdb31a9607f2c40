use gangway_simulator::{Config, Schemes};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::support::{Answer, Api, CUSTOMERS, LIGHTWEIGHT, applicant, hex, quiet, send};

/// Sends a signed request; `signed_path` is what goes under the signature.
async fn signed(api: &Api, method: Method, target: &str, signed_path: &str, body: &str) -> Answer {
    let key: &[u8] = b"simulator-secret-for-demo-and-tests";
    let timestamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let (access, hash) = (Config::ACCESS_KEY, hex(&Sha256::digest(body)));
    let text = format!("{access}\n{timestamp}\n{method}\n{signed_path}\n{hash}");
    let signature =
        hex(&Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes());
    let request = api
        .client
        .request(method, format!("{}{target}", api.simulator.base_url()))
        .header("Authorization", format!("OneMoney-HMAC-SHA256 {access}:{timestamp}:{signature}"))
        .header("X-OM-Date", timestamp)
        .header("Idempotency-Key", Uuid::new_v4().to_string())
        .body(body.to_owned());
    send(request).await.unwrap()
}

#[tokio::test]
async fn a_signed_create_is_let_in_and_its_body_hashed_as_it_came() {
    let api = Api::quiet().await;
    let body = format!("  {}\n", applicant("zoë@acme.example"));
    assert_eq!(signed(&api, Method::POST, LIGHTWEIGHT, LIGHTWEIGHT, &body).await.status, 201);
}

#[tokio::test]
async fn the_signature_covers_the_path_and_not_the_query() {
    let api = Api::quiet().await;
    let target = "/v1/customers?page=1&size=5";
    assert_eq!(signed(&api, Method::GET, target, CUSTOMERS, "").await.status, 200);
    assert_eq!(signed(&api, Method::GET, target, target, "").await.status, 401);
    let raw = "/v1/customers/a%2Fb";
    assert_eq!(signed(&api, Method::GET, raw, raw, "").await.status, 404, "signed as sent, not as decoded");
    assert_eq!(signed(&api, Method::GET, raw, "/v1/customers/a/b", "").await.status, 401);
}

#[tokio::test]
async fn a_stranger_gets_401_in_the_shape_of_the_api() {
    let api = Api::quiet().await;
    let request = api.client.get(format!("{}{CUSTOMERS}", api.simulator.base_url()));
    let answer = send(request).await.unwrap();
    assert_eq!(answer.status, 401);
    let body = answer.json();
    assert_eq!((&body["code"], &body["status"]), (&json!("Unauthorized"), &json!(401)));
    assert_eq!(body["instance"], CUSTOMERS);
    assert!(!body["detail"].as_str().unwrap().is_empty());
    assert!(answer.headers.contains_key("x-request-id"));
    assert_eq!(api.simulator.audit().unauthorized, 1);
}

#[tokio::test]
async fn a_scheme_can_be_shut_out() {
    let mut knobs = quiet();
    knobs.auth.schemes = Schemes::HmacOnly;
    let api = Api::with(knobs).await;
    assert_eq!(api.get(CUSTOMERS).await.status, 401);
    assert_eq!(signed(&api, Method::GET, CUSTOMERS, CUSTOMERS, "").await.status, 200);
    api.turn(|knobs| knobs.auth.schemes = Schemes::BearerOnly);
    assert_eq!(api.get(CUSTOMERS).await.status, 200);
    assert_eq!(signed(&api, Method::GET, CUSTOMERS, CUSTOMERS, "").await.status, 401);
}

#[tokio::test]
async fn a_rotated_key_shuts_the_old_one_out() {
    let api = Api::quiet().await;
    assert_eq!(api.get(CUSTOMERS).await.status, 200);
    api.simulator.set_credentials("another_key", &SecretString::from("AAAA")).unwrap();
    assert_eq!(api.get(CUSTOMERS).await.status, 401);
    let back = json!({"access_key": Config::ACCESS_KEY, "secret_key": Config::SECRET_KEY});
    assert_eq!(api.put("/_credentials", &back).await.status, 204);
    assert_eq!(api.get(CUSTOMERS).await.status, 200);
}

#[tokio::test]
async fn a_feature_that_is_off_is_403() {
    let api = Api::quiet().await;
    api.turn(|knobs| knobs.auth.feature_enabled = false);
    assert_eq!(api.get(CUSTOMERS).await.status, 403);
}
