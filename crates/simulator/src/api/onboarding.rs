//! The page behind a link, for a person with a browser.
//!
//! Looking at it (GET) uses nothing up, so mail scanners do no harm; the button (POST) swaps the token for a cookie that
//! lives 24 simulated hours, once. What the page looks like is invented.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use crate::ledger::Unusable;
use crate::sim::Sim;

const COOKIE: &str = "sim_onboarding";

type Asked = Query<HashMap<String, String>>;

pub(super) async fn show(State(sim): State<Arc<Sim>>, Query(query): Asked) -> Response {
    let token = query.get("token").map_or("", String::as_str);
    match sim.with_ledger(|ledger, now| ledger.peek(token, now)) {
        // Without an action the form goes to this page's own address, token included.
        Ok(()) => page("Verify your business", "<form method=\"post\"><button>Begin</button></form>"),
        Err(unusable) => dead_end(&unusable),
    }
}

pub(super) async fn exchange(State(sim): State<Arc<Sim>>, Query(query): Asked) -> Response {
    let token = query.get("token").map_or("", String::as_str);
    match sim.with_ledger(|ledger, now| ledger.exchange(token, now)) {
        Ok(session) => {
            let cookie =
                format!("{COOKIE}={session}; Max-Age=86400; Path=/onboarding; HttpOnly; SameSite=Lax");
            let form = "<form method=\"post\" action=\"/onboarding/submit\"><button>Submit</button></form>";
            ([(header::SET_COOKIE, cookie)], page("Tell us about your business", form)).into_response()
        }
        Err(unusable) => dead_end(&unusable),
    }
}

pub(super) async fn submit(State(sim): State<Arc<Sim>>, headers: HeaderMap) -> Response {
    let session = session(&headers).unwrap_or_default();
    match sim.with_ledger(|ledger, now| ledger.submit(session, now)) {
        Ok(Some(target)) => Redirect::to(&target).into_response(),
        Ok(None) => page("Thank you", "<p>Your application is on its way.</p>"),
        Err(unusable) => dead_end(&unusable),
    }
}

fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    cookies.split(';').find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

fn dead_end(unusable: &Unusable) -> Response {
    let (status, text) = match unusable {
        Unusable::Unknown => (StatusCode::NOT_FOUND, "There is no such link."),
        Unusable::Gone => (StatusCode::GONE, "This link was used before or has expired. Ask for a new one."),
    };
    (status, text).into_response()
}

fn page(title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"robots\" content=\"noindex\">\
         <title>{title}</title><body><h1>{title}</h1>{body}<p><small>1Money simulator</small></p></body></html>"
    );
    Html(html).into_response()
}
