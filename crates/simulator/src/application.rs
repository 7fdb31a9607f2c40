//! What a create sends, checked field by field.

use serde_json::Value;

use crate::knobs::{CreateKnobs, CustomerTypeSpelling};
use crate::refusal::Refusal;

/// The content of a create that passed its checks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Application {
    pub(crate) email: String,
    pub(crate) company_name: Option<String>,
}

impl Application {
    /// Reads the body: 422 for what is missing or of the wrong type, `invalid_status` for content that is wrong.
    pub(crate) fn parse(body: &Value, company_required: bool, knobs: &CreateKnobs) -> Result<Self, Refusal> {
        let fields = body.as_object().ok_or_else(|| Refusal::unprocessable("The body must be an object."))?;
        let text = |field: &str| match fields.get(field) {
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(Value::Null) | None => Ok(None),
            Some(_) => Err(Refusal::unprocessable(format!("{field} must be a string."))),
        };
        let required =
            |field: &str| text(field)?.ok_or_else(|| Refusal::unprocessable(format!("{field} is required.")));
        let (email, first, last) = (required("email")?, required("first_name")?, required("last_name")?);
        let company = text("company_name")?;
        if company_required && company.is_none() {
            return Err(Refusal::unprocessable("company_name is required."));
        }
        customer_type(required("customer_type")?, knobs)?;
        let invalid = |detail: &str| Err(Refusal::new(knobs.invalid_status, detail));
        if !is_email(email) {
            return invalid("email must be a valid email address.");
        }
        if !is_plain(first, 255) {
            return invalid("first_name must be 1-255 characters of plain text.");
        }
        if !is_plain(last, 255) {
            return invalid("last_name must be 1-255 characters of plain text.");
        }
        if company.is_some_and(|company| !is_plain(company, 100)) {
            return invalid("company_name must be 1-100 characters of plain text.");
        }
        if knobs.refused_domain.as_ref().is_some_and(|refused| domain_of(email).eq_ignore_ascii_case(refused))
        {
            return invalid(&format!("The application of {first} {last} ({email}) cannot be accepted."));
        }
        Ok(Self { email: email.to_owned(), company_name: company.map(str::to_owned) })
    }
}

fn customer_type(word: &str, knobs: &CreateKnobs) -> Result<(), Refusal> {
    let spelled = |pascal: &str| match knobs.customer_type {
        CustomerTypeSpelling::Any => word.eq_ignore_ascii_case(pascal),
        CustomerTypeSpelling::Upper => word == pascal.to_ascii_uppercase(),
        CustomerTypeSpelling::Pascal => word == pascal,
    };
    if spelled("Individual") {
        return Err(Refusal::new(knobs.individual_status, "customer_type INDIVIDUAL is not supported yet."));
    }
    if !spelled("Business") {
        return Err(Refusal::unprocessable("customer_type is not one of the known values."));
    }
    Ok(())
}

fn domain_of(email: &str) -> &str {
    email.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// One `@`, something on both sides, a dot in the domain, nothing blank.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let blank = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | '@');
    let labels = domain.split('.').count() > 1 && domain.split('.').all(|label| !label.is_empty());
    !local.is_empty() && labels && !text.replacen('@', "", 1).contains(blank)
}

/// Up to `max` Unicode characters, not all of them blank, and no tag.
fn is_plain(text: &str, max: usize) -> bool {
    let tag = text.match_indices('<').any(|(at, _)| {
        text[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'))
    });
    !text.trim().is_empty() && text.chars().count() <= max && !tag
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body(change: &Value) -> Value {
        let mut body = json!({
            "email": "ops@acme.example", "first_name": "Ada", "last_name": "Byron",
            "company_name": "Acme Ltd", "customer_type": "BUSINESS",
        });
        for (field, value) in change.as_object().unwrap() {
            body[field] = value.clone();
        }
        body
    }

    fn status(change: &Value) -> u16 {
        Application::parse(&body(change), true, &CreateKnobs::default())
            .map_or_else(|refusal| refusal.status, |_| 201)
    }

    #[test]
    fn each_field_is_checked() {
        for (change, expected) in [
            (json!({}), 201),
            (json!({"unknown": 1}), 201),
            (json!({"customer_type": "business"}), 201),
            (json!({"company_name": "株".repeat(100)}), 201),
            (json!({"last_name": "I <3 you"}), 201),
            (json!({"email": "no-at.example"}), 400),
            (json!({"email": "a@b@c.example"}), 400),
            (json!({"email": "a b@c.example"}), 400),
            (json!({"email": "a@nodot"}), 400),
            (json!({"first_name": ""}), 400),
            (json!({"first_name": " \t"}), 400),
            (json!({"first_name": "é".repeat(256)}), 400),
            (json!({"last_name": "<script>x</script>"}), 400),
            (json!({"company_name": "x".repeat(101)}), 400),
            (json!({"customer_type": "INDIVIDUAL"}), 400),
            (json!({"customer_type": "PARTNERSHIP"}), 422),
            (json!({"email": null}), 422),
            (json!({"first_name": 7}), 422),
            (json!({"company_name": null}), 422),
        ] {
            assert_eq!(status(&change), expected, "{change}");
        }
        assert_eq!(Application::parse(&json!([]), true, &CreateKnobs::default()).unwrap_err().status, 422);
    }

    #[test]
    fn a_refused_domain_is_refused_in_words_that_quote_the_row() {
        let refused_domain = Some("acme.example".to_owned());
        let knobs = CreateKnobs { refused_domain, invalid_status: 422, ..CreateKnobs::default() };
        let refusal = Application::parse(&body(&json!({})), true, &knobs).unwrap_err();
        assert_eq!(refusal.status, 422);
        assert!(refusal.detail.contains("Ada Byron (ops@acme.example)"), "{}", refusal.detail);
        let other = body(&json!({"email": "ops@acme.example.org"}));
        assert!(Application::parse(&other, true, &knobs).is_ok());
    }

    #[test]
    fn spelling_of_the_customer_type_follows_its_knob() {
        for (spelling, upper, pascal) in [
            (CustomerTypeSpelling::Any, true, true),
            (CustomerTypeSpelling::Upper, true, false),
            (CustomerTypeSpelling::Pascal, false, true),
        ] {
            let knobs = CreateKnobs { customer_type: spelling, ..CreateKnobs::default() };
            let taken =
                |word: &str| Application::parse(&body(&json!({"customer_type": word})), true, &knobs).is_ok();
            assert_eq!((taken("BUSINESS"), taken("Business")), (upper, pascal), "{spelling:?}");
        }
    }
}
