//! One customer or many into the store: the entry point that an app embeds.

use gangway_jobs::customer::NewCustomer;
use gangway_jobs::enqueue::{Answer, NewOnboarding};
use gangway_jobs::id::OnboardingId;
use gangway_jobs::identity::Identity;
use gangway_jobs::payload;
use gangway_store::stamp::Expected;
use gangway_store::{MAX_BATCH, SharedStore};
use tokio::sync::OnceCell;

use crate::Error;

/// Hands customers to the pipeline.
///
/// What `enqueue` has answered is in the store, on disk; a worker brings it aboard. The same customer again is a
/// [`Answer::Duplicate`] and nothing happens, so an app that got no answer just asks again.
///
/// ```
/// use gangway_jobs::customer::{NewCustomer, RawCustomer};
/// use gangway_jobs::enqueue::Answer;
/// use gangway_producer::{Error, Producer};
///
/// async fn sign_up(producer: &Producer) -> Result<(), Error> {
///     let customer = NewCustomer::parse(RawCustomer {
///         reference: Some("C-1"),
///         email: "ada@acme.example",
///         first_name: "Ada",
///         last_name: "Byron",
///         company_name: "Acme Ltd",
///         customer_type: None,
///     })
///     .expect("every field is valid");
///     let enqueued = producer.enqueue(customer).await?;
///     assert_eq!(enqueued.answer, Answer::New);
///     println!("follow it as {}", enqueued.id);
///     Ok(())
/// }
/// # use std::sync::Arc;
/// # use gangway_jobs::{clock::SystemClock, identity::{Identity, IdentitySecret}};
/// # use gangway_store::{Policies, model::ModelStore, stamp::Expected};
/// # let identity = Identity::new(IdentitySecret::new(IdentitySecret::DEVELOPMENT), "default");
/// # let expected = Expected {
/// #     api_base_url: "http://localhost".into(),
/// #     entity: identity.entity().into(),
/// #     secret_fingerprint: identity.secret_fingerprint(),
/// # };
/// # let store = ModelStore::new(expected, Policies::default(), Arc::new(SystemClock));
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(sign_up(&Producer::new(store, identity))).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Producer {
    store: SharedStore,
    identity: Identity,
    /// Set once the store is known to be made for this identity.
    fits: OnceCell<()>,
}

/// A customer that is in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enqueued {
    /// Its onboarding; the same for the same customer, always.
    pub id: OnboardingId,
    /// What it met there.
    pub answer: Answer,
}

impl Producer {
    /// `identity` must be the one that the store was made with; the first call checks it.
    pub fn new(store: SharedStore, identity: Identity) -> Self {
        Self { store, identity, fits: OnceCell::new() }
    }

    /// The store.
    pub fn store(&self) -> &SharedStore {
        &self.store
    }

    /// The identity.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Hands one customer in. Calls at the same time share the store's next write, so many at once cost little more
    /// than one.
    ///
    /// # Errors
    /// The store cannot take it now ([`Error::is_transient`]) or at all. Asking again is safe.
    pub async fn enqueue(&self, customer: NewCustomer) -> Result<Enqueued, Error> {
        let (size, new) = (size_of(&customer), NewOnboarding::new(&self.identity, customer, None));
        within_limit(0, size)?;
        let id = new.id;
        match self.hand_in(vec![new]).await?.as_slice() {
            [answer] => Ok(Enqueued { id, answer: *answer }),
            answers => Err(Error::Unbalanced { rows: 1, accounted: answers.len() as u64 }),
        }
    }

    /// Hands many customers in, in order; answers each.
    ///
    /// # Errors
    /// As [`enqueue`](Self::enqueue). A customer that is too large stops all before the first is taken in; after any
    /// other error some may be in, and asking again for all of them is safe.
    pub async fn enqueue_all(&self, customers: Vec<NewCustomer>) -> Result<Vec<Enqueued>, Error> {
        for (index, customer) in customers.iter().enumerate() {
            within_limit(index, size_of(customer))?;
        }
        let mut enqueued = Vec::with_capacity(customers.len());
        let mut left = customers.into_iter().map(|one| NewOnboarding::new(&self.identity, one, None));
        loop {
            let batch: Vec<_> = left.by_ref().take(MAX_BATCH).collect();
            if batch.is_empty() {
                return Ok(enqueued);
            }
            let ids: Vec<_> = batch.iter().map(|new| new.id).collect();
            let answers = self.hand_in(batch).await?;
            if answers.len() != ids.len() {
                return Err(Error::Unbalanced { rows: ids.len() as u64, accounted: answers.len() as u64 });
            }
            enqueued.extend(ids.into_iter().zip(answers).map(|(id, answer)| Enqueued { id, answer }));
        }
    }

    async fn hand_in(&self, batch: Vec<NewOnboarding>) -> Result<Vec<Answer>, Error> {
        self.check().await?;
        let failed = |source| Error::Store { action: "hand customers to the store", source };
        self.store.enqueue(batch).await.map_err(failed)
    }

    /// Under another identity every customer would have another idempotency key, and be created twice.
    pub(crate) async fn check(&self) -> Result<(), Error> {
        let check = || async {
            let failed = |source| Error::Store { action: "read what the store was made for", source };
            let stamp = self.store.stamp().await.map_err(failed)?;
            let expected = Expected {
                api_base_url: stamp.made_for.api_base_url.clone(),
                entity: self.identity.entity().to_owned(),
                secret_fingerprint: self.identity.secret_fingerprint(),
            };
            stamp.mismatch(&expected).map_or(Ok(()), |mismatch| Err(Error::Mismatch { mismatch }))
        };
        self.fits.get_or_try_init(check).await.copied()
    }
}

/// At most how many bytes the stored payload takes. Looked at before the batch leaves, so that no batch fails for one.
fn size_of(customer: &NewCustomer) -> usize {
    // JSON writes a byte as six at worst, and the names of the fields take less than 256.
    256 + customer.personal_values().iter().map(|value| value.len() * 6).sum::<usize>()
}

fn within_limit(index: usize, bytes: usize) -> Result<(), Error> {
    let max = payload::MAX_BYTES;
    if bytes > max { Err(Error::TooLarge { index, bytes, max }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use gangway_jobs::customer::RawCustomer;

    use super::*;

    #[test]
    fn the_largest_valid_customer_fits() {
        let (long, company) = ("😀".repeat(255), "😀".repeat(100));
        let email = format!("{}@{}.example", "a".repeat(60), ["b".repeat(60), "c".repeat(60)].join("."));
        let customer = NewCustomer::parse(RawCustomer {
            reference: Some(&long),
            email: &email,
            first_name: &long,
            last_name: &long,
            company_name: &company,
            customer_type: None,
        })
        .unwrap();
        assert!(within_limit(0, size_of(&customer)).is_ok());
    }
}
