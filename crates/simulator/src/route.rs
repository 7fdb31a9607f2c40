//! The routes by what they do, so that faults and counts can name them whatever path was used.

use axum::http::Method;
use serde::{Deserialize, Serialize};

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Create a customer, by the current or the legacy path.
    Create,
    /// Get a customer by idempotency key.
    Lookup,
    /// Make an onboarding link, or a legacy grant.
    Link,
    /// Get a customer by id, in either form.
    Get,
    /// List customers.
    List,
    /// Any other path of the API.
    Other,
    /// The page behind a link, for browsers.
    Browser,
    /// The simulator's own controls, below `/_`.
    Control,
}

impl Route {
    /// The route that this request line asks for.
    pub(crate) fn of(method: &Method, path: &str) -> Self {
        if path.starts_with("/_") {
            return Self::Control;
        }
        if path.starts_with("/onboarding") {
            return Self::Browser;
        }
        let Some(rest) = path.strip_prefix("/v1/customers") else { return Self::Other };
        let words: Vec<&str> = rest.split('/').skip(1).collect();
        let (get, post) = (method == Method::GET, method == Method::POST);
        match words.as_slice() {
            [] if get => Self::List,
            ["lightweight" | "hosted"] if post => Self::Create,
            ["lightweight"] if get => Self::Lookup,
            ["onboarding", "grants"] | [_, "onboarding_links"] if post => Self::Link,
            ["hosted", _] if get => Self::Get,
            [id] if get && !RESERVED.contains(id) => Self::Get,
            _ => Self::Other,
        }
    }
}

/// Words that come before `{customer_id}`: no customer has them as an id.
pub(crate) const RESERVED: [&str; 4] = ["lightweight", "hosted", "onboarding", "tos_links"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_words_come_before_customer_ids() {
        for (method, path, route) in [
            (Method::POST, "/v1/customers/lightweight", Route::Create),
            (Method::POST, "/v1/customers/hosted", Route::Create),
            (Method::GET, "/v1/customers/lightweight", Route::Lookup),
            (Method::GET, "/v1/customers", Route::List),
            (Method::GET, "/v1/customers/0b9f", Route::Get),
            (Method::GET, "/v1/customers/hosted/0b9f", Route::Get),
            (Method::GET, "/v1/customers/tos_links", Route::Other),
            (Method::GET, "/v1/customers/hosted", Route::Other),
            (Method::POST, "/v1/customers/0b9f/onboarding_links", Route::Link),
            (Method::POST, "/v1/customers/onboarding/grants", Route::Link),
            (Method::DELETE, "/v1/customers/0b9f", Route::Other),
            (Method::GET, "/v1/assets", Route::Other),
            (Method::GET, "/onboarding", Route::Browser),
            (Method::PUT, "/_faults", Route::Control),
        ] {
            assert_eq!(Route::of(&method, path), route, "{method} {path}");
        }
    }
}
