use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use gangway_simulator::{FaultPlan, Status, WebhookFaults};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{Api, eventually, hex};

type Inbox = Arc<Mutex<Vec<(Option<String>, String)>>>;

/// A receiver that answers the first `refusals` deliveries with 500.
async fn receiver(refusals: usize) -> (String, Inbox) {
    let inbox = Inbox::default();
    let take = move |State(inbox): State<Inbox>, headers: HeaderMap, body: String| async move {
        let signature = headers.get("x-sim-signature").map(|value| value.to_str().unwrap().to_owned());
        let mut inbox = inbox.lock().unwrap();
        inbox.push((signature, body));
        if inbox.len() <= refusals { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::NO_CONTENT }
    };
    let router = axum::Router::new().route("/hook", post(take)).with_state(Arc::clone(&inbox));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, inbox)
}

fn events(inbox: &Inbox) -> Vec<Value> {
    inbox.lock().unwrap().iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect()
}

fn faulty(webhooks: WebhookFaults) -> FaultPlan {
    FaultPlan { webhooks, ..FaultPlan::none() }
}

#[tokio::test]
async fn a_change_is_told_and_signed() {
    let api = Api::quiet().await;
    let (url, inbox) = receiver(0).await;
    api.simulator.register_webhook(&url, Some(SecretString::from("hush"))).unwrap();
    let id = api.customer("a@x.example").await;
    api.simulator.set_status(&id, Status::Approved).unwrap();
    eventually("the webhook came", || !inbox.lock().unwrap().is_empty()).await;
    let (signature, body) = inbox.lock().unwrap()[0].clone();
    let mac = Hmac::<Sha256>::new_from_slice(b"hush").unwrap().chain_update(&body).finalize().into_bytes();
    assert_eq!(signature.unwrap(), hex(&mac));
    let event: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(event["event"], "kyb.approved");
    assert_eq!(event["resource"]["id"], id.as_str());
    assert_eq!(
        (&event["data"]["customer_id"], &event["data"]["status"], &event["data"]["previous_status"]),
        (&json!(id), &json!("APPROVED"), &json!("INIT"))
    );
}

#[tokio::test]
async fn the_autopilot_tells_of_each_step_without_being_asked() {
    let mut knobs = crate::support::lively();
    (knobs.lifecycle.rejected, knobs.lifecycle.pending_response) = (0.0, 0.0);
    let api = Api::with(knobs).await;
    let (url, inbox) = receiver(0).await;
    api.simulator.register_webhook(&url, None).unwrap();
    let id = api.customer("a@x.example").await;
    api.link(&id).await;
    api.simulator.set_speed(200_000.0).unwrap();
    eventually("three webhooks came", || inbox.lock().unwrap().len() == 3).await;
    let mut names: Vec<String> = events(&inbox).iter().map(|event| event["event"].to_string()).collect();
    names.sort_unstable();
    assert_eq!(names, ["\"kyb.approved\"", "\"kyb.submitted\"", "\"kyb.under_review\""]);
}

#[tokio::test]
async fn a_refused_delivery_is_tried_again_and_in_the_end_given_up() {
    let api = Api::quiet().await;
    api.turn(|knobs| knobs.webhooks.retry_after_ms = vec![10, 10]);
    let (url, inbox) = receiver(2).await;
    api.simulator.register_webhook(&url, None).unwrap();
    let id = api.customer("a@x.example").await;
    api.simulator.set_status(&id, Status::Rejected).unwrap();
    eventually("the third attempt was taken", || api.simulator.audit().webhooks.delivered == 1).await;
    assert_eq!(inbox.lock().unwrap().len(), 3);
    assert_eq!(events(&inbox)[0], events(&inbox)[2], "the same event, id included");

    let (dead, _) = receiver(usize::MAX).await;
    api.simulator.register_webhook(&dead, None).unwrap();
    api.simulator.set_status(&id, Status::Approved).unwrap();
    eventually("the event was given up", || api.simulator.audit().webhooks.given_up == 1).await;
}

#[tokio::test]
async fn webhooks_can_be_doubled_dropped_and_overtaken() {
    let api = Api::quiet().await;
    let (url, inbox) = receiver(0).await;
    api.simulator.register_webhook(&url, None).unwrap();
    let id = api.customer("a@x.example").await;

    api.simulator.set_faults(faulty(WebhookFaults { duplicate: 1.0, ..WebhookFaults::default() })).unwrap();
    api.simulator.set_status(&id, Status::PendingReview).unwrap();
    eventually("it came twice", || inbox.lock().unwrap().len() == 2).await;
    assert_eq!(events(&inbox)[0]["id"], events(&inbox)[1]["id"]);

    api.simulator.set_faults(faulty(WebhookFaults { drop: 1.0, ..WebhookFaults::default() })).unwrap();
    api.simulator.set_status(&id, Status::UnderReview).unwrap();
    eventually("it was dropped", || api.simulator.audit().webhooks.dropped == 1).await;

    let held = WebhookFaults { reorder: 1.0, reorder_ms: 300, ..WebhookFaults::default() };
    api.simulator.set_faults(faulty(held)).unwrap();
    api.simulator.set_status(&id, Status::PendingResponse).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    api.simulator.set_faults(FaultPlan::none()).unwrap();
    api.simulator.set_status(&id, Status::Approved).unwrap();
    eventually("both came", || inbox.lock().unwrap().len() == 4).await;
    let names: Vec<Value> = events(&inbox).into_iter().skip(2).map(|event| event["event"].clone()).collect();
    assert_eq!(names, ["kyb.approved", "kyb.action_required"]);
}
