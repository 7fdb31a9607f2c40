//! The remote API's memory: which keys it has seen, and so how many customers and links there are.

use std::collections::BTreeSet;

use gangway_jobs::id::IdempotencyKey;
use gangway_jobs::job::LeasedJob;
use gangway_jobs::kind::Kind;
use uuid::Uuid;

use crate::outcome::link_of;
use crate::rule::Rule;

/// The effects of one onboarding's calls. A key that was seen before has no second effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Effects {
    pub(crate) customers: BTreeSet<Uuid>,
    /// The ordinal of each link, and the key that it was made under.
    pub(crate) links: BTreeSet<(u32, Uuid)>,
}

impl Effects {
    /// A call arrives.
    pub(crate) fn take(&mut self, job: &LeasedJob, without: Option<Rule>) {
        let attempt = if without == Some(Rule::KeyIgnoresTheAttempt) { job.attempt } else { 0 };
        match job.id.kind {
            Kind::CreateCustomer => {
                self.customers.insert(key_of(job.record.key, attempt));
            }
            Kind::CreateLink => {
                if let Some(link) = link_of(job) {
                    self.links.insert((link.ordinal, link.key));
                }
            }
            Kind::PollStatus => {}
        }
    }
}

/// The key of an attempt: that of the effect, unless the rule is off.
fn key_of(key: IdempotencyKey, attempt: u32) -> Uuid {
    Uuid::from_u128(key.as_uuid().as_u128() ^ u128::from(attempt))
}
