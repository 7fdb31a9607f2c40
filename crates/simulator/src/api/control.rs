//! The simulator's own controls. They are not part of the API, need no credential, and work in any outage.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use bytes::Bytes;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::request;
use crate::audit::Audit;
use crate::clock::{rfc3339, scale};
use crate::config::Credentials;
use crate::error::Error;
use crate::faults::{FaultPlan, PlanRequest};
use crate::knobs::Knobs;
use crate::refusal::Refusal;
use crate::sim::Sim;
use crate::status::Status;

type Shared = State<Arc<Sim>>;
type Answer<T> = Result<Json<T>, Refusal>;

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::unprocessable(error.to_string())
    }
}

/// `GET /_health`.
pub(super) async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// `GET /_audit`, with `?full=1` customer by customer.
pub(super) async fn audit(State(sim): Shared, Query(query): Query<HashMap<String, String>>) -> Json<Audit> {
    let full = query.get("full").is_some_and(|value| matches!(value.as_str(), "1" | "true"));
    Json(sim.audit(full))
}

/// `GET /_knobs`.
pub(super) async fn knobs(State(sim): Shared) -> Json<Knobs> {
    Json(Knobs::clone(&sim.knobs()))
}

/// `PUT /_knobs`: only the knobs named are turned.
pub(super) async fn set_knobs(State(sim): Shared, body: Bytes) -> Answer<Knobs> {
    let knobs = sim.knobs().patched(request::json(&body)?)?;
    sim.set_knobs(knobs.clone())?;
    Ok(Json(knobs))
}

/// `GET /_faults`.
pub(super) async fn faults(State(sim): Shared) -> Json<FaultPlan> {
    Json(sim.faults().plan().clone())
}

/// `PUT /_faults`: `{"plan":"hostile","slow_ms":1500}`, or a plan written out.
pub(super) async fn set_faults(State(sim): Shared, body: Bytes) -> Answer<FaultPlan> {
    let plan = parse::<PlanRequest>(&body)?.into_plan()?;
    sim.set_faults(plan.clone())?;
    Ok(Json(plan))
}

#[derive(Debug, Serialize)]
pub(super) struct ClockAnswer {
    speed: f64,
    simulated_s: f64,
    wall: String,
}

/// `GET /_clock`.
pub(super) async fn clock(State(sim): Shared) -> Json<ClockAnswer> {
    let clock = &sim.clock;
    let simulated_s = clock.now().as_secs_f64();
    Json(ClockAnswer { speed: clock.speed(), simulated_s, wall: rfc3339(clock.wall()) })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    speed: Option<f64>,
    advance_s: Option<f64>,
}

/// `PUT /_clock`: `{"speed":600}` and/or `{"advance_s":3600}`.
pub(super) async fn set_clock(State(sim): Shared, body: Bytes) -> Answer<ClockAnswer> {
    let change: ClockChange = parse(&body)?;
    if let Some(speed) = change.speed {
        sim.set_speed(speed)?;
    }
    sim.advance(change.advance_s.map_or(Duration::ZERO, scale));
    Ok(clock(State(sim)).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyPair {
    access_key: String,
    secret_key: SecretString,
}

/// `PUT /_credentials`: lets in another key pair instead of the one before.
pub(super) async fn set_credentials(State(sim): Shared, body: Bytes) -> Result<StatusCode, Refusal> {
    let pair: KeyPair = parse(&body)?;
    sim.set_credentials(Credentials::new(&pair.access_key, &pair.secret_key)?);
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusChange {
    status: Option<String>,
    #[serde(default)]
    resume: bool,
    #[serde(default)]
    advance: bool,
}

/// `POST /_customers/{id}/status`: `{"status":"APPROVED"}` sets it and keeps it, with `"resume":true` compliance goes on from
/// there; `{"advance":true}` does at once what would come next.
pub(super) async fn set_status(State(sim): Shared, Path(id): Path<String>, body: Bytes) -> Answer<Value> {
    let change: StatusChange = parse(&body)?;
    let status = match (&change.status, change.advance) {
        (Some(word), false) => {
            let status =
                Status::parse(word).ok_or_else(|| Refusal::unprocessable("status is not a known status."))?;
            sim.with_ledger(|ledger, now| ledger.set_status(&id, status, change.resume, now))
        }
        (None, true) => sim.with_ledger(|ledger, now| ledger.hasten(&id, now)),
        (Some(_), true) | (None, false) => {
            return Err(Refusal::unprocessable("Either status or advance is needed."));
        }
    };
    let status = status.ok_or_else(|| Refusal::not_found("Customer"))?;
    Ok(Json(json!({"customer_id": id, "status": status})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewHook {
    url: String,
    secret: Option<SecretString>,
}

/// `POST /_webhooks`: `{"url":"http://127.0.0.1:…","secret":"…"}`; the secret may be left out.
pub(super) async fn add_webhook(
    State(sim): Shared,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let hook: NewHook = parse(&body)?;
    let id = sim.webhooks.register(&hook.url, hook.secret)?;
    Ok((StatusCode::CREATED, Json(json!({"webhook_id": id, "url": hook.url}))))
}

/// `GET /_webhooks`.
pub(super) async fn webhooks(State(sim): Shared) -> Json<Value> {
    let hooks = sim.webhooks.all();
    let shown = |hook: &crate::webhooks::Hook| json!({"webhook_id": hook.id, "url": hook.url.as_str(), "signed": hook.secret.is_some()});
    Json(json!({"webhooks": hooks.iter().map(shown).collect::<Vec<_>>()}))
}

/// `DELETE /_webhooks/{id}`.
pub(super) async fn remove_webhook(
    State(sim): Shared,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let removed = Uuid::parse_str(&id).is_ok_and(|id| sim.webhooks.remove(id));
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(Refusal::not_found("Webhook")) }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::unprocessable(error.to_string()))
}
