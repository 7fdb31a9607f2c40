//! The client against a scripted server over loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod faults;
mod logs;
mod requests;
mod server;

use std::sync::Arc;
use std::time::Duration;

use gangway_jobs::clock::{ManualClock, Timestamp};
use gangway_jobs::customer::{NewCustomer, RawCustomer};
use gangway_jobs::id::{CustomerId, IdempotencyKey};
use gangway_onemoney::{Client, Config, Credentials};

use crate::server::Server;

const ACCESS_KEY: &str = "sim_ak_7Qm2";
const SECRET_KEY: &str = "AwoRGB8mLTQ7QklQV15lbHN6gYiPlp2kq7K5wMfO1dzj6vH4_wYNFBsiKTA3PkVM";
const CREATED: &str = r#"{"customer_id":"0b9f5a52-3c1d-4c6e-9a57-2f6d1f0c8e11","email":"zoe@mueller.example",
    "customer_type":"Business","status":"INIT","created_at":"2026-03-01T23:59:59.123Z",
    "updated_at":"2026-03-01T23:59:59.123Z"}"#;

fn now() -> Timestamp {
    Timestamp::parse("2026-03-01T23:59:59.500Z").unwrap()
}

fn hmac() -> Credentials {
    Credentials::Hmac { access_key: ACCESS_KEY.into(), secret_key: SECRET_KEY.into() }
}

fn config(server: &Server) -> Config {
    Config { base_url: server.url(), ..Config::default() }
}

fn client(server: &Server) -> Client {
    client_at(config(server)).0
}

/// A client whose calls end soon.
fn hasty(server: &Server) -> Client {
    let soon = Duration::from_millis(200);
    client_at(Config { timeout: soon, connect_timeout: soon, ..config(server) }).0
}

fn client_at(config: Config) -> (Client, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(now()));
    let shown: Arc<ManualClock> = Arc::clone(&clock);
    (Client::with_clock(config, hmac(), shown).unwrap(), clock)
}

fn zoe() -> NewCustomer {
    NewCustomer::parse(RawCustomer {
        reference: Some("r-1"),
        email: "zoe@mueller.example",
        first_name: "Zoë",
        last_name: "Müller",
        company_name: "株式会社テスト ☕",
        customer_type: None,
    })
    .unwrap()
}

fn key() -> IdempotencyKey {
    "5f0c8a3e-6d0b-4e57-8a39-7a2f4f5f1c01".parse().unwrap()
}

fn id() -> CustomerId {
    CustomerId::parse("0b9f5a52-3c1d-4c6e-9a57-2f6d1f0c8e11").unwrap()
}
