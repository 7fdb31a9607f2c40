//! `POST /v1/customers/{customer_id}/onboarding_links`, and the legacy `POST /v1/customers/onboarding/grants`.
//! <https://developer.1money.com/reference/create_onboarding_link>

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::request;
use crate::ledger::LinkRequest;
use crate::refusal::Refusal;
use crate::sim::Sim;

#[derive(Debug, Serialize)]
pub(super) struct LinkAnswer {
    grant_token: String,
    onboarding_url: String,
    expires_at: String,
}

type Answer = Result<(StatusCode, Json<LinkAnswer>), Refusal>;

pub(super) async fn link(
    State(sim): State<Arc<Sim>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let body = read(&sim, &body)?;
    make(&sim, &id, &headers, &body)
}

pub(super) async fn grant(State(sim): State<Arc<Sim>>, headers: HeaderMap, body: Bytes) -> Answer {
    let body = request::json(&body)?;
    let id = request::optional_text(&body, "customer_id")?;
    let id = id.ok_or_else(|| Refusal::unprocessable("customer_id is required."))?;
    make(&sim, id, &headers, &body)
}

/// The body; `null` and nothing at all count as `{}` only if the knob says so.
fn read(sim: &Sim, body: &[u8]) -> Result<Value, Refusal> {
    let lax = !sim.knobs().links.body_required;
    let empty = || Ok(Value::Object(serde_json::Map::new()));
    if body.is_empty() && lax {
        return empty();
    }
    match request::json(body)? {
        Value::Null if lax => empty(),
        object @ Value::Object(_) => Ok(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(Refusal::unprocessable("The body must be an object."))
        }
    }
}

fn make(sim: &Sim, customer_id: &str, headers: &HeaderMap, body: &Value) -> Answer {
    let key = request::idempotency_key(headers)?;
    request::optional_text(body, "locale")?;
    let redirect_url = request::optional_text(body, "redirect_url")?;
    if redirect_url.is_some_and(|url| !is_web_url(url)) {
        return Err(Refusal::bad_request("redirect_url must be a valid URL."));
    }
    let request = LinkRequest { customer_id, key, redirect_url: redirect_url.map(str::to_owned) };
    let made = sim.with_ledger(|ledger, now| ledger.make_link(&request, now))?;
    let status = StatusCode::from_u16(sim.knobs().links.success_status).unwrap_or(StatusCode::CREATED);
    let onboarding_url = format!("{}/onboarding?token={}", sim.base_url, made.token);
    Ok((status, Json(LinkAnswer { grant_token: made.token, onboarding_url, expires_at: made.expires_at })))
}

fn is_web_url(text: &str) -> bool {
    text.parse::<Uri>()
        .is_ok_and(|url| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_goes_to_the_web() {
        for (url, good) in [
            ("https://partner.example/done?x=1", true),
            ("http://localhost:8080", true),
            ("partner.example/done", false),
            ("/done", false),
            ("javascript:alert(1)", false),
            ("ftp://partner.example/", false),
            ("", false),
        ] {
            assert_eq!(is_web_url(url), good, "{url}");
        }
    }
}
