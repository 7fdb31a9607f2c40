//! `GET /v1/customers/lightweight?idempotency_key=…`.
//! <https://developer.1money.com/reference/retrieve_lightweight_customer_by_idempotency_key>

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};

use super::request;
use crate::customer::Lightweight;
use crate::refusal::Refusal;
use crate::sim::Sim;

pub(super) async fn lookup(
    State(sim): State<Arc<Sim>>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Lightweight>, Refusal> {
    let key = query.get("idempotency_key").and_then(|text| request::uuid(text));
    let key = key.ok_or_else(|| Refusal::bad_request("idempotency_key must be a UUID."))?;
    sim.with_ledger(|ledger, now| ledger.lookup(key, now)).map(Json)
}
