use std::time::Duration;

use gangway_simulator::{LinkClock, Status};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::support::{Api, CUSTOMERS, send};

const MINUTE: Duration = Duration::from_mins(1);

/// Goes to the address of a link, with GET to look and POST to use it.
async fn visit(api: &Api, method: Method, url: &str) -> u16 {
    send(api.client.request(method, url)).await.unwrap().status
}

#[tokio::test]
async fn a_link_has_a_token_a_url_and_thirty_minutes() {
    let api = Api::quiet().await;
    let id = api.customer("a@x.example").await;
    let link = api.link(&id).await;
    assert_eq!(link.status, 201);
    let url = link.text("onboarding_url");
    assert_eq!(url, format!("{}/onboarding?token={}", api.simulator.base_url(), link.text("grant_token")));
    let left =
        link.text("expires_at").parse::<jiff::Timestamp>().unwrap().duration_since(jiff::Timestamp::now());
    assert!((1795..=1800).contains(&left.as_secs()), "{left}");
    assert_eq!(api.status(&id).await, "INIT", "a link leaves the status as it is");
}

#[tokio::test]
async fn a_link_is_used_once_and_looking_at_it_uses_nothing() {
    let api = Api::quiet().await;
    let id = api.customer("a@x.example").await;
    let url = api.link(&id).await.text("onboarding_url");
    for (method, status) in
        [(Method::GET, 200), (Method::GET, 200), (Method::POST, 200), (Method::POST, 410), (Method::GET, 410)]
    {
        assert_eq!(visit(&api, method.clone(), &url).await, status, "{method}");
    }
    assert_eq!(
        visit(&api, Method::GET, &format!("{}/onboarding?token=x", api.simulator.base_url())).await,
        404
    );
    assert_eq!(api.simulator.audit().links_used, 1);
}

#[tokio::test]
async fn a_person_can_submit_the_form_and_is_sent_back() {
    let api = Api::quiet().await;
    let id = api.customer("a@x.example").await;
    let body = json!({"redirect_url": "https://partner.example/done?x=1", "locale": "en-US"});
    let link = api.post(&format!("{CUSTOMERS}/{id}/onboarding_links"), &body).await;
    let opened = send(api.client.post(link.text("onboarding_url"))).await.unwrap();
    let cookie = opened.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let submit = format!("{}/onboarding/submit", api.simulator.base_url());
    let submitted = send(api.client.post(submit).header("Cookie", cookie)).await.unwrap();
    assert_eq!(
        (submitted.status, &submitted.headers["location"]),
        (303, &"https://partner.example/done?x=1".parse().unwrap())
    );
    assert_eq!(api.status(&id).await, "PENDING_REVIEW");
}

#[tokio::test]
async fn a_link_dies_after_thirty_simulated_minutes() {
    let api = Api::quiet().await;
    let id = api.customer("a@x.example").await;
    let url = api.link(&id).await.text("onboarding_url");
    api.simulator.advance(29 * MINUTE);
    assert_eq!(visit(&api, Method::GET, &url).await, 200);
    api.simulator.advance(2 * MINUTE);
    assert_eq!(visit(&api, Method::GET, &url).await, 410);
    assert_eq!(visit(&api, Method::POST, &url).await, 410);
    api.turn(|knobs| knobs.links.clock = LinkClock::Wall);
    let url = api.link(&id).await.text("onboarding_url");
    api.simulator.advance(60 * MINUTE);
    assert_eq!(visit(&api, Method::GET, &url).await, 200, "on real time it is still young");
}

#[tokio::test]
async fn older_links_live_on_unless_the_knob_kills_them() {
    let api = Api::quiet().await;
    let id = api.customer("a@x.example").await;
    let old = api.link(&id).await.text("onboarding_url");
    let newer = api.link(&id).await.text("onboarding_url");
    assert_eq!(visit(&api, Method::GET, &old).await, 200);
    assert_eq!(api.simulator.audit().live_links_per_customer_max, 2);
    api.turn(|knobs| knobs.links.new_kills_older = true);
    api.link(&id).await;
    assert_eq!([visit(&api, Method::GET, &old).await, visit(&api, Method::GET, &newer).await], [410, 410]);
}

#[tokio::test]
async fn links_are_made_only_where_the_form_may_be_edited() {
    let api = Api::quiet().await;
    let id = api.customer("a@x.example").await;
    for status in Status::ALL {
        api.simulator.set_status(&id, status).unwrap();
        let link = api.link(&id).await;
        let expected = if status.allows_link() { 201 } else { 400 };
        assert_eq!(link.status, expected, "{status:?}");
        if expected == 400 {
            assert!(link.text("detail").contains("KYB edit not allowed"), "{}", link.text);
        }
    }
    for status in [409, 500] {
        api.turn(|knobs| knobs.links.not_editable_status = status);
        api.simulator.set_status(&id, Status::Approved).unwrap();
        assert_eq!(api.link(&id).await.status, status);
    }
    api.turn(|knobs| knobs.links.allowed_when_rejected = false);
    api.simulator.set_status(&id, Status::Rejected).unwrap();
    assert_eq!(api.link(&id).await.status, 500);
}

#[tokio::test]
async fn a_key_replays_the_same_link() {
    let api = Api::quiet().await;
    let id = api.customer("a@x.example").await;
    let path = format!("{CUSTOMERS}/{id}/onboarding_links");
    let with_key =
        |key: String| send(api.request(Method::POST, &path).header("Idempotency-Key", key).json(&json!({})));
    let key = Uuid::new_v4().to_string();
    let first = with_key(key.clone()).await.unwrap();
    assert_eq!(with_key(key).await.unwrap().json(), first.json());
    assert_eq!(with_key("no-uuid".to_owned()).await.unwrap().status, 400);
    assert_ne!(api.link(&id).await.json(), first.json());
    assert_eq!(api.simulator.audit().links, 2);
}

#[tokio::test]
async fn bodies_of_links_are_checked() {
    let api = Api::quiet().await;
    let id = api.customer("a@x.example").await;
    let path = format!("{CUSTOMERS}/{id}/onboarding_links");
    let post = |body: &'static str| send(api.request(Method::POST, &path).body(body));
    for (body, status) in [
        ("", 400),
        ("null", 422),
        ("[]", 422),
        (r#"{"redirect_url":null,"locale":null}"#, 201),
        (r#"{"redirect_url":"partner"}"#, 400),
        (r#"{"redirect_url":7}"#, 422),
    ] {
        assert_eq!(post(body).await.unwrap().status, status, "{body}");
    }
    api.turn(|knobs| knobs.links.body_required = false);
    api.turn(|knobs| knobs.links.success_status = 200);
    assert_eq!([post("").await.unwrap().status, post("null").await.unwrap().status], [200, 200]);
}

#[tokio::test]
async fn the_legacy_grant_makes_a_link_and_strangers_get_none() {
    let api = Api::quiet().await;
    let id = api.customer("a@x.example").await;
    let grants = "/v1/customers/onboarding/grants";
    let grant = api.post(grants, &json!({"customer_id": id})).await;
    assert_eq!(grant.status, 201);
    assert!(grant.text("onboarding_url").contains(&grant.text("grant_token")));
    assert_eq!(api.post(grants, &json!({})).await.status, 422);
    assert_eq!(api.post(grants, &json!({"customer_id": Uuid::new_v4()})).await.status, 404);
    assert_eq!(api.link(&Uuid::new_v4().to_string()).await.status, 404);
    assert_eq!(api.link("lightweight").await.status, 404);
}
