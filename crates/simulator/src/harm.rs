//! Does to a request what its fault says.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::faults::{ErrorBody, Fault};
use crate::gate::Call;
use crate::in_work::InWork;
use crate::refusal::{Refusal, written_out};
use crate::sim::Sim;

/// Answers, or rather does not answer, the call.
pub(crate) async fn inflict(
    sim: &Arc<Sim>,
    fault: Fault,
    slow: Duration,
    call: Call,
    next: Next,
    in_work: InWork,
) -> Response {
    let cut = call.cut.clone();
    let path = call.parts.uri.path().to_owned();
    match fault {
        Fault::ServerError { status, body } => server_error(status, body),
        Fault::ServerErrorAfter { status, body } => {
            next.run(call.into_request()).await;
            server_error(status, body)
        }
        Fault::ResetBefore => cut.reset().await,
        Fault::ResetAfter => {
            next.run(call.into_request()).await;
            cut.reset().await
        }
        Fault::SlowAnswer => {
            let response = next.run(call.into_request()).await;
            tokio::time::sleep(slow).await;
            response
        }
        Fault::Stall => {
            tokio::time::sleep(slow).await;
            cut.reset().await
        }
        Fault::LateEffect { after_ms } => {
            come_late(sim, slow + Duration::from_millis(after_ms), call, next, in_work);
            tokio::time::sleep(slow).await;
            cut.reset().await
        }
        Fault::TooManyRequests { wait_s, header, embedded } => {
            let now = sim.clock.elapsed();
            sim.limits().announced(&call.access_key, wait_s, &sim.knobs().limits, now);
            Refusal::too_many_requests(wait_s, header, embedded).into_response()
        }
        Fault::Quota => Refusal::quota(sim.knobs().limits.quota_status).into_response(),
        Fault::Unauthorized => Refusal::unauthorized("Unknown access key.").into_response(),
        Fault::Forbidden => Refusal::forbidden().into_response(),
        Fault::TruncatedJson => truncated(written_out(next.run(call.into_request()).await, &path)).await,
        Fault::HtmlOk => html(StatusCode::OK),
        Fault::Redirect { location } => redirect(&location),
        Fault::HugeBody { bytes } => {
            huge(written_out(next.run(call.into_request()).await, &path).status(), bytes)
        }
    }
}

/// Lets the call take effect long after its connection was cut. Only the end of the simulator prevents it.
fn come_late(sim: &Arc<Sim>, after: Duration, call: Call, next: Next, in_work: InWork) {
    let sim = Arc::clone(sim);
    sim.tally.late_effects_pending.fetch_add(1, Ordering::Relaxed);
    tokio::spawn(async move {
        tokio::select! {
            () = sim.stop.cancelled() => return,
            () = tokio::time::sleep(after) => {}
        }
        next.run(call.into_request()).await;
        sim.tally.late_effects_pending.fetch_sub(1, Ordering::Relaxed);
        drop(in_work);
    });
}

fn server_error(status: u16, body: ErrorBody) -> Response {
    let said = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match body {
        ErrorBody::Json => Refusal::new(status, "Something went wrong.").into_response(),
        ErrorBody::Html => html(said),
        ErrorBody::Empty => said.into_response(),
    }
}

fn html(status: StatusCode) -> Response {
    let reason = status.canonical_reason().unwrap_or("Error");
    let page = format!(
        "<html><head><title>{reason}</title></head><body><center><h1>{reason}</h1></center><hr></body></html>"
    );
    (status, axum::response::Html(page)).into_response()
}

fn redirect(location: &str) -> Response {
    let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// The first half of the answer, as if it were all of it.
async fn truncated(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    // Bodies of the simulator's own routes are in memory: reading one cannot fail.
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    let half = whole.slice(..whole.len() / 2);
    Response::from_parts(parts, Body::from(half))
}

/// A JSON object padded to this length.
fn huge(status: StatusCode, bytes: usize) -> Response {
    let (head, tail) = (r#"{"padding":""#, r#""}"#);
    let mut body = String::with_capacity(bytes);
    body.push_str(head);
    body.extend(std::iter::repeat_n('x', bytes.saturating_sub(head.len() + tail.len())));
    body.push_str(tail);
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (status, json, Bytes::from(body)).into_response()
}
