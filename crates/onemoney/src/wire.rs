//! One request, one answer: connection, time limits, size limits. Nothing here knows what a customer is.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gangway_jobs::mask::masked;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Request, Response, Url, redirect, retry};
use serde::Serialize;

use crate::auth::Signed;
use crate::classify::{Answer, Ending};
use crate::config::Config;
use crate::error::{CallError, Class, ConfigError, Operation};

/// Idle connections kept: as many as calls may run at once, or a busy worker would connect anew for each.
const MAX_IDLE: usize = 256;
/// Shorter than the 60 s after which common gateways hang up, so that a call seldom meets a closed connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// One call, before it is signed.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) operation: Operation,
    pub(crate) method: Method,
    /// Signed as it stands.
    pub(crate) path: String,
    /// Not signed.
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) idempotency_key: Option<String>,
    /// The exact bytes sent and signed; none for a GET.
    pub(crate) body: Option<Bytes>,
    /// Values to mask where the answer repeats them.
    pub(crate) personal: &'a [&'a str],
}

/// Serializes a request once; the same bytes are signed and sent.
pub(crate) fn serialized<T: Serialize>(body: &T) -> Bytes {
    #[expect(clippy::expect_used, reason = "structs of strings always serialize")]
    serde_json::to_vec(body).expect("structs of strings serialize").into()
}

/// The HTTP client: it follows no redirect, asks no proxy, repeats nothing by itself.
pub(crate) fn http_client(config: &Config, plain: bool) -> Result<reqwest::Client, ConfigError> {
    install_crypto();
    let builder = reqwest::Client::builder()
        .user_agent(config.user_agent.as_str())
        .timeout(config.timeout)
        .connect_timeout(config.connect_timeout)
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(retry::never())
        .no_proxy()
        .https_only(!plain)
        .tcp_nodelay(true)
        .pool_max_idle_per_host(MAX_IDLE)
        .pool_idle_timeout(IDLE_TIMEOUT);
    // A simulator on this machine needs no root certificates, and a bare container has none to load.
    let builder = if plain { builder.tls_certs_only([]) } else { builder };
    builder.build().map_err(ConfigError::HttpClient)
}

/// The HTTP client asks the process for its cryptography; whoever set one before us is respected.
fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none()
        && rustls::crypto::ring::default_provider().install_default().is_err()
    {
        tracing::debug!("another thread chose the cryptography first");
    }
}

/// The request, with the headers that belong to this attempt.
pub(crate) fn request(call: &Call<'_>, url: Url, signed: Signed) -> Request {
    let mut request = Request::new(call.method.clone(), url);
    let headers = request.headers_mut();
    headers.insert("authorization", signed.authorization);
    headers.insert("x-om-date", signed.date);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(Ok(key)) = call.idempotency_key.as_deref().map(HeaderValue::from_str) {
        headers.insert("idempotency-key", key);
    }
    if let Some(body) = &call.body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(body.clone().into());
    }
    request
}

/// Sends the request and reads the answer, at most `max_body` bytes of it, whatever length it claims.
pub(crate) async fn exchange(
    http: &reqwest::Client,
    request: Request,
    operation: Operation,
    max_body: usize,
) -> Result<Answer, CallError> {
    let mut response =
        http.execute(request).await.map_err(|error| unanswered(operation, &error.without_url()))?;
    let (body, ending) = read(&mut response, max_body).await;
    let headers: HeaderMap = std::mem::take(response.headers_mut());
    Ok(Answer { operation, status: response.status(), headers, body, ending })
}

async fn read(response: &mut Response, max_body: usize) -> (Bytes, Ending) {
    let mut body = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > max_body => {
                return (body.freeze(), Ending::TooLong);
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return (body.freeze(), Ending::Whole),
            Err(error) => return (body.freeze(), Ending::Cut(lost(&error.without_url()))),
        }
    }
}

/// No answer came. Only if there was no connection is it certain that nothing was done.
fn unanswered(operation: Operation, error: &reqwest::Error) -> CallError {
    let unsent = error.is_connect() || error.is_builder();
    let text = if error.is_dns() {
        "the host name of api.base_url was not found".to_owned()
    } else if unsent {
        format!("could not connect: {}", innermost(error))
    } else {
        lost(error)
    };
    let class = Class::Unreachable { uncertain: operation.has_effect() && !unsent };
    CallError { text: masked(&text, &[]), ..CallError::new(operation, class) }
}

fn lost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        "no whole answer within api.timeout".to_owned()
    } else {
        format!("the connection was lost: {}", innermost(error))
    }
}

/// The outer layers only say that something inside them failed.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
