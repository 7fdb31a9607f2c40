//! The routes: the API itself, the page behind a link, and the simulator's own controls.

mod control;
mod create;
mod get;
mod link;
mod list;
mod lookup;
mod onboarding;
mod request;

use std::sync::Arc;

use axum::routing::{any, delete, get, post};
use axum::{Router, middleware};

use crate::gate;
use crate::sim::Sim;

/// All routes, behind the gate.
pub(crate) fn router(sim: &Arc<Sim>) -> Router {
    Router::new()
        .route("/v1/customers", get(list::list))
        .route("/v1/customers/lightweight", post(create::lightweight).get(lookup::lookup))
        .route("/v1/customers/hosted", post(create::hosted))
        .route("/v1/customers/hosted/{customer_id}", get(get::lightweight))
        .route("/v1/customers/onboarding", any(gate::not_found))
        .route("/v1/customers/tos_links", any(gate::not_found))
        .route("/v1/customers/onboarding/grants", post(link::grant))
        .route("/v1/customers/{customer_id}", get(get::full))
        .route("/v1/customers/{customer_id}/onboarding_links", post(link::link))
        .route("/onboarding", get(onboarding::show).post(onboarding::exchange))
        .route("/onboarding/submit", post(onboarding::submit))
        .route("/_audit", get(control::audit))
        .route("/_health", get(control::health))
        .route("/_knobs", get(control::knobs).put(control::set_knobs))
        .route("/_faults", get(control::faults).put(control::set_faults))
        .route("/_clock", get(control::clock).put(control::set_clock))
        .route("/_credentials", axum::routing::put(control::set_credentials))
        .route("/_customers/{customer_id}/status", post(control::set_status))
        .route("/_webhooks", get(control::webhooks).post(control::add_webhook))
        .route("/_webhooks/{webhook_id}", delete(control::remove_webhook))
        .fallback(gate::not_found)
        .method_not_allowed_fallback(gate::method_not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(sim), gate::gate))
        .with_state(Arc::clone(sim))
}
