//! A customer as a partner hands it in: parsed once at the edge, proven by its types from there on.
//!
//! The rules are the API's ([create lightweight customer][p1]): e-mail valid, first and last name 1–255 characters,
//! company 1–100, plain text without markup. A length is counted in Unicode scalar values.
//!
//! [p1]: https://developer.1money.com/reference/create_lightweight_customer

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::mask::is_invisible;

/// A field of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The partner's own name for the customer.
    Reference,
    /// The e-mail address.
    Email,
    /// The first name of the main applicant.
    FirstName,
    /// The last name of the main applicant.
    LastName,
    /// The company's name.
    CompanyName,
    /// `BUSINESS`.
    CustomerType,
}

impl Field {
    /// The name as a CSV header, the API and error reports spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Email => "email",
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::CompanyName => "company_name",
            Self::CustomerType => "customer_type",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a field was refused. Carries no part of the value: it may be personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct Invalid {
    /// The field.
    pub field: Field,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What can be wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Nothing there, or white space only.
    #[error("is missing")]
    Missing,
    /// More characters than allowed.
    #[error("has {length} characters; at most {max} are allowed")]
    TooLong {
        /// The length found, in Unicode scalar values.
        length: usize,
        /// The length allowed.
        max: usize,
    },
    /// An HTML or script tag.
    #[error("contains markup; plain text only")]
    Markup,
    /// A control character, such as a line break.
    #[error("contains a control character")]
    Control,
    /// Not an e-mail address.
    #[error("is not a valid e-mail address: {0}")]
    NotAnEmail(&'static str),
    /// A customer type other than `BUSINESS`.
    #[error("must be BUSINESS; no other type can be onboarded")]
    UnsupportedType,
}

impl Reason {
    /// A stable code for reports and programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::TooLong { .. } => "too_long",
            Self::Markup => "markup",
            Self::Control => "control_character",
            Self::NotAnEmail(_) => "invalid_email",
            Self::UnsupportedType => "unsupported_type",
        }
    }
}

/// The partner's own name for a customer: trimmed, NFC, at most 255 characters. May be empty, which is a name too.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reference(String);

impl Reference {
    /// The longest reference.
    pub const MAX_CHARS: usize = 255;

    /// Parses a reference.
    ///
    /// # Errors
    /// It is too long or holds a control character.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text: String = text.trim().nfc().collect();
        check_text(Field::Reference, &text, Self::MAX_CHARS)?;
        Ok(Self(text))
    }

    /// The normalized text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An e-mail address, normalized: trimmed, NFC, lower case, the domain in ASCII (A-label).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Parses and normalizes an address.
    ///
    /// # Errors
    /// It is missing or no address: see [`Reason::NotAnEmail`].
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid = |why| Invalid { field: Field::Email, reason: Reason::NotAnEmail(why) };
        let text = text.trim();
        if text.is_empty() {
            return Err(Invalid { field: Field::Email, reason: Reason::Missing });
        }
        let lower = text.nfc().collect::<String>().to_lowercase();
        let (local, domain) = lower.rsplit_once('@').ok_or_else(|| invalid("it has no @"))?;
        check_local_part(local).map_err(invalid)?;
        let domain = idna::domain_to_ascii_strict(domain)
            .map_err(|_idna_names_no_cause| invalid("its domain is malformed"))?;
        let top = domain.rsplit_once('.').map_or("", |(_, top)| top);
        if top.is_empty() {
            return Err(invalid("its domain has no dot inside"));
        }
        if top.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid("its domain ends in a number"));
        }
        if local.len() + 1 + domain.len() > 254 {
            return Err(invalid("it is longer than 254 bytes"));
        }
        Ok(Self(format!("{local}@{domain}")))
    }

    /// The normalized address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `other`, as the API spells it, is this address.
    pub fn is(&self, other: &str) -> bool {
        Self::parse(other).is_ok_and(|other| other == *self)
    }
}

fn check_local_part(local: &str) -> Result<(), &'static str> {
    let allowed = |c: char| {
        c.is_alphanumeric()
            || !c.is_ascii() && !c.is_whitespace() && !c.is_control() && !is_invisible(c)
            || "!#$%&'*+-/=?^_`{|}~.".contains(c)
    };
    if local.is_empty() {
        Err("nothing stands before the @")
    } else if local.len() > 64 {
        Err("the part before the @ is longer than 64 bytes")
    } else if !local.chars().all(allowed) {
        Err("a character before the @ is not allowed there")
    } else if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        Err("a dot before the @ is misplaced")
    } else {
        Ok(())
    }
}

/// The address is personal data: never printed.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

macro_rules! plain_text {
    ($(#[$doc:meta])* $name:ident, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The longest allowed, in Unicode scalar values.
            pub const MAX_CHARS: usize = $max;

            /// Parses the text of `field`, trimmed.
            ///
            /// # Errors
            /// It is missing, too long, or not plain text.
            pub fn parse(field: Field, text: &str) -> Result<Self, Invalid> {
                let text = text.trim();
                if text.chars().all(|c| c.is_whitespace() || is_invisible(c)) {
                    return Err(Invalid { field, reason: Reason::Missing });
                }
                check_text(field, text, Self::MAX_CHARS)?;
                Ok(Self(text.to_owned()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        /// Personal data: never printed.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

plain_text! {
    /// A first or last name: 1–255 characters of plain text.
    PersonName, 255
}
plain_text! {
    /// A company's name: 1–100 characters of plain text.
    CompanyName, 100
}

fn check_text(field: Field, text: &str, max: usize) -> Result<(), Invalid> {
    let length = text.chars().count();
    let reason = if length > max {
        Reason::TooLong { length, max }
    } else if text.chars().any(char::is_control) {
        Reason::Control
    } else if has_tag(text) {
        Reason::Markup
    } else {
        return Ok(());
    };
    Err(Invalid { field, reason })
}

/// A `<` opens a tag when a letter, `/`, `!` or `?` follows, as in HTML; so `a < b` and `<3` stay plain text.
fn has_tag(text: &str) -> bool {
    text.match_indices('<').any(|(at, _)| {
        text[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'))
    })
}

/// A customer to bring aboard, with every field valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCustomer {
    /// The partner's own name for the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// The e-mail address; unique within the entity.
    pub email: Email,
    /// The first name of the main applicant.
    pub first_name: PersonName,
    /// The last name of the main applicant.
    pub last_name: PersonName,
    /// The company's name.
    pub company_name: CompanyName,
}

/// The raw texts of a customer, as a CSV row or an app has them.
#[derive(Clone, Copy, Default)]
pub struct RawCustomer<'a> {
    /// Absent is not the same as empty: an empty reference is a reference.
    pub reference: Option<&'a str>,
    /// The e-mail address.
    pub email: &'a str,
    /// The first name.
    pub first_name: &'a str,
    /// The last name.
    pub last_name: &'a str,
    /// The company's name.
    pub company_name: &'a str,
    /// `BUSINESS` in any case; absent means the same.
    pub customer_type: Option<&'a str>,
}

impl fmt::Debug for RawCustomer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawCustomer(…)")
    }
}

impl NewCustomer {
    /// Parses all fields and tells *every* fault, so that a partner mends a row once.
    ///
    /// # Errors
    /// One [`Invalid`] per faulty field; never empty.
    pub fn parse(raw: RawCustomer<'_>) -> Result<Self, Vec<Invalid>> {
        let mut faults = Vec::new();
        let mut keep = |fault| faults.push(fault);
        let reference = raw.reference.map(Reference::parse).transpose().map_err(&mut keep).ok();
        let email = Email::parse(raw.email).map_err(&mut keep).ok();
        let first_name = PersonName::parse(Field::FirstName, raw.first_name).map_err(&mut keep).ok();
        let last_name = PersonName::parse(Field::LastName, raw.last_name).map_err(&mut keep).ok();
        let company_name = CompanyName::parse(Field::CompanyName, raw.company_name).map_err(&mut keep).ok();
        let business = check_type(raw.customer_type).map_err(&mut keep).ok();
        match (reference, email, first_name, last_name, company_name, business) {
            (
                Some(reference),
                Some(email),
                Some(first_name),
                Some(last_name),
                Some(company_name),
                Some(()),
            ) => Ok(Self { reference, email, first_name, last_name, company_name }),
            _ => Err(faults),
        }
    }

    /// The values that must be masked wherever the API repeats them.
    pub fn personal_values(&self) -> Vec<&str> {
        let mut values = vec![
            self.email.as_str(),
            self.first_name.as_str(),
            self.last_name.as_str(),
            self.company_name.as_str(),
        ];
        values.extend(self.reference.as_ref().map(Reference::as_str));
        values
    }
}

fn check_type(text: Option<&str>) -> Result<(), Invalid> {
    match text.map(str::trim) {
        None | Some("") => Ok(()),
        Some(text) if text.eq_ignore_ascii_case("business") => Ok(()),
        Some(_) => Err(Invalid { field: Field::CustomerType, reason: Reason::UnsupportedType }),
    }
}

#[cfg(test)]
mod tests;
