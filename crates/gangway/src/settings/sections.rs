//! The settings as types, one struct a section. What each means stands in `config/default.toml`.

use std::fmt;
use std::time::Duration;

use gangway_onemoney::CustomerTypeSpelling;
use secrecy::SecretString;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::duration;

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $($(#[$attribute])* pub(crate) $field: $type,)*
        }
    };
}

section! {
    /// All settings.
    Sections {
        store: Store,
        api: Api,
        identity: Identity,
        worker: Worker,
        retry: Retry,
        poll: Poll,
        link: Link,
        circuit: Circuit,
        systemic: Systemic,
        create: Create,
        records: Records,
        outbox: Outbox,
        log: Log,
    }
}

section! {
    /// `[store]`
    Store {
        /// Without a password once the settings are loaded.
        url: String,
        /// No setting: the same with its password, if there is one.
        #[serde(skip)]
        whole_url: Option<SecretString>,
        password_file: String,
        #[serde(deserialize_with = "duration::deserialize")]
        busy_timeout: Duration,
        namespace: String,
        durability: Durability,
        ca_file: String,
        client_certificate: String,
        client_key: String,
        #[serde(deserialize_with = "duration::deserialize")]
        connect_timeout: Duration,
        #[serde(deserialize_with = "duration::deserialize")]
        response_timeout: Duration,
    }
}

/// Whether a server may lose what was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Durability {
    /// One that can is refused.
    Strict,
    /// One that can is taken.
    BestEffort,
}

section! {
    /// `[api]`
    Api {
        base_url: String,
        allow_plain_http: bool,
        auth: Auth,
        credentials_file: String,
        entity: String,
        #[serde(deserialize_with = "duration::deserialize")]
        timeout: Duration,
        #[serde(deserialize_with = "duration::deserialize")]
        connect_timeout: Duration,
        rate_per_second: f64,
        #[serde(deserialize_with = "duration::deserialize")]
        max_wait: Duration,
        max_body: usize,
        customer_type: CustomerTypeSpelling,
        redirect_url: String,
        locale: String,
        #[serde(deserialize_with = "list")]
        row_phrases: Vec<String>,
        #[serde(deserialize_with = "list")]
        systemic_phrases: Vec<String>,
    }
}

/// How requests are authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Auth {
    /// Signed with the secret key.
    Hmac,
    /// The access key alone.
    Bearer,
}

section! {
    /// `[identity]`
    Identity {
        secret: SecretString,
    }
}

section! {
    /// `[worker]`
    Worker {
        concurrency: usize,
        #[serde(deserialize_with = "duration::deserialize")]
        lease: Duration,
        #[serde(deserialize_with = "duration::deserialize")]
        grace: Duration,
        #[serde(deserialize_with = "duration::deserialize")]
        job_timeout: Duration,
        max_lease_losses: u32,
    }
}

section! {
    /// `[retry]`
    Retry {
        #[serde(deserialize_with = "duration::deserialize")]
        initial: Duration,
        #[serde(deserialize_with = "duration::deserialize")]
        max: Duration,
        multiplier: f64,
        jitter: f64,
        max_attempts: u32,
    }
}

section! {
    /// `[poll]`
    Poll {
        #[serde(deserialize_with = "duration::deserialize")]
        min_interval: Duration,
        #[serde(deserialize_with = "duration::deserialize")]
        max_interval: Duration,
        #[serde(deserialize_with = "duration::deserialize")]
        give_up_after: Duration,
    }
}

section! {
    /// `[link]`
    Link {
        policy: LinkPolicy,
    }
}

/// When links are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LinkPolicy {
    /// With each customer.
    Eager,
    /// When asked for.
    OnDemand,
}

section! {
    /// `[circuit]`
    Circuit {
        threshold: usize,
        #[serde(deserialize_with = "duration::deserialize")]
        probe_interval: Duration,
    }
}

section! {
    /// `[systemic]`
    Systemic {
        suspects: usize,
        #[serde(deserialize_with = "duration::deserialize")]
        confirm_after: Duration,
        #[serde(deserialize_with = "duration::deserialize")]
        give_up: Duration,
        give_up_probes: u32,
        #[serde(deserialize_with = "duration::deserialize")]
        row_for: Duration,
    }
}

section! {
    /// `[create]`
    Create {
        #[serde(deserialize_with = "duration::deserialize")]
        settle_window: Duration,
        #[serde(deserialize_with = "duration::deserialize")]
        key_window: Duration,
    }
}

section! {
    /// `[records]`
    Records {
        #[serde(deserialize_with = "duration::deserialize")]
        retention: Duration,
    }
}

section! {
    /// `[outbox]`
    Outbox {
        #[serde(deserialize_with = "duration::deserialize")]
        retention: Duration,
    }
}

section! {
    /// `[log]`
    Log {
        filter: String,
        format: LogFormat,
    }
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// A list, or a text with commas as an environment variable has it.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct List;
    impl<'de> Visitor<'de> for List {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of texts, or texts with commas between them")
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(items.map(str::to_owned).collect())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            let mut list = Vec::new();
            while let Some(item) = items.next_element()? {
                list.push(item);
            }
            Ok(list)
        }
    }
    deserializer.deserialize_any(List)
}
