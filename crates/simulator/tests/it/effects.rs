//! Faults that leave a client in the dark: was it done, or not?

use std::time::Duration;

use gangway_simulator::{ErrorBody, Fault, FaultPlan, Outage, Route, Rule};
use uuid::Uuid;

use crate::support::{Api, CUSTOMERS, applicant, eventually, send};

#[tokio::test]
async fn a_reset_before_the_effect_leaves_nothing_behind() {
    let api = Api::harmed_by(Rule::new(Fault::ResetBefore).times(1)).await;
    let (key, body) = (Uuid::new_v4(), applicant("a@x.example"));
    let error = api.try_create(key, &body).await.unwrap_err();
    assert!(error.is_request() && error.status().is_none(), "{error:?}");
    assert_eq!(api.simulator.audit().customers, 0);
    assert_eq!(api.create(key, &body).await.status, 201);
}

#[tokio::test]
async fn a_reset_after_the_effect_loses_only_the_answer() {
    let api = Api::harmed_by(Rule::new(Fault::ResetAfter).on(Route::Create).times(1)).await;
    let (key, body) = (Uuid::new_v4(), applicant("a@x.example"));
    let error = api.try_create(key, &body).await.unwrap_err();
    assert!(error.is_request() && error.status().is_none(), "{error:?}");
    assert_eq!(api.simulator.audit().customers, 1);
    assert_eq!(api.lookup(key).await.status, 200);
    api.create(key, &body).await;
    let audit = api.simulator.audit();
    assert_eq!((audit.customers, audit.replays, audit.faults["reset_after"]), (1, 1, 1));
}

#[tokio::test]
async fn a_reset_is_a_reset_and_not_a_polite_close() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let api = Api::quiet().await;
    api.simulator.set_faults(FaultPlan::outage(Outage::Reset)).unwrap();
    let mut stream = tokio::net::TcpStream::connect(api.simulator.address()).await.unwrap();
    stream.write_all(b"GET /v1/customers HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let error = stream.read(&mut [0; 64]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_slow_answer_comes_too_late_for_an_effect_that_is_there() {
    let api = Api::harmed_by(Rule::new(Fault::SlowAnswer).times(1)).await;
    api.simulator.set_faults(api.simulator.faults().slow(Duration::from_mins(1))).unwrap();
    let (key, body) = (Uuid::new_v4(), applicant("a@x.example"));
    let request = api.request(reqwest::Method::POST, "/v1/customers/lightweight");
    let request = request.header("Idempotency-Key", key.to_string()).json(&body);
    let error = send(request.timeout(Duration::from_millis(200))).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(api.simulator.audit().customers, 1);
}

#[tokio::test]
async fn an_effect_may_come_after_its_client_was_cut_off() {
    let api = Api::harmed_by(Rule::new(Fault::LateEffect { after_ms: 300 }).on(Route::Create).times(1)).await;
    let (key, body) = (Uuid::new_v4(), applicant("a@x.example"));
    api.try_create(key, &body).await.unwrap_err();
    assert_eq!(api.lookup(key).await.status, 404, "not yet");
    let audit = api.simulator.audit();
    assert_eq!((audit.customers, audit.late_effects_pending), (0, 1));
    eventually("the late effect came", || api.simulator.audit().customers == 1).await;
    assert_eq!(api.lookup(key).await.status, 200);
    eventually("nothing is pending", || api.simulator.audit().late_effects_pending == 0).await;
}

#[tokio::test]
async fn a_late_effect_does_not_double_a_create_that_was_repeated_meanwhile() {
    let api = Api::harmed_by(Rule::new(Fault::LateEffect { after_ms: 100 }).on(Route::Create).times(1)).await;
    let (key, body) = (Uuid::new_v4(), applicant("a@x.example"));
    api.try_create(key, &body).await.unwrap_err();
    assert_eq!(api.create(key, &body).await.status, 201);
    eventually("the late effect came", || api.simulator.audit().late_effects_pending == 0).await;
    let audit = api.simulator.audit();
    assert_eq!((audit.customers, audit.replays), (1, 1));
}

#[tokio::test]
async fn a_stall_does_nothing_and_says_nothing() {
    let api = Api::harmed_by(Rule::new(Fault::Stall).times(1)).await;
    api.try_create(Uuid::new_v4(), &applicant("a@x.example")).await.unwrap_err();
    assert_eq!(api.simulator.audit().customers, 0);
}

#[tokio::test]
async fn an_error_may_hide_an_effect() {
    let after = Fault::ServerErrorAfter { status: 504, body: ErrorBody::Html };
    let api = Api::harmed_by(Rule::new(after).times(1)).await;
    let answer = api.create(Uuid::new_v4(), &applicant("a@x.example")).await;
    assert!(answer.status == 504 && answer.text.starts_with("<html>"), "{answer:?}");
    assert_eq!(api.simulator.audit().customers, 1);
    assert_eq!(api.get(CUSTOMERS).await.status, 200);
}
