//! `GET /v1/customers/{customer_id}`, and the older `GET /v1/customers/hosted/{customer_id}`.
//! <https://developer.1money.com/reference/get_customer>, <https://developer.1money.com/reference/get_hosted_customer>

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};

use crate::ledger::{Polled, View};
use crate::refusal::Refusal;
use crate::sim::Sim;

pub(super) async fn full(State(sim): State<Arc<Sim>>, Path(id): Path<String>) -> Result<Json<View>, Refusal> {
    sim.with_ledger(|ledger, now| ledger.get(&id, Polled::Full, now)).map(Json)
}

pub(super) async fn lightweight(
    State(sim): State<Arc<Sim>>,
    Path(id): Path<String>,
) -> Result<Json<View>, Refusal> {
    sim.with_ledger(|ledger, now| ledger.get(&id, Polled::Lightweight, now)).map(Json)
}
