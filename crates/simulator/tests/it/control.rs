use gangway_simulator::{Config, Error, Simulator};
use reqwest::Method;
use serde_json::json;

use crate::support::{Api, CUSTOMERS, client, send};

#[tokio::test]
async fn knobs_are_turned_one_by_one_while_it_runs() {
    let api = Api::quiet().await;
    let turned = api.put("/_knobs", &json!({"limits": {"quota": 0}})).await;
    assert_eq!((turned.status, turned.json()["limits"]["quota"].as_u64()), (200, Some(0)));
    assert_eq!(api.get("/_knobs").await.json(), turned.json());
    assert_eq!(api.simulator.knobs().limits.quota, Some(0));
    assert_eq!(api.put("/_knobs", &json!({"limits": {"qouta": 0}})).await.status, 422);
    assert_eq!(api.put("/_knobs", &json!({"lifecycle": {"rejected": 2.0}})).await.status, 422);
}

#[tokio::test]
async fn fault_plans_are_set_by_name_or_written_out() {
    let api = Api::quiet().await;
    let named = api.put("/_faults", &json!({"plan": "hostile", "slow_ms": 70})).await;
    assert_eq!((named.text("name").as_str(), named.json()["slow_ms"].as_u64()), ("hostile", Some(70)));
    assert_eq!(api.put("/_faults", &json!({"plan": "worse"})).await.status, 422);
    let plan = json!({"name": "mine", "rules": [{"fault": {"kind": "forbidden"}, "routes": ["list"]}]});
    assert_eq!(api.put("/_faults", &plan).await.status, 200);
    assert_eq!(api.get("/_faults").await.text("name"), "mine");
    assert_eq!(api.get(CUSTOMERS).await.status, 403);
    let broken = json!({"rules": [{"fault": {"kind": "forbidden"}, "rate": 2.0}]});
    assert_eq!(api.put("/_faults", &broken).await.status, 422);
}

#[tokio::test]
async fn the_clock_can_be_pushed_and_read() {
    let api = Api::quiet().await;
    let clock = api.put("/_clock", &json!({"speed": 60.0, "advance_s": 3600.0})).await.json();
    assert_eq!(clock["speed"], 60.0);
    assert!(clock["simulated_s"].as_f64().unwrap() >= 3600.0);
    assert_eq!(api.put("/_clock", &json!({"speed": 0.0})).await.status, 422);
}

#[tokio::test]
async fn the_audit_counts_and_holds_nothing_personal() {
    let api = Api::quiet().await;
    let id = api.customer("ops@acme.example").await;
    let link = api.link(&id).await;
    api.status(&id).await;
    let audit = api.get("/_audit?full=1").await;
    let body = audit.json();
    assert_eq!((&body["customers"], &body["links"], &body["polls"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!(body["full"]["customer_ids"], json!([id]));
    assert_eq!(body["full"]["links_per_customer"][&id], 1);
    assert_eq!(body["requests"]["create"], 1);
    for personal in ["ops@", "acme", "Ada", "Byron", &link.text("grant_token")] {
        assert!(!audit.text.to_lowercase().contains(&personal.to_lowercase()), "{personal}");
    }
    assert!(api.get("/_audit").await.json().get("full").is_none());
    assert_eq!(serde_json::to_value(api.simulator.full_audit()).unwrap()["full"], body["full"]);
}

#[tokio::test]
async fn webhooks_are_registered_listed_and_removed() {
    let api = Api::quiet().await;
    let added = api.post("/_webhooks", &json!({"url": "http://127.0.0.1:9/hook", "secret": "hush"})).await;
    assert_eq!(added.status, 201);
    let listed = api.get("/_webhooks").await;
    assert_eq!(listed.json()["webhooks"][0]["signed"], true);
    assert!(!listed.text.contains("hush"));
    let path = format!("/_webhooks/{}", added.text("webhook_id"));
    let removed = async || send(api.request(Method::DELETE, &path)).await.unwrap().status;
    assert_eq!([removed().await, removed().await], [204, 404]);
    assert_eq!(api.post("/_webhooks", &json!({"url": "https://example.com/"})).await.status, 422);
}

#[tokio::test]
async fn it_says_that_it_is_well_and_knows_no_other_paths() {
    let api = Api::quiet().await;
    assert_eq!(api.get("/_health").await.text("status"), "ok");
    let unknown = api.get("/v1/assets").await;
    assert_eq!((unknown.status, unknown.text("instance").as_str()), (404, "/v1/assets"));
    assert_eq!(send(api.request(Method::DELETE, CUSTOMERS)).await.unwrap().status, 405);
}

#[tokio::test]
async fn it_stops_when_told_and_when_dropped() {
    let api = Api::quiet().await;
    let (address, url) = (api.simulator.address(), format!("{}/_health", api.simulator.base_url()));
    api.simulator.shutdown().await;
    assert!(client().get(&url).send().await.unwrap_err().is_connect());
    let again = Simulator::start(Config { bind: address, ..Config::default() }).await.unwrap();
    let taken = Simulator::start(Config { bind: address, ..Config::default() }).await;
    assert!(matches!(taken, Err(Error::Bind { .. })));
    drop(again);
    for _ in 0..100 {
        if client().get(&url).send().await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("still serving");
}
