//! What every request passes on its way to its route: outage, authentication, rate limit, faults.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use uuid::Uuid;

use crate::auth::{self, Signed};
use crate::clock::wall_now;
use crate::connection::Cut;
use crate::faults::Outage;
use crate::harm;
use crate::in_work::InWork;
use crate::refusal::Refusal;
use crate::route::Route;
use crate::sim::Sim;

/// Bodies beyond this are refused; the longest good one has a few kilobytes.
const BODY_LIMIT: usize = 1 << 20;

/// A request that was let in, with its body read.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) route: Route,
    pub(crate) access_key: String,
    pub(crate) cut: Cut,
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn into_request(self) -> Request {
        Request::from_parts(self.parts, Body::from(self.body))
    }
}

/// The middleware around all routes.
pub(crate) async fn gate(State(sim): State<Arc<Sim>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let route = Route::of(request.method(), &path);
    sim.tally.request(route);
    let response = match route {
        Route::Control => next.run(request).await,
        Route::Browser => match down(&sim, Cut::of(&request)).await {
            Some(refused) => refused,
            None => next.run(request).await,
        },
        Route::Create | Route::Lookup | Route::Link | Route::Get | Route::List | Route::Other => {
            api(&sim, route, request, next).await
        }
    };
    finish(&sim, response, &path)
}

async fn api(sim: &Arc<Sim>, route: Route, request: Request, next: Next) -> Response {
    if let Some(refused) = down(sim, Cut::of(&request)).await {
        return refused;
    }
    let call = match let_in(sim, route, request).await {
        Ok(call) => call,
        Err(refusal) => return refusal.into_response(),
    };
    let in_work = match InWork::enter(sim, &call) {
        Ok(in_work) => in_work,
        Err(refusal) => return refusal.into_response(),
    };
    let drawn = sim.faults().draw(route, sim.clock.elapsed());
    if !drawn.latency.is_zero() {
        tokio::time::sleep(drawn.latency).await;
    }
    match drawn.fault {
        None => next.run(call.into_request()).await,
        Some(fault) => {
            sim.tally.fault(fault.kind());
            harm::inflict(sim, fault, drawn.slow, call, next, in_work).await
        }
    }
}

/// The answer of a dead API, if it is dead.
async fn down(sim: &Sim, cut: Cut) -> Option<Response> {
    let outage = sim.faults().outage()?;
    sim.tally.fault("outage");
    match outage {
        Outage::Unavailable => Some(Refusal::new(503, "Service unavailable.").into_response()),
        Outage::Reset => Some(cut.reset().await),
    }
}

async fn let_in(sim: &Sim, route: Route, request: Request) -> Result<Call, Refusal> {
    let cut = Cut::of(&request);
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_LIMIT)
        .await
        .map_err(|_too_long_or_cut| Refusal::new(413, "The body is too long."))?;
    let (knobs, credentials, now) = (sim.knobs(), sim.credentials(), sim.clock.elapsed());
    let signed = Signed { method: parts.method.as_str(), path: parts.uri.path(), body: &body };
    auth::verify(&parts.headers, signed, &credentials, &knobs.auth, wall_now())?;
    let access_key = credentials.access_key;
    let mut limits = sim.limits();
    limits.arrived(&access_key, now);
    if let Err(wait_s) = limits.take(&access_key, knobs.limits.rate, now) {
        limits.announced(&access_key, wait_s, &knobs.limits, now);
        let embedded = knobs.limits.embedded_on.contains(&route);
        return Err(Refusal::too_many_requests(wait_s, knobs.limits.retry_after_header, embedded));
    }
    drop(limits);
    if !knobs.auth.feature_enabled {
        return Err(Refusal::forbidden());
    }
    Ok(Call { route, access_key, cut, parts, body })
}

/// Writes a refusal out, counts it, and gives the answer its request id.
fn finish(sim: &Sim, mut response: Response, path: &str) -> Response {
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        match refusal.status {
            401 => sim.tally.unauthorized.fetch_add(1, Ordering::Relaxed),
            429 => sim.tally.rate_limited.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
        response = refusal.render(path);
    }
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
    }
    response
}

/// No such path.
pub(crate) async fn not_found() -> Refusal {
    Refusal::not_found("Resource")
}

/// A path that has no such method.
pub(crate) async fn method_not_allowed(method: Method) -> Refusal {
    Refusal::new(405, format!("Method {method} is not allowed here."))
}
