//! The same customer that Gangway's own cases enqueue, so that every queue carries as many bytes.

use serde::{Deserialize, Serialize};

/// One customer: about 120 bytes of JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Customer {
    reference: String,
    email: String,
    first_name: String,
    last_name: String,
    company_name: String,
}

impl Customer {
    pub(crate) fn numbered(n: usize) -> Self {
        Self {
            reference: format!("ref-{n}"),
            email: format!("person{n}@company.example"),
            first_name: "Ada".to_owned(),
            last_name: "Byron".to_owned(),
            company_name: "Company".to_owned(),
        }
    }
}
