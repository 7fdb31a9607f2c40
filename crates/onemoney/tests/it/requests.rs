//! What is sent: paths, headers, bodies, and a signature over exactly these bytes.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use gangway_onemoney::{Api, Client, Config, Credentials, CustomerTypeSpelling};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::server::{Seen, Server, answer, answer_with};
use crate::{ACCESS_KEY, CREATED, SECRET_KEY, client, client_at, config, hmac, id, key, zoe};

/// The signature as a server computes it, from what arrived.
fn authorization_expected(seen: &Seen) -> String {
    let date = seen.header("x-om-date").unwrap();
    let path = seen.target.split('?').next().unwrap();
    let body_hash = hex(&Sha256::digest(&seen.body));
    let text = format!("{ACCESS_KEY}\n{date}\n{}\n{path}\n{body_hash}", seen.method);
    let mut mac = Hmac::<Sha256>::new_from_slice(&URL_SAFE_NO_PAD.decode(SECRET_KEY).unwrap()).unwrap();
    mac.update(text.as_bytes());
    format!("OneMoney-HMAC-SHA256 {ACCESS_KEY}:{date}:{}", hex(&mac.finalize().into_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    format!("{:x}", Bytes::copy_from_slice(bytes))
}

#[tokio::test]
async fn a_create_is_signed_over_the_very_bytes_that_arrive() {
    let server = Server::start([answer("201 Created", CREATED)]).await;
    let created = client(&server).create_customer(&zoe(), &key()).await.unwrap();
    assert!(created.fresh && zoe().email.is(&created.email));
    assert_eq!(created.customer_id, id());

    let seen = &server.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/v1/customers/lightweight"));
    assert_eq!(seen.header("idempotency-key"), Some("5f0c8a3e-6d0b-4e57-8a39-7a2f4f5f1c01"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert!(seen.header("user-agent").unwrap().starts_with("gangway/"));
    assert!(std::str::from_utf8(&seen.body).unwrap().contains("株式会社テスト ☕"));
    assert_eq!(seen.header("authorization").unwrap(), authorization_expected(seen));
    // The vector "utf8_body", computed elsewhere.
    assert!(
        authorization_expected(seen)
            .ends_with("20260301T235959Z:ca33dd11efc527d789c842e4408dcd5d604e225203bed836d5d19f07e63381c7")
    );
}

#[tokio::test]
async fn each_attempt_is_signed_anew_under_the_same_key() {
    let server = Server::start([answer("503 Service Unavailable", ""), answer("201 Created", CREATED)]).await;
    let (client, clock) = client_at(config(&server));
    client.create_customer(&zoe(), &key()).await.unwrap_err();
    clock.advance(Duration::from_secs(7));
    client.create_customer(&zoe(), &key()).await.unwrap();

    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].body, seen[1].body);
    assert_eq!(seen[0].header("idempotency-key"), seen[1].header("idempotency-key"));
    assert_eq!(seen[1].header("x-om-date"), Some("20260302T000006Z"));
    for seen in &seen {
        assert_eq!(seen.header("authorization").unwrap(), authorization_expected(seen));
    }
}

#[tokio::test]
async fn a_look_up_signs_its_path_without_the_query() {
    let server = Server::start([answer("200 OK", CREATED), answer("404 Not Found", "{}")]).await;
    let client = client(&server);
    assert_eq!(client.customer_by_key(&key(), &[]).await.unwrap().unwrap().customer_id, id());
    assert_eq!(client.customer_by_key(&key(), &[]).await.unwrap(), None);

    let seen = &server.seen()[0];
    assert_eq!(seen.method, "GET");
    assert_eq!(seen.target, "/v1/customers/lightweight?idempotency_key=5f0c8a3e-6d0b-4e57-8a39-7a2f4f5f1c01");
    assert!(seen.body.is_empty() && seen.header("idempotency-key").is_none());
    assert_eq!(seen.header("authorization").unwrap(), authorization_expected(seen));
}

#[tokio::test]
async fn a_link_has_its_own_key_and_what_the_settings_say() {
    let link = r#"{"grant_token":"t","onboarding_url":"https://o.example/?token=t","expires_at":"2026-03-02T00:29:59Z"}"#;
    let server = Server::start([answer("201 Created", link), answer("200 OK", link)]).await;
    let key = uuid::Uuid::new_v4();
    let made = client(&server).create_link(&id(), &key).await.unwrap();
    assert_eq!(made.url.expose(), "https://o.example/?token=t");
    let settings = Config {
        redirect_url: Some("https://partner.example/done".to_owned()),
        locale: Some("de".to_owned()),
        ..config(&server)
    };
    client_at(settings).0.create_link(&id(), &key).await.unwrap();

    let seen = server.seen();
    assert_eq!(seen[0].target, "/v1/customers/0b9f5a52-3c1d-4c6e-9a57-2f6d1f0c8e11/onboarding_links");
    assert_eq!(seen[0].header("idempotency-key"), Some(key.to_string().as_str()));
    assert_eq!(seen[0].body, b"{}");
    assert_eq!(seen[1].body, br#"{"redirect_url":"https://partner.example/done","locale":"de"}"#);
    for seen in &seen {
        assert_eq!(seen.header("authorization").unwrap(), authorization_expected(seen));
    }
}

#[tokio::test]
async fn reading_and_listing_take_the_full_customer() {
    let full = r#"{"customer_id":"c-1","email":"a@b.example","status":"under_review","business_legal_name":"",
        "associated_persons":[],"created_at":"x","updated_at":"2026-03-01T09:00:00Z","review_issues":null}"#;
    let list = format!(r#"{{"customers":[{full},{full}],"total":2}}"#);
    let server =
        Server::start([answer("200 OK", full), answer("404 Not Found", "{}"), answer("200 OK", &list)]).await;
    let client = client(&server);
    let customer = client.customer(&id()).await.unwrap().unwrap();
    assert!(customer.status.status().is_under_review());
    assert_eq!(customer.updated_at, "2026-03-01T09:00:00Z");
    assert_eq!(client.customer(&id()).await.unwrap(), None);
    let page = client.list(1, 50, Some("INIT")).await.unwrap();
    assert_eq!((page.customers.len(), page.total), (2, Some(2)));
    assert_eq!(server.seen()[2].target, "/v1/customers?page=1&size=50&kyb_status=INIT");
    assert_eq!(server.seen()[2].header("authorization").unwrap(), authorization_expected(&server.seen()[2]));
}

#[tokio::test]
async fn a_replayed_create_is_not_fresh_by_the_servers_own_clock() {
    let replay =
        answer_with("201 Created", "date: Wed, 04 Mar 2026 09:00:00 GMT\r\nx-request-id: r-1\r\n", CREATED);
    let server = Server::start([replay]).await;
    let created = client(&server).create_customer(&zoe(), &key()).await.unwrap();
    assert!(!created.fresh);
}

#[tokio::test]
async fn a_rotated_credential_is_used_from_the_next_call_on() {
    let server = Server::start([answer("401 Unauthorized", "{}"), answer("201 Created", CREATED)]).await;
    let config = Config { customer_type: CustomerTypeSpelling::Pascal, ..config(&server) };
    let client = Client::new(config, hmac()).unwrap();
    client.create_customer(&zoe(), &key()).await.unwrap_err();
    let before = client.credential();
    let unusable = Credentials::Hmac { access_key: "k".into(), secret_key: "+".into() };
    assert!(client.set_credentials(unusable).is_err());
    assert_eq!(client.credential(), before);
    client.set_credentials(Credentials::Bearer { access_key: "sim_ak_new".into() }).unwrap();
    assert_ne!(client.credential(), before);
    client.create_customer(&zoe(), &key()).await.unwrap();

    let seen = server.seen();
    assert!(seen[0].header("authorization").unwrap().starts_with("OneMoney-HMAC-SHA256 sim_ak_7Qm2:"));
    assert_eq!(seen[1].header("authorization"), Some("Bearer sim_ak_new"));
    assert!(seen[1].body.ends_with(br#""customer_type":"Business"}"#));
}
