//! What a network and an API can do to a call, and what the client makes of it.

use std::time::Duration;

use gangway_onemoney::{Api, CallError, Class, Config};
use tokio::net::TcpListener;

use crate::server::{Server, Step, answer, answer_with};
use crate::{CREATED, client, client_at, config, hasty, id, key, zoe};

const UNSURE: Class = Class::Unreachable { uncertain: true };

/// The failure of a create that meets this step.
async fn create_meets(step: Step) -> CallError {
    let server = Server::start([step]).await;
    hasty(&server).create_customer(&zoe(), &key()).await.unwrap_err()
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_credential_goes_nowhere_else() {
    let elsewhere = Server::start([answer("201 Created", CREATED)]).await;
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let location = format!("location: {}/v1/customers/lightweight\r\n", elsewhere.url());
        let error = create_meets(answer_with(status, &location, "")).await;
        assert_eq!(error.class, Class::Contract, "{status}");
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn an_endless_answer_is_cut_off_and_not_kept() {
    let server = Server::start([Step::Flood(50 * 1024 * 1024)]).await;
    let client = client(&server);
    let error = client.create_customer(&zoe(), &key()).await.unwrap_err();
    assert_eq!((error.class, error.status), (UNSURE, Some(200)));
    drop(client);
    tokio::time::sleep(Duration::from_millis(50)).await;
    // What sockets buffer on the way may be more than was read.
    let flooded = *server.flooded.lock().unwrap();
    assert!(flooded < 20 * 1024 * 1024, "{flooded}");
}

#[tokio::test]
async fn a_claimed_length_is_not_believed() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n{".to_vec();
    let error = create_meets(Step::SayAndReset(head)).await;
    assert_eq!((error.class, error.status), (UNSURE, Some(200)));
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_uncertain() {
    let half = format!("HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n{}", CREATED.len(), &CREATED[..50]);
    let steps = [
        ("no answer", Step::Hang),
        ("reset before an answer", Step::SayAndReset(Vec::new())),
        ("reset within the head", Step::SayAndReset(b"HTTP/1.1 20".to_vec())),
        ("reset within the body", Step::SayAndReset(half.clone().into_bytes())),
        ("silence within the body", Step::SayAndHang(half.into_bytes())),
        ("JSON that breaks off", answer("201 Created", &CREATED[..50])),
        ("no HTTP at all", Step::SayAndReset(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec())),
    ];
    for (name, step) in steps {
        let error = create_meets(step).await;
        assert_eq!(error.class, UNSURE, "{name}: {error}");
        assert!(error.is_uncertain(), "{name}");
    }
}

#[tokio::test]
async fn a_read_is_never_uncertain() {
    let server = Server::start([Step::SayAndReset(Vec::new()), Step::Hang]).await;
    let client = hasty(&server);
    for _ in 0..2 {
        let error = client.customer(&id()).await.unwrap_err();
        assert_eq!(error.class, Class::Unreachable { uncertain: false });
    }
}

#[tokio::test]
async fn nothing_was_done_where_nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for base_url in [base_url, "https://no-such-host.invalid".to_owned()] {
        let (client, _) = client_at(Config { base_url, ..Config::default() });
        let error = client.create_customer(&zoe(), &key()).await.unwrap_err();
        assert_eq!(error.class, Class::Unreachable { uncertain: false }, "{error}");
        assert_eq!(error.status, None);
        assert!(!error.text.is_empty() && !error.text.contains("://"), "{error}");
    }
}

#[tokio::test]
async fn the_time_limit_includes_the_body() {
    let drip = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec();
    let begun = std::time::Instant::now();
    let error = create_meets(Step::SayAndHang(drip)).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(error.text.contains("api.timeout"), "{error}");
}

#[tokio::test]
async fn a_page_with_status_200_is_no_customer() {
    let page = "<!doctype html><title>Maintenance</title><p>Back soon, Zo&euml; M&#252;ller</p>";
    let error = create_meets(answer_with("200 OK", "content-type: text/html\r\n", page)).await;
    assert_eq!(error.class, Class::Contract);
    assert!(error.is_uncertain());
    assert!(error.text.contains("Maintenance") && !error.text.contains("Müller"), "{error}");
}

#[tokio::test]
async fn a_429_hidden_in_a_200_is_a_429() {
    let body = r#"{"code":"Too_Many_Requests","status":429,"detail":"Rate limit exceeded. Retry after 4s."}"#;
    let error = create_meets(answer_with("200 OK", "x-request-id: req-9\r\n", body)).await;
    assert_eq!(error.class, Class::RateLimited { wait: Some(Duration::from_secs(4)) });
    assert_eq!(error.wait(), Some(Duration::from_secs(4)));
    assert_eq!(error.request_id.as_deref(), Some("req-9"));
    assert!(!error.is_uncertain());
}

#[tokio::test]
async fn an_error_repeats_neither_the_row_nor_the_credential() {
    let body = r#"{"code":"Bad_Request","status":400,
        "detail":"ZOE@mueller.example, Zo\u00eb M\u00fcller of 株式会社テスト ☕ exists (key sim_ak_7Qm2)"}"#;
    let error = create_meets(answer("400 Bad Request", body)).await;
    assert_eq!(error.class, Class::Refused);
    assert_eq!(error.text, "[value], [value] [value] of [value] exists (key [value])");
}

#[tokio::test]
async fn a_whole_answer_of_another_shape_breaks_the_contract() {
    for body in
        ["{}", r#"{"data":{"customer_id":"c-1"}}"#, r#"{"customer_id":7,"email":"a","status":"INIT"}"#]
    {
        let error = create_meets(answer("201 Created", body)).await;
        assert_eq!((error.class, error.status), (Class::Contract, Some(201)), "{body}");
    }
}

#[tokio::test]
async fn two_hundred_calls_run_at_once() {
    let server = Server::start((0..200).map(|_| answer("200 OK", CREATED))).await;
    let client = std::sync::Arc::new(client_at(config(&server)).0);
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let client = std::sync::Arc::clone(&client);
            tokio::spawn(async move { client.customer(&id()).await.map(|found| found.is_some()) })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(true));
    }
}
