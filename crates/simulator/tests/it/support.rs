//! A simulator of one's own for each test, and a client for it.

use std::sync::Arc;
use std::time::Duration;

use gangway_simulator::{Config, FaultPlan, Handle, Knobs, LifecycleKnobs, Rule, Simulator};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) const CUSTOMERS: &str = "/v1/customers";
pub(crate) const LIGHTWEIGHT: &str = "/v1/customers/lightweight";

/// A running simulator and a client that is let in.
pub(crate) struct Api {
    pub(crate) simulator: Handle,
    pub(crate) client: reqwest::Client,
}

/// An answer, read to its end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) headers: reqwest::header::HeaderMap,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn text(&self, field: &str) -> String {
        self.json()[field].as_str().unwrap_or_else(|| panic!("no {field} in {}", self.text)).to_owned()
    }
}

pub(crate) fn client() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// No rate limit, and nobody acts by himself.
pub(crate) fn quiet() -> Knobs {
    let mut knobs = Knobs::default();
    knobs.limits.rate = None;
    knobs.lifecycle = LifecycleKnobs { users: false, compliance: false, ..LifecycleKnobs::default() };
    knobs
}

/// No rate limit, and everybody acts.
pub(crate) fn lively() -> Knobs {
    Knobs { lifecycle: LifecycleKnobs::default(), ..quiet() }
}

impl Api {
    pub(crate) async fn quiet() -> Self {
        Self::with(quiet()).await
    }

    pub(crate) async fn with(knobs: Knobs) -> Self {
        Self::start(Config { knobs, ..Config::default() }).await
    }

    pub(crate) async fn harmed_by(rule: Rule) -> Self {
        let faults = FaultPlan::none().slow(Duration::from_millis(50)).with(rule);
        Self::start(Config { knobs: quiet(), faults, ..Config::default() }).await
    }

    pub(crate) async fn start(config: Config) -> Self {
        Self { simulator: Simulator::start(config).await.unwrap(), client: client() }
    }

    pub(crate) fn turn(&self, change: impl FnOnce(&mut Knobs)) {
        let mut knobs = self.simulator.knobs();
        change(&mut knobs);
        self.simulator.set_knobs(knobs).unwrap();
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.simulator.base_url()))
            .bearer_auth(Config::ACCESS_KEY)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path).json(body)).await.unwrap()
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::PUT, path).json(body)).await.unwrap()
    }

    pub(crate) async fn try_create(&self, key: Uuid, body: &Value) -> Result<Answer, reqwest::Error> {
        let request = self.request(Method::POST, LIGHTWEIGHT).header("Idempotency-Key", key.to_string());
        send(request.json(body)).await
    }

    pub(crate) async fn create(&self, key: Uuid, body: &Value) -> Answer {
        self.try_create(key, body).await.unwrap()
    }

    /// Creates a customer; its id.
    pub(crate) async fn customer(&self, email: &str) -> String {
        let created = self.create(Uuid::new_v4(), &applicant(email)).await;
        assert_eq!(created.status, 201, "{}", created.text);
        created.text("customer_id")
    }

    pub(crate) async fn link(&self, id: &str) -> Answer {
        self.post(&format!("{CUSTOMERS}/{id}/onboarding_links"), &json!({})).await
    }

    pub(crate) async fn status(&self, id: &str) -> String {
        self.get(&format!("{CUSTOMERS}/{id}")).await.text("status")
    }

    pub(crate) async fn lookup(&self, key: Uuid) -> Answer {
        self.get(&format!("{LIGHTWEIGHT}?idempotency_key={key}")).await
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer { status, text: response.text().await?, headers })
}

pub(crate) fn applicant(email: &str) -> Value {
    json!({
        "email": email, "first_name": "Ada", "last_name": "Byron",
        "company_name": "Acme Ltd", "customer_type": "BUSINESS",
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Waits for something that happens soon, without knowing when.
pub(crate) async fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    for _ in 0..500 {
        if happened() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited in vain: {what}");
}
