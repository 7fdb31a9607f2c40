//! What one attempt learnt about the health of the API, for the circuit that all workers share.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What an attempt says about the API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// Nothing: no call was made, or its end tells nothing.
    #[default]
    None,
    /// The API answered as it should.
    Healthy {
        /// Whether the answer shows a *new* effect; a replayed create does not.
        fresh: bool,
    },
    /// The API did not answer, or answered that it cannot.
    Down {
        /// A plain 500, which may be one row's own fault.
        internal: bool,
    },
    /// Too many requests: nobody may call for that long.
    RateLimited {
        /// The wait that the API asked for.
        wait: Option<Duration>,
    },
    /// The credential was refused.
    Unauthorized,
    /// A definite refusal, which may or may not be the row's own fault.
    Refused(Refusal),
}

/// A refusal as the circuit compares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The masked text.
    pub text: String,
    /// Whose fault the text shows it to be.
    pub blame: Blame,
}

impl Refusal {
    /// Equal for refusals that mean the same: a number in the text may be a time, a line or the request's own.
    pub fn fingerprint(&self) -> String {
        let mut fingerprint = format!("{} ", self.status);
        let mut in_number = false;
        for c in self.text.chars() {
            let digit = c.is_numeric();
            if !digit {
                fingerprint.extend(c.to_lowercase());
            } else if !in_number {
                fingerprint.push('#');
            }
            in_number = digit;
        }
        fingerprint
    }
}

/// Whose fault a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Blame {
    /// The row's: its text has one of the phrases that name a fault of a row.
    Row,
    /// Everybody's: its text has one of the phrases that name a fault of the account.
    Everybody,
    /// Nobody knows yet.
    Unclear,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_that_differ_in_case_or_in_a_number_mean_the_same() {
        let print = |status, text: &str| {
            Refusal { status, text: text.to_owned(), blame: Blame::Unclear }.fingerprint()
        };
        assert_eq!(print(400, "Request 17 at 09:04"), print(400, "request 2 AT 9:05"));
        assert_ne!(print(400, "no"), print(422, "no"));
        assert_ne!(print(400, "no"), print(400, "no 1"));
    }
}
