//! Creation of customers.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Knobs of `POST /v1/customers/lightweight`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CreateKnobs {
    /// Spelling of `customer_type` that is taken. The page says `BUSINESS`, the vendor's schemas say `Business`; chosen: any.
    pub customer_type: CustomerTypeSpelling,
    /// Whether `/lightweight` asks for `company_name`. The text of
    /// <https://developer.1money.com/reference/create_lightweight_customer> does, the schema does not; chosen: yes.
    pub company_name_required: bool,
    /// Whether an e-mail may belong to one customer only. Documented.
    pub unique_emails: bool,
    /// How e-mails are compared. Chosen: without case.
    pub email_compare: EmailCompare,
    /// Status for content that is wrong: e-mail, length, HTML. Chosen: 400; or 422.
    pub invalid_status: u16,
    /// Status for `INDIVIDUAL`. Chosen: 400; or 403, 422.
    pub individual_status: u16,
    /// E-mails in this domain are refused with `invalid_status`, in words that quote the row, as a screening might. Chosen:
    /// none. Not part of the API.
    pub refused_domain: Option<String>,
}

impl Default for CreateKnobs {
    fn default() -> Self {
        Self {
            customer_type: CustomerTypeSpelling::Any,
            company_name_required: true,
            unique_emails: true,
            email_compare: EmailCompare::IgnoreCase,
            invalid_status: 400,
            individual_status: 400,
            refused_domain: None,
        }
    }
}

impl CreateKnobs {
    pub(crate) fn validate(&self) -> Result<(), Error> {
        super::one_of("create.invalid_status", self.invalid_status, &[400, 422])?;
        super::one_of("create.individual_status", self.individual_status, &[400, 403, 422])
    }
}

/// Accepted spelling of `customer_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerTypeSpelling {
    /// In any case.
    Any,
    /// `BUSINESS` only.
    Upper,
    /// `Business` only.
    Pascal,
}

/// How two e-mails are found to be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmailCompare {
    /// Without regard to case.
    IgnoreCase,
    /// Character by character.
    Exact,
}
