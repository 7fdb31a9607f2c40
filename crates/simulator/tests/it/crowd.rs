use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;
use uuid::Uuid;

use crate::support::{Api, CUSTOMERS, LIGHTWEIGHT, applicant};

const USERS: u32 = 600;

#[tokio::test(flavor = "multi_thread")]
async fn what_many_clients_did_at_once_is_counted_whole() {
    let api = std::sync::Arc::new(Api::with(crate::support::lively()).await);
    let next = std::sync::Arc::new(AtomicU32::new(0));
    let mut users = Vec::new();
    for _ in 0..32 {
        let (api, next) = (std::sync::Arc::clone(&api), std::sync::Arc::clone(&next));
        users.push(tokio::spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= USERS {
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
    let audit = api.simulator.audit();
    let counts = [audit.customers, audit.effective_creates, audit.links, audit.polls];
    assert_eq!(counts, [u64::from(USERS); 4]);
    assert_eq!((audit.emails_with_several_customers, audit.rate_limited), (0, 0));
}
