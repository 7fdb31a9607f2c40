//! The stored inputs of jobs, each with a version: a durable contract between releases.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::customer::NewCustomer;
use crate::kind::Kind;
use crate::onboarding::Record;

/// The largest stored payload, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// The version that this release writes.
pub const VERSION: u32 = 1;

/// The input of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Payload {
    /// For [`Kind::CreateCustomer`].
    CreateCustomer(CreateCustomer),
    /// For [`Kind::CreateLink`].
    CreateLink(CreateLink),
    /// For [`Kind::PollStatus`].
    PollStatus(PollStatus),
}

/// Whom to create. The only place where a name or an e-mail is stored; gone when the job is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreateCustomer {
    /// The customer.
    pub customer: NewCustomer,
}

/// Which link to make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreateLink {
    /// The number of the link within the onboarding, from 1.
    pub ordinal: u32,
    /// Its idempotency key; belongs to (onboarding, ordinal).
    pub key: Uuid,
}

impl CreateLink {
    /// The link of that number. Its key has the form that the API asks for, and belongs to the record's life as well: in a
    /// store made anew, numbers begin again, and a key of the old one would bring back a link that is used up.
    pub fn new(record: &Record, ordinal: u32) -> Self {
        let life = record.created_at.as_millis();
        let named = Uuid::new_v5(record.id.as_uuid(), format!("link-{ordinal}-{life}").as_bytes());
        Self { ordinal, key: uuid::Builder::from_random_bytes(named.into_bytes()).into_uuid() }
    }
}

/// Nothing to know: the record says whom to look at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PollStatus {}

/// A payload that this release cannot read. Harms only its own job.
#[derive(Debug, thiserror::Error)]
pub enum Undecodable {
    /// Not the JSON that was expected. The cause may quote the payload, so it is not kept.
    #[error("the payload of a {kind} job is damaged")]
    Damaged {
        /// The kind.
        kind: Kind,
    },
    /// Written by a newer release.
    #[error(
        "the payload has version {found}; this release reads up to {VERSION}: upgrade the workers, then redrive"
    )]
    Newer {
        /// The version found.
        found: u32,
    },
}

impl Payload {
    /// The kind it belongs to.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::CreateCustomer(_) => Kind::CreateCustomer,
            Self::CreateLink(_) => Kind::CreateLink,
            Self::PollStatus(_) => Kind::PollStatus,
        }
    }

    /// The stored form: one JSON object with the version in `v`.
    pub fn encode(&self) -> String {
        #[derive(Serialize)]
        struct Versioned<'a, T> {
            v: u32,
            #[serde(flatten)]
            input: &'a T,
        }
        fn write<T: Serialize>(input: &T) -> String {
            // Strings and numbers only: there is nothing that JSON cannot hold.
            serde_json::to_string(&Versioned { v: VERSION, input }).unwrap_or_default()
        }
        match self {
            Self::CreateCustomer(input) => write(input),
            Self::CreateLink(input) => write(input),
            Self::PollStatus(input) => write(input),
        }
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// It is damaged, or of a newer version.
    pub fn decode(kind: Kind, stored: &str) -> Result<Self, Undecodable> {
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }
        let damaged = |_may_quote_the_payload| Undecodable::Damaged { kind };
        let Version { v: found } = serde_json::from_str(stored).map_err(damaged)?;
        if found > VERSION {
            return Err(Undecodable::Newer { found });
        }
        match kind {
            Kind::CreateCustomer => serde_json::from_str(stored).map(Self::CreateCustomer),
            Kind::CreateLink => serde_json::from_str(stored).map(Self::CreateLink),
            Kind::PollStatus => serde_json::from_str(stored).map(Self::PollStatus),
        }
        .map_err(damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::customer::RawCustomer;
    use crate::enqueue::{NewOnboarding, new_record};
    use crate::identity::{Identity, IdentitySecret};

    fn record(made_at: i64) -> Record {
        let identity = Identity::new(IdentitySecret::new("test"), "default");
        let raw = RawCustomer {
            email: "ada@engines.example",
            first_name: "Ada",
            last_name: "Byron",
            company_name: "Engines",
            ..RawCustomer::default()
        };
        let new = NewOnboarding::new(&identity, NewCustomer::parse(raw).unwrap(), None);
        new_record(&new, Timestamp::from_millis(made_at))
    }

    #[test]
    fn a_payload_reads_back_and_a_newer_or_damaged_one_says_so() {
        let record = record(1);
        let payload = Payload::CreateLink(CreateLink::new(&record, 2));
        assert_eq!(Payload::decode(Kind::CreateLink, &payload.encode()).unwrap(), payload);
        assert!(matches!(
            Payload::decode(Kind::PollStatus, r#"{"v":2}"#),
            Err(Undecodable::Newer { found: 2 })
        ));
        for damaged in ["", "{", "{}", r#"{"v":1}"#] {
            assert!(
                matches!(Payload::decode(Kind::CreateLink, damaged), Err(Undecodable::Damaged { .. })),
                "{damaged}"
            );
        }
    }

    #[test]
    fn a_link_key_belongs_to_its_ordinal_and_is_a_version_4_uuid() {
        let record = record(1);
        assert_eq!(CreateLink::new(&record, 1), CreateLink::new(&record, 1));
        assert_ne!(CreateLink::new(&record, 1).key, CreateLink::new(&record, 2).key);
        assert_eq!(CreateLink::new(&record, 1).key.get_version_num(), 4);
        assert_ne!(CreateLink::new(&record, 1).key, CreateLink::new(&self::record(2), 1).key);
    }
}
