//! How a call can fail, sorted by what a caller can do about it.

use std::fmt;
use std::time::Duration;

/// A setting that cannot work, or an HTTP client that could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A setting is wrong; says which, and what would be right.
    #[error("{setting} {problem}")]
    Invalid {
        /// The setting's name, as `api.base_url`.
        setting: &'static str,
        /// What is wrong with it, and the remedy.
        problem: &'static str,
    },
    /// The HTTP client could not be set up, as on a machine without root certificates.
    #[error("could not set up the HTTP client")]
    HttpClient(#[source] reqwest::Error),
}

impl ConfigError {
    pub(crate) const fn invalid(setting: &'static str, problem: &'static str) -> Self {
        Self::Invalid { setting, problem }
    }
}

/// The calls of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// [Create a lightweight customer](https://developer.1money.com/reference/create_lightweight_customer).
    CreateCustomer,
    /// [Look a customer up by its idempotency key][p4].
    ///
    /// [p4]: https://developer.1money.com/reference/retrieve_lightweight_customer_by_idempotency_key
    CustomerByKey,
    /// [Create an onboarding link](https://developer.1money.com/reference/create_onboarding_link).
    CreateLink,
    /// [Read a customer](https://developer.1money.com/reference/get_customer).
    ReadCustomer,
    /// List customers.
    ListCustomers,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 5] = [
        Self::CreateCustomer,
        Self::CustomerByKey,
        Self::CreateLink,
        Self::ReadCustomer,
        Self::ListCustomers,
    ];

    /// The name in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreateCustomer => "create_customer",
            Self::CustomerByKey => "customer_by_key",
            Self::CreateLink => "create_link",
            Self::ReadCustomer => "read_customer",
            Self::ListCustomers => "list_customers",
        }
    }

    /// Whether the call changes something at the API, so that a lost answer leaves a doubt.
    pub const fn has_effect(self) -> bool {
        matches!(self, Self::CreateCustomer | Self::CreateLink)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a failure means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The API, or the way to it, is down or slow: no connection, a timeout, a reset, a gateway's error, an answer cut short.
    Unreachable {
        /// Whether the effect may have happened or may still. Never so for a call without effect.
        uncertain: bool,
    },
    /// The API failed inside, and named no business rule.
    ServerError,
    /// Too many requests.
    RateLimited {
        /// How long the API asks to wait, capped; `None` if it does not say.
        wait: Option<Duration>,
    },
    /// The credential is refused.
    Unauthorized,
    /// The credential is good but may not do this, as with the feature switched off.
    Forbidden,
    /// There is no such customer, says the API.
    NotFound,
    /// 409: the key or the e-mail is in use; look it up.
    Conflict,
    /// No link in the customer's present status, or a plain refusal of the link: read the customer to tell which.
    NotEditable,
    /// A definite no; repeating the call would change nothing.
    Refused,
    /// The answer is not what the API's contract says: HTML, another shape, a redirect.
    Contract,
}

/// A call that failed. Holds, and shows, no personal data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct CallError {
    /// The call.
    pub operation: Operation,
    /// What the failure means.
    pub class: Class,
    /// The HTTP status; `None` if there was no answer.
    pub status: Option<u16>,
    /// The API's own code for the error, as `Bad_Request`.
    pub code: Option<String>,
    /// What the API or the network said: masked, at most 200 characters, perhaps empty.
    pub text: String,
    /// The API's name for the request, to quote to its support.
    pub request_id: Option<String>,
    /// How long the API asks to wait, whatever the class, capped; see [`CallError::wait`].
    pub retry_after: Option<Duration>,
}

impl CallError {
    /// A failure of which nothing more is known.
    pub const fn new(operation: Operation, class: Class) -> Self {
        Self {
            operation,
            class,
            status: None,
            code: None,
            text: String::new(),
            request_id: None,
            retry_after: None,
        }
    }

    /// Whether the effect of the call may have happened, or may still: only a later look-up can tell.
    pub const fn is_uncertain(&self) -> bool {
        self.operation.has_effect()
            && match self.class {
                Class::Unreachable { uncertain } => uncertain,
                Class::ServerError | Class::Contract => true,
                Class::RateLimited { .. }
                | Class::Unauthorized
                | Class::Forbidden
                | Class::NotFound
                | Class::Conflict
                | Class::NotEditable
                | Class::Refused => false,
            }
    }

    /// How long the API asks to wait before the next try, capped by [`Config::max_wait`](crate::Config::max_wait).
    pub const fn wait(&self) -> Option<Duration> {
        if let Class::RateLimited { wait: Some(wait) } = self.class { Some(wait) } else { self.retry_after }
    }

    /// `create_customer: HTTP 400 Bad_Request: e-mail is taken`
    fn sentence(&self) -> String {
        let mut parts = vec![self.operation.to_string()];
        if let Some(status) = self.status {
            let code = self.code.as_ref().map_or(String::new(), |code| format!(" {code}"));
            parts.push(format!("HTTP {status}{code}"));
        }
        if !self.text.is_empty() {
            parts.push(self.text.clone());
        }
        parts.join(": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_call_with_an_effect_leaves_a_doubt() {
        let table = [
            (Operation::CreateCustomer, Class::Unreachable { uncertain: true }, true),
            (Operation::CreateCustomer, Class::Unreachable { uncertain: false }, false),
            (Operation::CreateCustomer, Class::ServerError, true),
            (Operation::CreateCustomer, Class::Contract, true),
            (Operation::CreateCustomer, Class::Refused, false),
            (Operation::CreateCustomer, Class::RateLimited { wait: None }, false),
            (Operation::CreateLink, Class::ServerError, true),
            (Operation::ReadCustomer, Class::ServerError, false),
            (Operation::CustomerByKey, Class::Contract, false),
        ];
        for (operation, class, uncertain) in table {
            assert_eq!(CallError::new(operation, class).is_uncertain(), uncertain, "{operation} {class:?}");
        }
    }

    #[test]
    fn the_error_reads_as_one_line() {
        let mut error = CallError::new(Operation::CreateCustomer, Class::Refused);
        assert_eq!(error.to_string(), "create_customer");
        error.status = Some(400);
        error.text = "[value] is taken".to_owned();
        assert_eq!(error.to_string(), "create_customer: HTTP 400: [value] is taken");
        error.code = Some("Bad_Request".to_owned());
        assert_eq!(error.to_string(), "create_customer: HTTP 400 Bad_Request: [value] is taken");
    }
}
