//! Hands customers in from an app: `cargo run -p gangway-producer --example enqueue`.
//!
//! The store is an embedded one in a temporary directory; an app would open the one that its workers use.

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;

use gangway_jobs::clock::SystemClock;
use gangway_jobs::customer::{NewCustomer, RawCustomer};
use gangway_jobs::identity::{Identity, IdentitySecret};
use gangway_producer::Producer;
use gangway_store::sqlite::{Mode, OpenOptions, Place, SqliteStore};
use gangway_store::stamp::Expected;
use gangway_store::{Policies, Store};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let identity = Identity::new(IdentitySecret::new(IdentitySecret::DEVELOPMENT), "default");
    let store = SqliteStore::open(OpenOptions {
        place: Place::File(dir.path().join("gangway.db")),
        mode: Mode::Create(Expected {
            api_base_url: "https://api.example".to_owned(),
            entity: identity.entity().to_owned(),
            secret_fingerprint: identity.secret_fingerprint(),
        }),
        policies: Policies::default(),
        clock: Arc::new(SystemClock),
    })?;
    let producer = Producer::new(Arc::<SqliteStore>::clone(&store), identity);

    let mut out = io::stdout().lock();
    for (reference, email) in [
        ("C-1", "ada@acme.example"),
        ("C-2", "grace@navy.example"),
        ("C-1", "ada@acme.example"), // once more, as after an answer that got lost
        ("C-3", "mei@lotus.example"),
    ] {
        let enqueued = producer.enqueue(customer(reference, email)?).await?;
        writeln!(out, "{reference} is onboarding {}: {:?}", enqueued.id, enqueued.answer)?;
    }
    writeln!(out, "{} onboardings in the store", store.status().await?.total())?;
    store.close().await;
    Ok(())
}

fn customer(reference: &str, email: &str) -> Result<NewCustomer, Box<dyn Error>> {
    let raw = RawCustomer {
        reference: Some(reference),
        email,
        first_name: "Ada",
        last_name: "Byron",
        company_name: "Acme Ltd",
        customer_type: None,
    };
    // Every fault at once, each with its field: what a form would show.
    NewCustomer::parse(raw).map_err(|faults| format!("{faults:?}").into())
}
