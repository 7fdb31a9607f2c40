//! Which column is which field: by the names partners use, or by what the caller says.

use std::str::FromStr;

use gangway_jobs::customer::{Field, RawCustomer};

use crate::Error;
use crate::csv::Cells;
use crate::error::Headers;

/// Every field that a column can hold.
pub(crate) const FIELDS: [Field; 6] = [
    Field::Reference,
    Field::Email,
    Field::FirstName,
    Field::LastName,
    Field::CompanyName,
    Field::CustomerType,
];

/// The names a column of that field may have; case, spaces, `-` and `_` do not count.
pub fn aliases(field: Field) -> impl Iterator<Item = &'static str> {
    let names: &[&str] = match field {
        Field::Reference => &[
            "reference",
            "ref",
            "external id",
            "external reference",
            "customer reference",
            "partner reference",
        ],
        Field::Email => &["email", "mail", "email address", "mail address"],
        Field::FirstName => &["first name", "given name", "forename"],
        Field::LastName => &["last name", "surname", "family name"],
        Field::CompanyName => &[
            "company",
            "company name",
            "business",
            "business name",
            "organization",
            "organisation",
            "organization name",
            "organisation name",
            "legal name",
            "company legal name",
            "legal company name",
            "business legal name",
            "legal business name",
        ],
        Field::CustomerType => &["type", "customer type"],
    };
    names.iter().copied()
}

/// What the caller says of a column: `field=Header`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The field.
    pub field: Field,
    /// The name of its column, compared as an alias is.
    pub header: String,
}

impl FromStr for Override {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::BadMapping { text: text.chars().take(60).collect() };
        let (field, header) = text.split_once('=').ok_or_else(bad)?;
        let named = folded(field);
        let field = FIELDS.into_iter().find(|field| folded(field.as_str()) == named).ok_or_else(bad)?;
        let header = header.trim();
        if header.is_empty() { Err(bad()) } else { Ok(Self { field, header: header.to_owned() }) }
    }
}

/// Where each field is found in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    columns: [Option<usize>; FIELDS.len()],
    width: usize,
}

impl Mapping {
    /// Maps the columns of a header. What `overrides` say of a field stands above its known names.
    ///
    /// # Errors
    /// A required column is missing, a field has two columns, or an override does not fit.
    pub fn detect(header: &[String], overrides: &[Override]) -> Result<Self, Error> {
        let folded_header: Vec<String> = header.iter().map(|name| folded(name)).collect();
        let known = folded_header.iter().any(|name| FIELDS.iter().any(|field| is_alias(*field, name)));
        // A file without a header begins with a customer, and every customer has an address.
        let like_data = header.iter().any(|name| name.contains('@'));
        let headers = || Headers::new(header, known && !like_data);
        let mut columns = [None; FIELDS.len()];
        for (slot, field) in columns.iter_mut().zip(FIELDS) {
            *slot = match override_of(field, overrides)? {
                Some(name) => {
                    Some(only_column(field, &folded_header, |column| column == folded(name))?.ok_or_else(
                        || Error::UnknownColumn { field, header: shortened(name), headers: headers() },
                    )?)
                }
                None => only_column(field, &folded_header, |column| is_alias(field, column))?,
            };
        }
        let mapping = Self { columns, width: header.len() };
        let missing: Vec<Field> = FIELDS
            .into_iter()
            .filter(|field| is_required(*field) && mapping.column(*field).is_none())
            .collect();
        match missing.is_empty() {
            true => Ok(mapping),
            false if like_data => Err(Error::NoHeader),
            false => Err(Error::MissingColumns { missing, headers: headers() }),
        }
    }

    /// How many columns the header has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The column of a field, from 0.
    pub fn column(&self, field: Field) -> Option<usize> {
        self.columns[position(field)]
    }

    /// The field of a column.
    pub fn field(&self, column: usize) -> Option<Field> {
        FIELDS.into_iter().find(|field| self.column(*field) == Some(column))
    }

    /// The texts of a customer. An empty reference or type is an absent one; a cell that is not there is an empty one.
    pub fn raw<'a>(&self, cells: Cells<'a>) -> RawCustomer<'a> {
        let text = |field| self.column(field).and_then(|column| cells.get(column)).unwrap_or_default();
        let optional = |field| Some(text(field)).filter(|text| !text.trim().is_empty());
        RawCustomer {
            reference: optional(Field::Reference),
            email: text(Field::Email),
            first_name: text(Field::FirstName),
            last_name: text(Field::LastName),
            company_name: text(Field::CompanyName),
            customer_type: optional(Field::CustomerType),
        }
    }
}

const fn position(field: Field) -> usize {
    match field {
        Field::Reference => 0,
        Field::Email => 1,
        Field::FirstName => 2,
        Field::LastName => 3,
        Field::CompanyName => 4,
        Field::CustomerType => 5,
    }
}

const fn is_required(field: Field) -> bool {
    !matches!(field, Field::Reference | Field::CustomerType)
}

fn is_alias(field: Field, folded_name: &str) -> bool {
    aliases(field).any(|alias| folded(alias) == folded_name)
}

/// Without case, spaces, dashes and underscores; also without a no-break space, which spreadsheets like.
fn folded(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_' | '\u{2010}'..='\u{2013}' | '\u{feff}'))
        .flat_map(char::to_lowercase)
        .collect()
}

fn override_of(field: Field, overrides: &[Override]) -> Result<Option<&str>, Error> {
    let mut of_field = overrides.iter().filter(|one| one.field == field);
    let first = of_field.next().map(|one| one.header.as_str());
    if of_field.next().is_some() { Err(Error::MappedTwice { field }) } else { Ok(first) }
}

fn only_column(field: Field, header: &[String], fits: impl Fn(&str) -> bool) -> Result<Option<usize>, Error> {
    let mut fitting = header.iter().enumerate().filter(|(_, name)| fits(name)).map(|(column, _)| column);
    match (fitting.next(), fitting.next()) {
        (Some(first), Some(second)) => {
            Err(Error::AmbiguousColumn { field, first: first + 1, second: second + 1 })
        }
        (first, _) => Ok(first),
    }
}

fn shortened(name: &str) -> String {
    name.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(header: &str, overrides: &[&str]) -> Result<Mapping, Error> {
        let header: Vec<String> = header.split(',').map(str::to_owned).collect();
        let overrides: Vec<Override> = overrides.iter().map(|text| text.parse().unwrap()).collect();
        Mapping::detect(&header, &overrides)
    }

    fn columns(mapping: Mapping) -> [Option<usize>; 6] {
        FIELDS.map(|field| mapping.column(field))
    }

    #[test]
    fn columns_are_known_by_their_names_in_any_order_and_spelling() {
        let plain = [Some(0), Some(1), Some(2), Some(3), Some(4), Some(5)];
        let table = [
            ("reference,email,first_name,last_name,company_name,customer_type", plain),
            ("REF,E-Mail,First Name,Last-Name,Company,Type", plain),
            ("partnerReference,Email Address,GIVEN NAME,Surname,Legal Name,Customer Type", plain),
            ("External ID,mail,forename,family_name,Organization,type", plain),
            ("phone,Business-Name,email,,Surname,Forename", [None, Some(2), Some(5), Some(4), Some(1), None]),
        ];
        for (header, expected) in table {
            assert_eq!(columns(detect(header, &[]).unwrap()), expected, "{header}");
        }
    }

    #[test]
    fn what_the_caller_says_stands_above_the_known_names() {
        let header = "id,email,Login,first name,last name,company";
        let mapping = detect(header, &["reference=ID", "email=log in", "company_name = Company"]).unwrap();
        assert_eq!(columns(mapping), [Some(0), Some(2), Some(3), Some(4), Some(5), None]);
        assert_eq!((mapping.field(2), mapping.field(1), mapping.width()), (Some(Field::Email), None, 6));
        let both = detect("ref,email,name,company", &["first_name=name", "last_name=name"]).unwrap();
        assert_eq!(columns(both), [Some(0), Some(1), Some(2), Some(2), Some(3), None]);
    }

    #[test]
    fn a_header_that_does_not_fit_says_where_and_what_to_do() {
        let good = "email,first name,last name,company";
        let table: [(&str, &[&str], &str, &str); 7] = [
            (
                "email,first name,place",
                &[],
                "no column for last_name, company_name among the 3 columns of the file (email, first name, place)",
                "last_name is known as last name, surname, family name; another name with `--map last_name=<header>`",
            ),
            (
                "Ada,Byron,Acme",
                &[],
                "no column for email, first_name, last_name, company_name among the 3 columns of the file",
                "email is known as email, mail, ",
            ),
            (
                "a@acme.example,Ada,Byron,Company",
                &[],
                "the file has no header: its first line names no columns",
                "the first line must name the columns",
            ),
            (
                "email,first name,last name,company,Legal Name",
                &[],
                "columns 4 and 5 both mean company_name",
                "`--map company_name=<header>`",
            ),
            (
                "email,EMAIL,first name,last name,company",
                &["email=e-mail"],
                "columns 1 and 2 both mean email",
                "",
            ),
            (
                good,
                &["reference=Key"],
                "no column is named `Key`, which reference is mapped to, among the 4 columns of the file \
                 (email, first name, last name, company)",
                "",
            ),
            (good, &["email=email", "E-Mail=company"], "email is mapped twice", "keep one"),
        ];
        for (header, overrides, message, help) in table {
            let error = detect(header, overrides).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert!(error.help().contains(help), "{}", error.help());
        }
    }

    #[test]
    fn many_or_long_column_names_are_cut() {
        let header: Vec<String> =
            (0..40).map(|n| format!("email{n}{}", "x".repeat(100))).chain(["ref".into()]).collect();
        let message = Mapping::detect(&header, &[]).unwrap_err().to_string();
        assert!(message.len() < 600 && message.ends_with(", …)"), "{message}");
    }

    #[test]
    fn a_mapping_is_a_field_and_a_column() {
        for bad in ["", "email", "email=", "email= ", "phone=Phone", "=x"] {
            assert!(matches!(bad.parse::<Override>(), Err(Error::BadMapping { .. })), "{bad}");
        }
    }
}
