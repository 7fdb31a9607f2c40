//! Which rows of a file repeat or contradict an earlier one, without a store.

use std::collections::{HashMap, HashSet};

use gangway_jobs::customer::NewCustomer;
use gangway_jobs::identity::Identity;

/// What a customer is to those seen before; as the store would answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Not seen before.
    New,
    /// The same once more: nothing would happen.
    Duplicate,
    /// The same reference (or, without one, the same e-mail) with other content.
    OtherContent,
    /// The e-mail under another reference.
    EmailTaken,
}

/// Remembers the customers of one file by their keyed digests, cut short: less than 50 bytes for each.
///
/// Cut to 8 bytes, two of a million customers are mistaken for one another once in thirty million files: good
/// enough for a dry run, which decides nothing.
#[derive(Debug)]
pub struct Dedupe {
    identity: Identity,
    /// Onboarding id to content digest.
    contents: HashMap<[u8; 8], [u8; 4]>,
    emails: HashSet<[u8; 8]>,
}

impl Dedupe {
    /// Remembers nothing yet.
    pub fn new(identity: Identity) -> Self {
        Self { identity, contents: HashMap::new(), emails: HashSet::new() }
    }

    /// Compares a customer to those before, and remembers it if it is new.
    pub fn see(&mut self, customer: &NewCustomer) -> Seen {
        let id = self.identity.onboarding_id(customer.reference.as_ref(), &customer.email);
        let id = cut(id.as_uuid().as_bytes());
        let content = cut(self.identity.content_digest(customer).as_bytes());
        match self.contents.get(&id) {
            Some(known) if *known == content => return Seen::Duplicate,
            Some(_) => return Seen::OtherContent,
            None => {}
        }
        // An id not seen before: whoever has this e-mail already is another onboarding.
        if !self.emails.insert(cut(self.identity.email_key(&customer.email).as_bytes())) {
            return Seen::EmailTaken;
        }
        self.contents.insert(id, content);
        Seen::New
    }
}

/// The last bytes: the first ones of an id hold its version.
fn cut<const N: usize>(bytes: &[u8; 16]) -> [u8; N] {
    let mut cut = [0; N];
    cut.copy_from_slice(&bytes[16 - N..]);
    cut
}

#[cfg(test)]
mod tests {
    use gangway_jobs::customer::RawCustomer;
    use gangway_jobs::identity::IdentitySecret;

    use super::*;

    fn customer(reference: Option<&str>, email: &str, company_name: &str) -> NewCustomer {
        NewCustomer::parse(RawCustomer {
            reference,
            email,
            first_name: "Ada",
            last_name: "Byron",
            company_name,
            customer_type: None,
        })
        .unwrap()
    }

    #[test]
    fn a_repeat_is_a_duplicate_and_a_contradiction_is_told() {
        let mut dedupe = Dedupe::new(Identity::new(IdentitySecret::new("s"), "default"));
        let table = [
            (Some("C-1"), "a@acme.example", "Acme", Seen::New),
            (Some("C-1"), "A@ACME.example", "Acme", Seen::Duplicate),
            (Some("C-1"), "a@acme.example", "Apex", Seen::OtherContent),
            (Some("C-1"), "b@acme.example", "Acme", Seen::OtherContent),
            (Some("C-2"), "a@acme.example", "Acme", Seen::EmailTaken),
            (None, "a@acme.example", "Acme", Seen::EmailTaken),
            (None, "b@acme.example", "Acme", Seen::New),
            (None, "b@acme.example", "Acme", Seen::Duplicate),
            (None, "b@acme.example", "Apex", Seen::OtherContent),
            (Some("C-2"), "c@acme.example", "Acme", Seen::New),
        ];
        for (step, (reference, email, company, seen)) in table.into_iter().enumerate() {
            assert_eq!(dedupe.see(&customer(reference, email, company)), seen, "step {step}");
        }
    }
}
