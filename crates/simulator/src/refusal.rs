//! What the API says when it refuses, in the shape that the vendor's SDK reads.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A refused request. The gate writes it out, since `instance` is the path of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) detail: String,
    /// Whether it is said inside an HTTP 200.
    embedded: bool,
    /// Seconds for a `Retry-After` header.
    retry_after: Option<u64>,
}

#[derive(Serialize)]
struct Body<'a> {
    code: String,
    status: u16,
    detail: &'a str,
    instance: &'a str,
}

impl Refusal {
    pub(crate) fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), embedded: false, retry_after: None }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(400, detail)
    }

    pub(crate) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(401, detail)
    }

    pub(crate) fn forbidden() -> Self {
        Self::new(403, "Hosted onboarding is not enabled for this entity.")
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(404, format!("{what} not found."))
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(409, detail)
    }

    pub(crate) fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(422, detail)
    }

    /// The text that the vendor's SDK takes the wait from.
    pub(crate) fn too_many_requests(wait_s: u64, header: bool, embedded: bool) -> Self {
        let detail = format!("Rate limit exceeded. Retry after {wait_s}s.");
        Self { status: 429, detail, embedded, retry_after: header.then_some(wait_s) }
    }

    pub(crate) fn quota(status: u16) -> Self {
        Self::new(status, "The customer quota of this entity has been reached.")
    }

    /// The JSON of the answer to a request for `path`.
    pub(crate) fn body<'a>(&'a self, path: &'a str) -> impl Serialize {
        Body { code: code(self.said()), status: self.status, detail: &self.detail, instance: path }
    }

    fn said(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The answer to a request for `path`.
    pub(crate) fn render(&self, path: &str) -> Response {
        let status = if self.embedded { StatusCode::OK } else { self.said() };
        let mut response = (status, axum::Json(self.body(path))).into_response();
        if let Some(wait_s) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
        }
        response
    }
}

/// The response as it goes out: a refusal inside it is written out.
pub(crate) fn written_out(mut response: Response, path: &str) -> Response {
    match response.extensions_mut().remove::<Refusal>() {
        Some(refusal) => refusal.render(path),
        None => response,
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The reason phrase with underscores.
fn code(status: StatusCode) -> String {
    match status {
        // The phrase of RFC 9110 is "Unprocessable Content"; the vendor uses the older one.
        StatusCode::UNPROCESSABLE_ENTITY => "Unprocessable_Entity".to_owned(),
        _ => status.canonical_reason().unwrap_or("Error").replace(' ', "_"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_reason_phrases_with_underscores() {
        for (status, expected) in [
            (400, "Bad_Request"),
            (404, "Not_Found"),
            (422, "Unprocessable_Entity"),
            (429, "Too_Many_Requests"),
            (503, "Service_Unavailable"),
        ] {
            assert_eq!(code(StatusCode::from_u16(status).unwrap()), expected);
        }
    }

    #[test]
    fn an_embedded_429_says_200_outside() {
        let response = Refusal::too_many_requests(4, false, true).render("/v1/customers");
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.headers().get(header::RETRY_AFTER).is_none());
    }
}
