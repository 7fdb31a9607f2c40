//! Customers made up by their number, and handing them in.

use gangway_jobs::customer::{NewCustomer, RawCustomer};
use gangway_jobs::identity::{Identity, IdentitySecret};
use gangway_producer::Producer;
use gangway_store::SharedStore;

use crate::Result;

/// So many travel in one call.
pub(crate) const BATCH: u32 = 1_000;

pub(crate) fn identity() -> Identity {
    Identity::new(IdentitySecret::new(IdentitySecret::DEVELOPMENT), "default")
}

/// About 120 bytes of JSON.
pub(crate) fn customer(n: u32) -> Result<NewCustomer> {
    let raw = RawCustomer {
        reference: Some(&format!("ref-{n}")),
        email: &format!("person{n}@company.example"),
        first_name: "Ada",
        last_name: "Byron",
        company_name: "Company",
        customer_type: None,
    };
    NewCustomer::parse(raw).map_err(|faults| format!("{faults:?}").into())
}

/// Hands the customers of these numbers in.
pub(crate) async fn hand_in(store: &SharedStore, numbers: std::ops::Range<u32>) -> Result<()> {
    let producer = Producer::new(SharedStore::clone(store), identity());
    let mut first = numbers.start;
    while first < numbers.end {
        let last = numbers.end.min(first + BATCH);
        producer.enqueue_all((first..last).map(customer).collect::<Result<_>>()?).await?;
        first = last;
    }
    Ok(())
}
