use gangway_simulator::{ListTotal, Status, StatusCase};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Api, CUSTOMERS, applicant};

#[tokio::test]
async fn the_full_customer_has_its_required_fields_and_no_type() {
    let api = Api::quiet().await;
    let id = api.customer("a@x.example").await;
    let body = api.get(&format!("{CUSTOMERS}/{id}")).await.json();
    for field in ["customer_id", "email", "business_legal_name", "status", "created_at", "updated_at"] {
        assert!(body[field].is_string(), "{field}");
    }
    assert_eq!((&body["business_legal_name"], &body["associated_persons"]), (&json!("Acme Ltd"), &json!([])));
    assert_eq!(body["review_issues"], Value::Null);
    assert!(body.get("customer_type").is_none());
}

#[tokio::test]
async fn both_forms_agree_and_the_fixed_words_are_no_ids() {
    let api = Api::quiet().await;
    let id = api.customer("a@x.example").await;
    let hosted = api.get(&format!("{CUSTOMERS}/hosted/{id}")).await.json();
    let full = api.get(&format!("{CUSTOMERS}/{id}")).await.json();
    for field in ["customer_id", "email", "status", "created_at", "updated_at"] {
        assert_eq!(hosted[field], full[field]);
    }
    assert_eq!(hosted["customer_type"], "Business");
    for path in ["tos_links", "onboarding", "0b9f5a52-3c1d-4c6e-9a57-2f6d1f0c8e11", "hosted/unknown"] {
        let answer = api.get(&format!("{CUSTOMERS}/{path}")).await;
        assert_eq!((answer.status, answer.text("code").as_str()), (404, "Not_Found"), "{path}");
    }
    assert_eq!(api.get(&format!("{CUSTOMERS}/hosted")).await.status, 405);
    assert_eq!(api.simulator.full_audit().full.unwrap().polls_per_customer[&id], 2);
}

#[tokio::test]
async fn a_customer_is_found_by_its_key_when_the_lag_is_over() {
    let api = Api::quiet().await;
    let key = Uuid::new_v4();
    assert_eq!(api.lookup(key).await.status, 404);
    let created = api.create(key, &applicant("a@x.example")).await;
    assert_eq!(api.lookup(key).await.json(), created.json());
    api.turn(|knobs| knobs.reads.lookup_lag_ms = 60_000);
    assert_eq!(api.lookup(key).await.status, 404);
    assert_eq!(api.get("/v1/customers/lightweight").await.status, 400);
    assert_eq!(api.simulator.audit().lookups, 3);
}

#[tokio::test]
async fn flagged_customers_say_what_was_flagged() {
    let api = Api::quiet().await;
    let id = api.customer("a@x.example").await;
    for status in Status::ALL {
        api.simulator.set_status(&id, status).unwrap();
        let issues = api.get(&format!("{CUSTOMERS}/{id}")).await.json()["review_issues"].clone();
        assert_eq!(issues["company_issues"]["description"].is_string(), status.has_issues(), "{status:?}");
    }
}

#[tokio::test]
async fn the_list_is_paged_filtered_and_newest_first() {
    let api = Api::quiet().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(api.customer(&format!("u{n}@x.example")).await);
    }
    ids.reverse();
    api.simulator.set_status(&ids[1], Status::Approved).unwrap();
    let page = async |query: &str| {
        let listed = api.get(&format!("{CUSTOMERS}?{query}")).await.json();
        let ids: Vec<String> = listed["customers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["customer_id"].as_str().unwrap().to_owned())
            .collect();
        (ids, listed["total"].as_u64().unwrap())
    };
    assert_eq!(page("").await, (ids.clone(), 5));
    assert_eq!(page("page=2&size=2").await, (ids[2..4].to_vec(), 5));
    assert_eq!(page("page_num=1&page_size=2").await, (ids[2..4].to_vec(), 5));
    assert_eq!(page("page=4&size=2").await, (Vec::new(), 5));
    assert_eq!(page("kyb_status=approved").await, (ids[1..2].to_vec(), 1));
    api.turn(|knobs| knobs.reads.list_total = ListTotal::Page);
    assert_eq!(page("page=1&size=2").await, (ids[..2].to_vec(), 2));
    assert_eq!(api.get(&format!("{CUSTOMERS}?size=101")).await.status, 400);
}

#[tokio::test]
async fn statuses_can_be_written_in_lower_case() {
    let api = Api::quiet().await;
    api.turn(|knobs| knobs.reads.status_case = StatusCase::Lower);
    let id = api.customer("a@x.example").await;
    api.simulator.set_status(&id, Status::PendingReview).unwrap();
    assert_eq!(api.status(&id).await, "pending_review");
}
