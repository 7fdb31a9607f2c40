//! Answers that are wrong, and plans as a whole.

use std::time::Duration;

use gangway_simulator::{Config, ErrorBody, Fault, FaultPlan, Latency, Outage, Route, Rule, Window};
use uuid::Uuid;

use crate::support::{Api, CUSTOMERS, applicant, quiet};

/// The answer to a list request that this fault strikes.
async fn struck_by(fault: Fault) -> crate::support::Answer {
    Api::harmed_by(Rule::new(fault)).await.get(CUSTOMERS).await
}

#[tokio::test]
async fn wrong_answers_look_as_they_do_in_the_wild() {
    let html = struck_by(Fault::ServerError { status: 502, body: ErrorBody::Html }).await;
    assert!(html.status == 502 && html.text.contains("Bad Gateway"), "{html:?}");
    let empty = struck_by(Fault::ServerError { status: 503, body: ErrorBody::Empty }).await;
    assert_eq!((empty.status, empty.text.as_str()), (503, ""));
    let json = struck_by(Fault::ServerError { status: 500, body: ErrorBody::Json }).await;
    assert_eq!(json.text("code"), "Internal_Server_Error");
    let ok = struck_by(Fault::HtmlOk).await;
    assert!(ok.status == 200 && ok.text.starts_with("<html>"), "{ok:?}");
    let redirect = struck_by(Fault::Redirect { location: "http://elsewhere.invalid/".into() }).await;
    assert_eq!(
        (redirect.status, &redirect.headers["location"]),
        (307, &"http://elsewhere.invalid/".parse().unwrap())
    );
    let huge = struck_by(Fault::HugeBody { bytes: 10 << 20 }).await;
    assert_eq!((huge.status, huge.text.len()), (200, 10 << 20));
    assert!(huge.json().is_object());
    let quota = struck_by(Fault::Quota).await;
    assert!(quota.status == 400 && quota.text("detail").contains("quota"));
    assert_eq!(struck_by(Fault::Unauthorized).await.status, 401);
    assert_eq!(struck_by(Fault::Forbidden).await.status, 403);
}

#[tokio::test]
async fn truncated_json_breaks_off_after_the_effect() {
    let api = Api::harmed_by(Rule::new(Fault::TruncatedJson).on(Route::Create).times(1)).await;
    let (key, body) = (Uuid::new_v4(), applicant("a@x.example"));
    let broken = api.create(key, &body).await;
    assert_eq!(broken.status, 201);
    assert!(serde_json::from_str::<serde_json::Value>(&broken.text).is_err());
    assert!(api.create(key, &body).await.text.starts_with(&broken.text));

    let api = Api::harmed_by(Rule::new(Fault::TruncatedJson)).await;
    let refused = api.lookup(key).await;
    assert!(
        refused.status == 404 && refused.text.starts_with("{\"code\""),
        "refusals break off too: {refused:?}"
    );
}

#[tokio::test]
async fn injected_429s_come_plain_with_a_header_or_embedded() {
    for (header, embedded, status) in [(false, false, 429), (true, false, 429), (false, true, 200)] {
        let answer = struck_by(Fault::TooManyRequests { wait_s: 30, header, embedded }).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.text("detail"), "Rate limit exceeded. Retry after 30s.");
        assert_eq!(answer.headers.get("retry-after").is_some(), header);
    }
    let api = Api::harmed_by(
        Rule::new(Fault::TooManyRequests { wait_s: 30, header: false, embedded: true }).times(1),
    )
    .await;
    api.turn(|knobs| knobs.limits.in_flight_grace_ms = 0);
    api.get(CUSTOMERS).await;
    api.get(CUSTOMERS).await;
    assert_eq!(api.simulator.audit().requests_in_429_window, 1);
}

#[tokio::test]
async fn faults_keep_to_their_routes_and_windows() {
    let api = Api::harmed_by(Rule::new(Fault::Forbidden).on(Route::Lookup).on(Route::Link)).await;
    let id = api.customer("a@x.example").await;
    assert_eq!([api.get(CUSTOMERS).await.status, api.lookup(Uuid::new_v4()).await.status], [200, 403]);
    assert_eq!(api.link(&id).await.status, 403);
    let window = Window { every_ms: 600_000, from_ms: 300_000, for_ms: 300_000 };
    let later = FaultPlan::none().with(Rule::new(Fault::Unauthorized).within(window));
    api.simulator.set_faults(later).unwrap();
    assert_eq!(api.get(CUSTOMERS).await.status, 200);
    let now = Window { from_ms: 0, ..window };
    api.simulator.set_faults(FaultPlan::none().with(Rule::new(Fault::Unauthorized).within(now))).unwrap();
    assert_eq!(api.get(CUSTOMERS).await.status, 401);
}

#[tokio::test]
async fn in_an_outage_only_the_controls_live() {
    let api = Api::quiet().await;
    api.simulator.set_faults(FaultPlan::outage(Outage::Unavailable)).unwrap();
    assert_eq!([api.get(CUSTOMERS).await.status, api.get("/onboarding?token=x").await.status], [503, 503]);
    api.simulator.set_faults(FaultPlan::outage(Outage::Reset)).unwrap();
    api.try_create(Uuid::new_v4(), &applicant("a@x.example")).await.unwrap_err();
    let healed = api.put("/_faults", &serde_json::json!({"plan": "none"})).await;
    assert_eq!((healed.status, api.get(CUSTOMERS).await.status), (200, 200));
    assert_eq!(api.simulator.audit().faults["outage"], 3);
}

#[tokio::test]
async fn latency_is_felt() {
    let api = Api::quiet().await;
    let latency = Latency::Fixed { ms: 60.0 };
    api.simulator.set_faults(FaultPlan { latency, ..FaultPlan::none() }).unwrap();
    let began = std::time::Instant::now();
    api.get(CUSTOMERS).await;
    assert!(began.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn who_repeats_with_the_same_key_survives_the_hostile_plan() {
    let faults = FaultPlan::hostile(Duration::from_millis(30));
    let api = Api::start(Config { knobs: quiet(), faults, ..Config::default() }).await;
    let create = async |n: u32| {
        let (key, email) = (Uuid::new_v4(), format!("u{n}@x.example"));
        for _ in 0..40 {
            if let Ok(answer) = api.try_create(key, &applicant(&email)).await
                && let Ok(body) = serde_json::from_str::<serde_json::Value>(&answer.text)
                && body["email"] == email
            {
                return;
            }
        }
        panic!("customer {n} never came");
    };
    for n in 0..100 {
        create(n).await;
    }
    let audit = api.simulator.audit();
    assert_eq!((audit.customers, audit.emails_with_several_customers), (100, 0));
    assert!(audit.faults.len() >= 8, "{:?}", audit.faults);
    assert!(audit.replays > 0);
}
