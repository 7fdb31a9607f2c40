//! `POST /v1/customers/lightweight`, and the legacy `POST /v1/customers/hosted`.
//! <https://developer.1money.com/reference/create_lightweight_customer>

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;

use super::request;
use crate::customer::Lightweight;
use crate::ledger::CreateRequest;
use crate::refusal::Refusal;
use crate::sim::Sim;

type Answer = Result<(StatusCode, Json<Lightweight>), Refusal>;

pub(super) async fn lightweight(State(sim): State<Arc<Sim>>, headers: HeaderMap, body: Bytes) -> Answer {
    create(&sim, &headers, &body, true)
}

pub(super) async fn hosted(State(sim): State<Arc<Sim>>, headers: HeaderMap, body: Bytes) -> Answer {
    create(&sim, &headers, &body, false)
}

/// A replay is told from a new customer by nothing: both are 201.
fn create(sim: &Sim, headers: &HeaderMap, body: &[u8], company_required: bool) -> Answer {
    let body = request::json(body)?;
    let key = request::idempotency_key(headers)?;
    if key.is_none() && sim.knobs().keys.required {
        return Err(Refusal::bad_request("Idempotency-Key is required."));
    }
    let request = CreateRequest { key, body, company_required };
    let created = sim.with_ledger(|ledger, now| ledger.create(&request, now))?;
    Ok((StatusCode::CREATED, Json(created.customer)))
}
