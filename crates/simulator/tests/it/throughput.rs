use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use serde_json::json;
use uuid::Uuid;

use crate::support::{Api, CUSTOMERS, LIGHTWEIGHT, applicant};

/// Not a measurement on its own: client and server share the machine.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark: cargo test --release -p gangway-simulator -- --ignored --nocapture throughput"]
async fn throughput_of_creates_links_and_polls() {
    let api = std::sync::Arc::new(Api::with(crate::support::lively()).await);
    let (next, began) = (std::sync::Arc::new(AtomicU32::new(0)), Instant::now());
    let mut users = Vec::new();
    for _ in 0..32 {
        let (api, next) = (std::sync::Arc::clone(&api), std::sync::Arc::clone(&next));
        users.push(tokio::spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= 10_000 {
                    return;
                }
                let request = api
                    .request(reqwest::Method::POST, LIGHTWEIGHT)
                    .header("Idempotency-Key", Uuid::new_v4().to_string());
                let created =
                    crate::support::send(request.json(&applicant(&format!("u{n}@x.example")))).await.unwrap();
                let id = created.text("customer_id");
                api.post(&format!("{CUSTOMERS}/{id}/onboarding_links"), &json!({})).await;
                api.status(&id).await;
            }
        }));
    }
    for user in users {
        user.await.unwrap();
    }
    let rate = 30_000.0 / began.elapsed().as_secs_f64();
    assert!(rate > 5_000.0, "{rate:.0} requests a second");
    tracing::info!(rate, "throughput");
}
