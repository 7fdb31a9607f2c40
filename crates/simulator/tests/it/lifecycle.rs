use std::time::Duration;

use gangway_simulator::{Config, Knobs, LifecycleKnobs, Span, Status};
use serde_json::json;

use crate::support::{Api, CUSTOMERS, eventually, lively};

const DAY: Duration = Duration::from_hours(24);

fn with(change: impl FnOnce(&mut LifecycleKnobs)) -> Knobs {
    let mut knobs = lively();
    change(&mut knobs.lifecycle);
    knobs
}

#[tokio::test]
async fn nothing_happens_before_a_link_and_all_of_it_after() {
    let api = Api::with(with(|k| (k.rejected, k.pending_response) = (0.0, 0.0))).await;
    let id = api.customer("a@x.example").await;
    api.simulator.advance(DAY);
    assert_eq!(api.status(&id).await, "INIT");
    api.link(&id).await;
    api.simulator.advance(DAY);
    assert_eq!(api.status(&id).await, "APPROVED");
    assert_eq!(api.simulator.audit().statuses["APPROVED"], 1);
}

#[tokio::test]
async fn a_fast_clock_brings_customers_to_their_end_by_itself() {
    let api = Api::start(Config { knobs: lively(), speed: 100_000.0, ..Config::default() }).await;
    for n in 0..20 {
        let id = api.customer(&format!("u{n}@x.example")).await;
        api.link(&id).await;
    }
    let open = ["INIT", "PENDING_REVIEW", "UNDER_REVIEW"];
    eventually("all reviews ended", || {
        let statuses = api.simulator.audit().statuses;
        open.iter().all(|status| !statuses.contains_key(*status))
    })
    .await;
}

#[tokio::test]
async fn questions_are_answered_only_with_a_new_link() {
    let api = Api::with(with(|k| (k.rejected, k.pending_response, k.max_questions) = (0.0, 1.0, 1))).await;
    let id = api.customer("a@x.example").await;
    api.link(&id).await;
    api.simulator.advance(DAY);
    assert_eq!(api.status(&id).await, "PENDING_RESPONSE");
    api.simulator.advance(DAY);
    assert_eq!(api.status(&id).await, "PENDING_RESPONSE");
    assert_eq!(api.link(&id).await.status, 201);
    api.simulator.advance(DAY);
    assert_eq!(api.status(&id).await, "APPROVED");
}

#[tokio::test]
async fn a_rejected_customer_may_come_back_with_a_new_link_if_the_knob_says_so() {
    let api = Api::with(with(|k| (k.rejected, k.pending_response) = (1.0, 0.0))).await;
    let id = api.customer("a@x.example").await;
    api.link(&id).await;
    api.simulator.advance(DAY);
    assert_eq!(api.status(&id).await, "REJECTED");
    api.turn(|knobs| knobs.lifecycle.rejected_may_resubmit = false);
    api.link(&id).await;
    api.simulator.advance(DAY);
    assert_eq!(api.status(&id).await, "REJECTED");
    api.turn(|knobs| {
        knobs.lifecycle.rejected_may_resubmit = true;
        knobs.lifecycle.rejected = 0.0;
        knobs.lifecycle.pending_response = 0.0;
    });
    api.link(&id).await;
    api.simulator.advance(DAY);
    assert_eq!(api.status(&id).await, "APPROVED");
}

#[tokio::test]
async fn a_user_who_comes_too_late_waits_for_another_link() {
    let api = Api::with(with(|k| k.opens_after = Span::new(3600.0, 3600.0))).await;
    let id = api.customer("a@x.example").await;
    api.link(&id).await;
    api.simulator.advance(DAY);
    assert_eq!(api.status(&id).await, "INIT");
    api.turn(|knobs| knobs.lifecycle.opens_after = Span::new(60.0, 60.0));
    api.link(&id).await;
    api.simulator.advance(DAY);
    assert_ne!(api.status(&id).await, "INIT");
}

#[tokio::test]
async fn some_users_never_submit() {
    let api = Api::with(with(|k| k.never_submits = 1.0)).await;
    let id = api.customer("a@x.example").await;
    api.link(&id).await;
    api.simulator.advance(30 * DAY);
    assert_eq!(api.status(&id).await, "INIT");
}

#[tokio::test]
async fn a_fate_does_not_depend_on_who_comes_first() {
    let emails: Vec<String> = (0..30).map(|n| format!("u{n}@x.example")).collect();
    let fates = async |emails: Vec<&String>| {
        let api = Api::with(lively()).await;
        for email in emails {
            let id = api.customer(email).await;
            api.link(&id).await;
        }
        api.simulator.advance(DAY);
        api.simulator.full_audit().full.unwrap().status_per_customer
    };
    let (forth, back) = (fates(emails.iter().collect()).await, fates(emails.iter().rev().collect()).await);
    assert_eq!(forth, back);
    let ends: std::collections::BTreeSet<&String> = forth.values().collect();
    assert!(ends.len() > 1, "they do not all end alike: {ends:?}");
}

#[tokio::test]
async fn updated_at_moves_with_each_status_and_never_back() {
    let api = Api::with(with(|k| (k.rejected, k.pending_response) = (0.0, 0.0))).await;
    let id = api.customer("a@x.example").await;
    api.link(&id).await;
    let mut last = api.get(&format!("{CUSTOMERS}/{id}")).await.json();
    for expected in ["INIT", "PENDING_REVIEW", "UNDER_REVIEW", "APPROVED"] {
        let advanced = api.post(&format!("/_customers/{id}/status"), &json!({"advance": true})).await;
        assert_eq!(advanced.text("status"), expected);
        let now = api.get(&format!("{CUSTOMERS}/{id}")).await.json();
        assert_eq!(now["created_at"], last["created_at"]);
        let moved = now["updated_at"].as_str() > last["updated_at"].as_str();
        assert_eq!(moved, expected != "INIT", "{expected}");
        last = now;
    }
}

#[tokio::test]
async fn a_status_set_by_hand_stays_unless_told_to_go_on() {
    let api = Api::with(with(|k| (k.rejected, k.pending_response) = (0.0, 0.0))).await;
    let id = api.customer("a@x.example").await;
    api.link(&id).await;
    api.simulator.set_status(&id, Status::UnderReview).unwrap();
    api.simulator.advance(DAY);
    assert_eq!(api.status(&id).await, "UNDER_REVIEW");
    let path = format!("/_customers/{id}/status");
    api.post(&path, &json!({"status": "escalated", "resume": true})).await;
    api.simulator.advance(DAY);
    assert_eq!(api.status(&id).await, "APPROVED");
    assert_eq!(api.post(&path, &json!({"status": "DRAFT"})).await.status, 422);
    assert_eq!(api.post("/_customers/x/status", &json!({"status": "INIT"})).await.status, 404);
}

#[tokio::test]
async fn reads_take_the_steps_if_the_knob_says_so_and_the_third_sees_the_end() {
    let mut knobs = with(|k| {
        (k.rejected, k.pending_response) = (0.0, 0.0);
        k.opens_after = Span::new(0.0, 0.0);
    });
    knobs.reads.take_steps = true;
    let api = Api::with(knobs).await;
    let id = api.customer("a@x.example").await;
    assert_eq!(api.status(&id).await, "INIT");
    api.link(&id).await;
    for status in ["PENDING_REVIEW", "UNDER_REVIEW", "APPROVED", "APPROVED"] {
        assert_eq!(api.status(&id).await, status);
    }
}
