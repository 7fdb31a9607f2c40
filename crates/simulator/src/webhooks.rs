//! Webhooks of KYB changes. Names, payload, signature and schedule are **invented**: no vendor page tells them.
//!
//! Receivers are registered by a control call and must be on this machine: the simulator calls nobody else.

mod delivery;
mod event;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use uuid::Uuid;

use crate::error::Error;
use crate::status::Status;

pub(crate) use delivery::{client, dispatch};

/// A status that changed.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) customer_id: String,
    pub(crate) key: Option<Uuid>,
    pub(crate) status: Status,
    pub(crate) previous: Status,
    pub(crate) at: jiff::Timestamp,
}

/// A receiver.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) id: Uuid,
    pub(crate) url: reqwest::Url,
    /// Signs the body, if there is one.
    pub(crate) secret: Option<secrecy::SecretString>,
}

/// Receivers, and how delivery went.
#[derive(Debug, Default)]
pub(crate) struct Webhooks {
    hooks: Mutex<Vec<Hook>>,
    pub(crate) delivered: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) given_up: AtomicU64,
    pub(crate) dropped: AtomicU64,
}

/// How delivery of webhooks went, in the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, serde::Deserialize)]
pub struct WebhookAudit {
    /// Attempts that got a 2xx.
    pub delivered: u64,
    /// Attempts that got anything else, or nothing.
    pub failed: u64,
    /// Events that were given up after their last attempt.
    pub given_up: u64,
    /// Events dropped by a fault.
    pub dropped: u64,
}

impl Webhooks {
    /// Registers a receiver on this machine.
    pub(crate) fn register(&self, url: &str, secret: Option<secrecy::SecretString>) -> Result<Uuid, Error> {
        let url = reqwest::Url::parse(url).map_err(|source| Error::setting("url", source.to_string()))?;
        if url.scheme() != "http" || !is_loopback(&url) {
            return Err(Error::setting("url", "must be http:// on the loopback interface"));
        }
        let id = Uuid::new_v4();
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner).push(Hook { id, url, secret });
        Ok(id)
    }

    /// Forgets a receiver; false if there is none of that id.
    pub(crate) fn remove(&self, id: Uuid) -> bool {
        let mut hooks = self.hooks.lock().unwrap_or_else(PoisonError::into_inner);
        let before = hooks.len();
        hooks.retain(|hook| hook.id != id);
        hooks.len() < before
    }

    pub(crate) fn all(&self) -> Vec<Hook> {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn audit(&self) -> WebhookAudit {
        WebhookAudit {
            delivered: self.delivered.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            given_up: self.given_up.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_receivers_on_this_machine_are_taken() {
        let webhooks = Webhooks::default();
        for (url, taken) in [
            ("http://127.0.0.1:9/hook", true),
            ("http://localhost:9/hook", true),
            ("http://[::1]:9/hook", true),
            ("https://127.0.0.1/hook", false),
            ("http://192.0.2.1/hook", false),
            ("http://localhost.example/hook", false),
            ("hook", false),
        ] {
            assert_eq!(webhooks.register(url, None).is_ok(), taken, "{url}");
        }
    }
}
