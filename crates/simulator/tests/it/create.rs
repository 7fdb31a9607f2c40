use std::time::Duration;

use gangway_simulator::{
    AfterWindow, ConcurrentKey, EmailCompare, Fault, OtherBody, ReplayContent, Rule, Status,
};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::support::{Api, LIGHTWEIGHT, applicant, send};

#[tokio::test]
async fn a_create_answers_six_fields_and_echoes_no_name() {
    let api = Api::quiet().await;
    let created = api.create(Uuid::new_v4(), &applicant("Ops@Acme.example")).await;
    assert_eq!(created.status, 201);
    let body = created.json();
    let mut fields: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["created_at", "customer_id", "customer_type", "email", "status", "updated_at"]);
    assert_eq!(
        (&body["email"], &body["customer_type"], &body["status"]),
        (&json!("Ops@Acme.example"), &json!("Business"), &json!("INIT"))
    );
    let at = body["created_at"].as_str().unwrap();
    assert!(at.len() == 24 && at.ends_with('Z') && at.as_bytes()[19] == b'.', "{at}");
    let age = jiff::Timestamp::now().duration_since(at.parse().unwrap());
    assert!(age.abs() < jiff::SignedDuration::from_secs(5), "created_at is real wall time");
}

#[tokio::test]
async fn a_known_key_answers_the_customer_as_it_is_and_ignores_the_body() {
    let api = Api::quiet().await;
    let key = Uuid::new_v4();
    let first = api.create(key, &applicant("a@x.example")).await;
    api.simulator.set_status(&first.text("customer_id"), Status::UnderReview).unwrap();
    let replay = api.create(key, &applicant("b@x.example")).await;
    assert_eq!((replay.status, replay.text("email").as_str()), (201, "a@x.example"));
    assert_eq!(replay.text("customer_id"), first.text("customer_id"));
    assert_eq!(replay.text("status"), "UNDER_REVIEW");
    api.turn(|knobs| knobs.keys.replay = ReplayContent::Original);
    assert_eq!(api.create(key, &applicant("a@x.example")).await.json(), first.json());
    let audit = api.simulator.audit();
    assert_eq!((audit.creates, audit.effective_creates, audit.replays), (3, 1, 2));
}

#[tokio::test]
async fn another_body_under_a_key_is_refused_if_the_knob_says_so() {
    let api = Api::quiet().await;
    let key = Uuid::new_v4();
    api.create(key, &applicant("a@x.example")).await;
    for (knob, status) in [(OtherBody::Conflict, 409), (OtherBody::Unprocessable, 422)] {
        api.turn(|knobs| knobs.keys.other_body = knob);
        assert_eq!(api.create(key, &applicant("b@x.example")).await.status, status);
        assert_eq!(api.create(key, &applicant("a@x.example")).await.status, 201);
    }
}

#[tokio::test]
async fn a_key_that_is_missing_or_no_uuid_is_refused_after_the_json_was_read() {
    let api = Api::quiet().await;
    let post = || api.request(Method::POST, LIGHTWEIGHT);
    let good = applicant("a@x.example");
    let no_key = send(post().json(&good)).await.unwrap();
    assert_eq!((no_key.status, no_key.text("code").as_str()), (400, "Bad_Request"));
    for key in ["nonsense", "0b9f5a523c1d4c6e9a572f6d1f0c8e11", "{0b9f5a52-3c1d-4c6e-9a57-2f6d1f0c8e11}"] {
        assert_eq!(
            send(post().header("Idempotency-Key", key).json(&good)).await.unwrap().status,
            400,
            "{key}"
        );
    }
    let broken = send(post().body("{\"email\":")).await.unwrap();
    assert!(broken.status == 400 && broken.text("detail").contains("JSON"), "{}", broken.text);
    api.turn(|knobs| knobs.keys.required = false);
    assert_eq!(send(post().json(&good)).await.unwrap().status, 201);
}

#[tokio::test]
async fn an_email_belongs_to_one_customer_whatever_its_case() {
    let api = Api::quiet().await;
    api.customer("ops@acme.example").await;
    let taken = api.create(Uuid::new_v4(), &applicant("OPS@acme.EXAMPLE")).await;
    assert_eq!(taken.status, 400);
    assert!(taken.text("detail").contains("already exists"));
    assert_eq!(api.simulator.audit().emails_with_several_keys, 1);
    assert_eq!(api.simulator.audit().emails_with_several_customers, 0);
    api.turn(|knobs| knobs.create.email_compare = EmailCompare::Exact);
    api.customer("OPS@acme.example").await;
    assert_eq!(api.simulator.audit().emails_with_several_customers, 1);
}

#[tokio::test]
async fn a_quota_can_be_set_and_lifted() {
    let api = Api::quiet().await;
    api.turn(|knobs| knobs.limits.quota = Some(1));
    let (key, second) = (Uuid::new_v4(), applicant("b@x.example"));
    api.customer("a@x.example").await;
    let refused = api.create(key, &second).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text("detail").contains("quota"));
    api.turn(|knobs| knobs.limits.quota = None);
    assert_eq!(api.create(key, &second).await.status, 201);
}

#[tokio::test]
async fn a_refusal_is_remembered_only_if_the_knob_says_so() {
    for (remember, status) in [(false, 201), (true, 400)] {
        let api = Api::quiet().await;
        api.turn(|knobs| {
            knobs.keys.remember_refusals = remember;
            knobs.limits.quota = Some(0);
        });
        let (key, body) = (Uuid::new_v4(), applicant("a@x.example"));
        assert_eq!(api.create(key, &body).await.status, 400);
        api.turn(|knobs| knobs.limits.quota = None);
        assert_eq!(api.create(key, &body).await.status, status, "remember: {remember}");
    }
}

#[tokio::test]
async fn a_key_may_have_a_window() {
    let api = Api::quiet().await;
    api.turn(|knobs| knobs.keys.window_s = Some(24 * 3600));
    let (key, body) = (Uuid::new_v4(), applicant("a@x.example"));
    api.create(key, &body).await;
    api.simulator.advance(Duration::from_hours(23));
    assert_eq!(api.create(key, &body).await.status, 201);
    api.simulator.advance(Duration::from_hours(2));
    assert_eq!(api.create(key, &body).await.status, 409);
    assert_eq!(api.lookup(key).await.status, 200, "the lookup still knows it");
    api.turn(|knobs| {
        knobs.keys.after_window = AfterWindow::Forget;
        knobs.create.unique_emails = false;
    });
    assert_eq!(api.create(key, &body).await.status, 201);
    assert_eq!(api.simulator.audit().emails_with_several_customers, 1);
}

#[tokio::test]
async fn two_calls_with_one_key_make_one_customer() {
    let api = Api::quiet().await;
    let (key, body) = (Uuid::new_v4(), applicant("a@x.example"));
    let (first, second) = tokio::join!(api.create(key, &body), api.create(key, &body));
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.text("customer_id"), second.text("customer_id"));
    assert_eq!(api.simulator.audit().effective_creates, 1);
}

#[tokio::test]
async fn a_key_in_work_is_409_if_the_knob_says_so() {
    let api = Api::harmed_by(Rule::new(Fault::SlowAnswer).times(1)).await;
    api.turn(|knobs| knobs.keys.concurrent = ConcurrentKey::Conflict);
    let (key, body) = (Uuid::new_v4(), applicant("a@x.example"));
    let (first, second) = tokio::join!(api.create(key, &body), api.create(key, &body));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    assert_eq!(api.create(key, &body).await.status, 201, "once the first is done, it is a replay");
}

#[tokio::test]
async fn the_legacy_path_shares_keys_and_asks_for_no_company() {
    let api = Api::quiet().await;
    let key = Uuid::new_v4();
    let mut body = applicant("a@x.example");
    body.as_object_mut().unwrap().remove("company_name");
    assert_eq!(api.create(Uuid::new_v4(), &body).await.status, 422);
    let request =
        api.request(Method::POST, "/v1/customers/hosted").header("Idempotency-Key", key.to_string());
    let hosted = send(request.json(&body)).await.unwrap();
    assert_eq!(hosted.status, 201);
    assert_eq!(
        api.create(key, &applicant("a@x.example")).await.text("customer_id"),
        hosted.text("customer_id")
    );
}

#[tokio::test]
async fn ids_follow_from_seed_and_email() {
    let (one, other) = (Api::quiet().await, Api::quiet().await);
    other.customer("first@x.example").await;
    assert_eq!(one.customer("a@x.example").await, other.customer("a@x.example").await);
}
