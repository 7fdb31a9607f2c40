use std::time::Duration;

use gangway_simulator::{Config, Knobs, RateLimit, Route};

use crate::support::{Api, CUSTOMERS};

fn tight() -> Knobs {
    let mut knobs = Knobs::default();
    knobs.limits.rate = Some(RateLimit { per_second: 0.5, burst: 2 });
    knobs.limits.in_flight_grace_ms = 0;
    knobs
}

#[tokio::test]
async fn beyond_the_burst_the_text_tells_how_long_to_wait() {
    let api = Api::with(tight()).await;
    assert_eq!([api.get(CUSTOMERS).await.status, api.get(CUSTOMERS).await.status], [200, 200]);
    let refused = api.get(CUSTOMERS).await;
    assert_eq!((refused.status, refused.text("code").as_str()), (429, "Too_Many_Requests"));
    assert_eq!(refused.text("detail"), "Rate limit exceeded. Retry after 2s.");
    assert!(!refused.headers.contains_key("retry-after"));
    api.turn(|knobs| knobs.limits.retry_after_header = true);
    assert_eq!(api.get(CUSTOMERS).await.headers["retry-after"], "2");
    assert_eq!(api.simulator.audit().rate_limited, 2);
}

#[tokio::test]
async fn a_429_can_hide_in_a_200() {
    let mut knobs = tight();
    knobs.limits.rate = Some(RateLimit { per_second: 0.5, burst: 1 });
    knobs.limits.embedded_on = vec![Route::List];
    let api = Api::with(knobs).await;
    api.get(CUSTOMERS).await;
    let hidden = api.get(CUSTOMERS).await;
    assert_eq!((hidden.status, hidden.json()["status"].as_u64()), (200, Some(429)));
    assert_eq!(api.get(&format!("{CUSTOMERS}/x")).await.status, 429, "only on the route named");
}

#[tokio::test]
async fn who_does_not_wait_is_counted_and_who_was_in_flight_is_not() {
    let api = Api::with(tight()).await;
    for _ in 0..3 {
        api.get(CUSTOMERS).await;
    }
    assert_eq!(api.simulator.audit().requests_in_429_window, 0);
    api.get(CUSTOMERS).await;
    assert_eq!(api.simulator.audit().requests_in_429_window, 1);

    let mut knobs = tight();
    knobs.limits.in_flight_grace_ms = 60_000;
    let lenient = Api::with(knobs).await;
    for _ in 0..4 {
        lenient.get(CUSTOMERS).await;
    }
    assert_eq!(lenient.simulator.audit().requests_in_429_window, 0);
}

#[tokio::test]
async fn tokens_come_back() {
    let mut knobs = tight();
    knobs.limits.rate = Some(RateLimit { per_second: 100.0, burst: 1 });
    let api = Api::start(Config { knobs, ..Config::default() }).await;
    assert_eq!(api.get(CUSTOMERS).await.status, 200);
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(api.get(CUSTOMERS).await.status, 200);
}
