//! People and companies that do not exist.

use super::Random;

const FIRST: [&str; 16] = [
    "Ada",
    "Bruno",
    "Chloé",
    "Dmitri",
    "Elif",
    "Farah",
    "Grace",
    "Hiroshi",
    "Inés",
    "Jonas",
    "Kwame",
    "Léa",
    "Mei",
    "Nadia",
    "Oluwaseun",
    "Zoë",
];
const LAST: [&str; 16] = [
    "Almeida",
    "Berg",
    "Chen",
    "Dubois",
    "Eze",
    "Fischer",
    "García",
    "Haddad",
    "Ito",
    "Jansen",
    "Kowalski",
    "Lindqvist",
    "Müller",
    "Novak",
    "O'Neill",
    "Park",
];
const TRADE: [&str; 16] = [
    "Harbour",
    "Northwind",
    "Copper",
    "Juniper",
    "Lumen",
    "Meridian",
    "Orchard",
    "Pioneer",
    "Quarry",
    "Riverside",
    "Saffron",
    "Tundra",
    "Umbra",
    "Vertex",
    "Willow",
    "Zenith",
];
/// One wants quotes around its cell, one has quotes inside.
const FORM: [&str; 8] = [
    "Trading Ltd",
    "Foods, Inc.",
    "GmbH",
    "& Sons",
    "\"Blue\" Labs",
    "Logistics SA",
    "Studio",
    "Payments Co.",
];

/// One made-up customer.
pub(super) struct Person {
    pub(super) reference: String,
    pub(super) email: String,
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    pub(super) company: String,
}

impl Person {
    /// The customer of that number: a function of seed and number, so an earlier one need not be remembered.
    pub(super) fn nth(seed: u64, number: u64) -> Self {
        let mut random = Random(seed ^ number.rotate_left(17));
        let mut pick = |from: &[&'static str]| from[(random.next() >> 40) as usize % from.len()];
        let (first, last, trade) = (pick(&FIRST), pick(&LAST), pick(&TRADE));
        let company = format!("{trade} {}", pick(&FORM));
        let email = format!("{}.{number}@{}.example", ascii(first), trade.to_lowercase());
        Self { reference: format!("C-{number:06}"), email, first, last, company }
    }

    /// As a row of CSV, without the line break.
    pub(super) fn row(&self) -> String {
        self.row_with(&quoted(&self.company))
    }

    /// With something else for the last cell.
    pub(super) fn row_with(&self, last_cell: &str) -> String {
        let Self { reference, email, first, last, .. } = self;
        format!("{reference},{email},{first},{last},{last_cell}")
    }
}

/// A cell, in quotes if it needs them.
pub(super) fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

fn ascii(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase()
}
