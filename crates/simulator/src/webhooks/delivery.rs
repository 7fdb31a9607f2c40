//! Sends each event to each receiver, again and again until it is taken or given up.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use secrecy::ExposeSecret;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tracing::{debug, warn};

use super::event::Event;
use super::{Change, Hook};
use crate::auth::sign;
use crate::error::Error;
use crate::sim::Sim;

/// Deliveries under way at once.
const CONCURRENT: usize = 64;

/// What one delivery needs.
#[derive(Debug, Clone)]
struct Courier {
    sim: Arc<Sim>,
    client: reqwest::Client,
    slots: Arc<Semaphore>,
}

/// A client for plain HTTP on this machine. It gets a TLS configuration without roots, since it would otherwise look
/// for one of the process.
pub(crate) fn client() -> Result<reqwest::Client, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|source| Error::WebhookClient(source.into()))?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|source| Error::WebhookClient(source.into()))
}

/// Delivers changes until the simulator stops.
pub(crate) async fn dispatch(
    sim: Arc<Sim>,
    client: reqwest::Client,
    mut changes: mpsc::UnboundedReceiver<Change>,
) {
    let stop = sim.stop.clone();
    let courier = Courier { sim, client, slots: Arc::new(Semaphore::new(CONCURRENT)) };
    let mut under_way = JoinSet::new();
    loop {
        let change = tokio::select! {
            () = stop.cancelled() => return,
            change = changes.recv() => change,
        };
        let Some(change) = change else { return };
        while under_way.try_join_next().is_some() {}
        courier.send(&change, &mut under_way);
    }
}

impl Courier {
    fn send(&self, change: &Change, under_way: &mut JoinSet<()>) {
        let hooks = self.sim.webhooks.all();
        if hooks.is_empty() {
            return;
        }
        let Some(event) = Event::of(change) else { return };
        let body = match serde_json::to_vec(&event) {
            Ok(body) => Bytes::from(body),
            Err(error) => {
                warn!(%error, "webhook could not be written");
                return;
            }
        };
        for hook in hooks {
            let (faults, dice) = self.sim.webhook_faults();
            if dice.happens("drop", faults.drop) {
                self.sim.webhooks.dropped.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let held = |what, rate, ms| if dice.happens(what, rate) { ms } else { 0 };
            let wait = held("reorder", faults.reorder, faults.reorder_ms)
                + held("delay", faults.delay, faults.delay_ms);
            let copies = if dice.happens("duplicate", faults.duplicate) { 2 } else { 1 };
            for _ in 0..copies {
                let delivery = self.clone().deliver(hook.clone(), body.clone(), Duration::from_millis(wait));
                under_way.spawn(delivery);
            }
        }
    }

    async fn deliver(self, hook: Hook, body: Bytes, held: Duration) {
        tokio::time::sleep(held).await;
        let retries = self.sim.knobs().webhooks.retry_after_ms.clone();
        let mut waits = retries.into_iter();
        while !self.attempt(&hook, body.clone()).await {
            self.sim.webhooks.failed.fetch_add(1, Ordering::Relaxed);
            let Some(wait) = waits.next() else {
                self.sim.webhooks.given_up.fetch_add(1, Ordering::Relaxed);
                warn!(webhook.id = %hook.id, "webhook given up");
                return;
            };
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        self.sim.webhooks.delivered.fetch_add(1, Ordering::Relaxed);
    }

    async fn attempt(&self, hook: &Hook, body: Bytes) -> bool {
        // Closed only with the simulator; then it does not matter.
        let Ok(_slot) = self.slots.acquire().await else { return false };
        let timeout = Duration::from_millis(self.sim.knobs().webhooks.timeout_ms);
        let mut request =
            self.client.post(hook.url.clone()).timeout(timeout).header("content-type", "application/json");
        if let Some(secret) = &hook.secret {
            request = request.header("x-sim-signature", sign(secret.expose_secret().as_bytes(), &body));
        }
        match request.body(body).send().await {
            Ok(answer) => answer.status().is_success(),
            Err(error) => {
                debug!(error = %error.without_url(), "webhook attempt failed");
                false
            }
        }
    }
}
