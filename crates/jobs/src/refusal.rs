//! Whose fault a refusal is, and what it is called.

use crate::failure::Code;
use crate::signal::Blame;

/// Phrases in an API's refusal that tell whose fault it is; compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrases {
    /// A row's own fault, never systemic (`api.row_phrases`).
    pub row: Vec<String>,
    /// Everybody's, at once (`api.systemic_phrases`). Outranks `row`: burying nobody is the safer mistake.
    pub systemic: Vec<String>,
}

impl Default for Phrases {
    fn default() -> Self {
        Self {
            row: ["exist", "taken", "duplicate", "in use"].map(str::to_owned).to_vec(),
            systemic: vec!["quota".to_owned()],
        }
    }
}

impl Phrases {
    /// Whose fault a refusal of that status and masked text is.
    pub fn blame(&self, status: u16, text: &str) -> Blame {
        let text = text.to_lowercase();
        let has_one = |phrases: &[String]| phrases.iter().any(|phrase| says(&text, &phrase.to_lowercase()));
        // 403: the feature is off for the entity, which no row can have caused.
        if status == 403 || has_one(&self.systemic) {
            Blame::Everybody
        } else if has_one(&self.row) {
            Blame::Row
        } else {
            Blame::Unclear
        }
    }

    /// What a definite refusal of a create is called.
    pub fn code(&self, status: u16, text: &str) -> Code {
        match (self.blame(status, text), status) {
            (Blame::Row, _) => Code::EmailTaken,
            (_, 400 | 422) => Code::Invalid,
            (Blame::Everybody | Blame::Unclear, _) => Code::Refused,
        }
    }
}

/// Whether the text says so, and not the contrary: "does not exist" is no duplicate.
fn says(text: &str, phrase: &str) -> bool {
    let denied =
        |before: &str| ["not ", "n't ", "no ", "non-", "non"].into_iter().any(|no| before.ends_with(no));
    !phrase.is_empty() && text.match_indices(phrase).any(|(at, _)| !denied(&text[..at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_blamed_by_its_phrases_and_called_by_its_status() {
        let phrases = Phrases::default();
        let table = [
            (400, "Customer with email [email] already exists", Blame::Row, Code::EmailTaken),
            (409, "E-mail TAKEN", Blame::Row, Code::EmailTaken),
            (400, "Customer quota exceeded", Blame::Everybody, Code::Invalid),
            (400, "quota: all 10 in use", Blame::Everybody, Code::Invalid),
            (403, "Forbidden", Blame::Everybody, Code::Refused),
            (422, "unknown variant", Blame::Unclear, Code::Invalid),
            (404, "", Blame::Unclear, Code::Refused),
            (400, "The entity does not exist", Blame::Unclear, Code::Invalid),
            (400, "The entity doesn't exist", Blame::Unclear, Code::Invalid),
            (400, "nonexistent plan", Blame::Unclear, Code::Invalid),
            (400, "a plan that does not exist: e-mail taken", Blame::Row, Code::EmailTaken),
            (403, "already exists", Blame::Everybody, Code::Refused),
        ];
        for (status, text, blame, code) in table {
            assert_eq!(
                (phrases.blame(status, text), phrases.code(status, text)),
                (blame, code),
                "{status} {text}"
            );
        }
    }

    #[test]
    fn phrases_are_settings_and_an_empty_one_says_nothing() {
        let phrases =
            Phrases { row: vec![String::new(), "Schon Da".to_owned()], systemic: vec![String::new()] };
        assert_eq!(phrases.blame(400, "quota exists"), Blame::Unclear);
        assert_eq!(phrases.blame(400, "Kunde SCHON DA"), Blame::Row);
        assert_eq!(Phrases { row: Vec::new(), systemic: Vec::new() }.blame(400, "taken"), Blame::Unclear);
    }
}
