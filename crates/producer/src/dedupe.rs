//! Which rows of a file repeat or contradict an earlier one, without a store.

use std::collections::{HashMap, HashSet};

use gangway_jobs::customer::NewCustomer;
use gangway_jobs::enqueue::{Answer, NewOnboarding};
use gangway_jobs::identity::Identity;

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

    /// Answers as an empty store would that had taken in the rows before; never [`Answer::Revived`].
    pub fn see(&mut self, customer: &NewCustomer) -> Answer {
        let known = NewOnboarding::new(&self.identity, customer.clone(), None);
        self.see_known(&known)
    }

    /// The same for a customer whose identity is computed already.
    pub fn see_known(&mut self, new: &NewOnboarding) -> Answer {
        let id = cut(new.id.as_uuid().as_bytes());
        let content = cut(new.content.as_bytes());
        match self.contents.get(&id) {
            Some(known) if *known == content => return Answer::Duplicate,
            Some(_) => return Answer::ConflictingContent,
            None => {}
        }
        // An id not seen before: whoever has this e-mail already is another onboarding.
        if !self.emails.insert(cut(new.email_key.as_bytes())) {
            return Answer::ConflictingEmail;
        }
        self.contents.insert(id, content);
        Answer::New
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
            (Some("C-1"), "a@acme.example", "Acme", Answer::New),
            (Some("C-1"), "A@ACME.example", "Acme", Answer::Duplicate),
            (Some("C-1"), "a@acme.example", "Apex", Answer::ConflictingContent),
            (Some("C-1"), "b@acme.example", "Acme", Answer::ConflictingContent),
            (Some("C-2"), "a@acme.example", "Acme", Answer::ConflictingEmail),
            (None, "a@acme.example", "Acme", Answer::ConflictingEmail),
            (None, "b@acme.example", "Acme", Answer::New),
            (None, "b@acme.example", "Acme", Answer::Duplicate),
            (None, "b@acme.example", "Apex", Answer::ConflictingContent),
            (Some("C-2"), "c@acme.example", "Acme", Answer::New),
        ];
        for (step, (reference, email, company, seen)) in table.into_iter().enumerate() {
            assert_eq!(dedupe.see(&customer(reference, email, company)), seen, "step {step}");
        }
    }
}
