//! The customers of a run: a partner's file with all that files have, and the same people in other words.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use gangway_jobs::customer::NewCustomer;
use gangway_jobs::id::OnboardingId;
use gangway_jobs::identity::{Identity, IdentitySecret};
use gangway_producer::csv::Options;
use gangway_producer::row::Rows;

use crate::chance::Chance;

/// A row that was read: its number and its customer.
pub(crate) type Read = (u64, NewCustomer);

/// The people and the files that tell of them.
#[derive(Debug)]
pub(crate) struct People {
    pub(crate) identity: Identity,
    /// The rows of each file that are good.
    pub(crate) files: Vec<Vec<Read>>,
    /// E-mails that belong to customers whom somebody else has made.
    pub(crate) taken: Vec<String>,
    names: BTreeMap<OnboardingId, String>,
    /// What no event may hold.
    personal: Vec<String>,
}

/// One line of a file.
struct Line {
    number: u64,
    /// Empty for a row without one.
    reference: String,
    email: String,
    company: String,
}

impl People {
    /// Between 3 and 7 people, now and then one whose e-mail is taken.
    pub(crate) fn draw(chance: &mut Chance, someone_is_taken: bool) -> Self {
        let identity = Identity::new(IdentitySecret::new("simulation"), "default");
        let count = chance.between(3, 7);
        let lines: Vec<Line> = (1..=count).map(|number| Line::of(number, chance)).collect();
        let taken = lines.iter().take(usize::from(someone_is_taken)).map(|line| line.email.clone()).collect();
        let texts = [whole(&lines, chance), changed(&lines, chance)];
        let files: Vec<Vec<Read>> = texts.iter().map(|text| read(text)).collect();
        let personal = (1..=count).flat_map(personal).collect();
        let mut people = Self { identity, files, taken, names: BTreeMap::new(), personal };
        people.name_all();
        people
    }

    fn name_all(&mut self) {
        let all: Vec<&Read> = self.files.iter().flatten().collect();
        for (_, customer) in all {
            let id = self.identity.onboarding_id(customer.reference.as_ref(), &customer.email);
            let number = customer.first_name.as_str().trim_start_matches("Adalovelace");
            self.names.entry(id).or_insert_with(|| format!("c{number}"));
        }
    }

    /// The name of an onboarding in the trace.
    pub(crate) fn name(&self, id: OnboardingId) -> &str {
        self.names.get(&id).map_or("c?", String::as_str)
    }

    /// What of `text` names a person.
    pub(crate) fn personal_in(&self, text: &str) -> Option<&str> {
        self.personal.iter().map(String::as_str).find(|personal| text.contains(personal))
    }
}

fn personal(number: u64) -> [String; 4] {
    [
        format!("ops{number}@"),
        format!("Adalovelace{number}"),
        format!("Byronesque{number}"),
        format!("Acmeworks{number}"),
    ]
}

impl Line {
    fn of(number: u64, chance: &mut Chance) -> Self {
        let reference = if chance.happens(150) { String::new() } else { format!("R-{number}") };
        Self {
            number,
            reference,
            email: format!("ops{number}@acme.example"),
            company: format!("Acmeworks{number} Ltd"),
        }
    }

    fn write(&self, file: &mut String) {
        let Self { number, reference, email, company } = self;
        // Writing to a text cannot fail.
        writeln!(file, "{reference},{email},Adalovelace{number},Byronesque{number},{company}")
            .unwrap_or_default();
    }
}

const HEADER: &str = "reference,email,first name,last name,company\n";

/// Everybody, somebody twice, and a row that is no good.
fn whole(lines: &[Line], chance: &mut Chance) -> String {
    let mut file = HEADER.to_owned();
    for line in lines {
        line.write(&mut file);
        if chance.happens(150) {
            line.write(&mut file);
        }
        if chance.happens(100) {
            file.push_str("R-x,nobody,,,\n");
        }
    }
    file
}

/// The same people, some of them changed: another company, another e-mail, or somebody else's.
fn changed(lines: &[Line], chance: &mut Chance) -> String {
    let mut file = HEADER.to_owned();
    for line in lines {
        let Line { number, mut reference, mut email, mut company } = Line {
            number: line.number,
            reference: line.reference.clone(),
            email: line.email.clone(),
            company: line.company.clone(),
        };
        match chance.below(6) {
            0 => company.push_str(" and Sons"),
            1 => email = format!("ops{number}@other.example"),
            2 => reference = format!("N-{number}"),
            _ => {}
        }
        Line { number, reference, email, company }.write(&mut file);
    }
    file
}

/// Reads a file as an import does; what is no good is left out.
fn read(file: &str) -> Vec<Read> {
    let rows = Rows::open(file.as_bytes(), &Options::default(), &[]);
    let rows = rows.into_iter().flatten().filter_map(Result::ok);
    rows.filter_map(|row| row.result.ok().map(|customer| (row.row, customer))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_tell_of_everybody_and_of_some_in_other_words() {
        let people = People::draw(&mut Chance::new(3), true);
        assert!(people.files.iter().all(|rows| rows.len() >= 3), "{:?}", people.files.len());
        assert_eq!(people.taken, ["ops1@acme.example"]);
        assert!(people.personal_in("R-1 and nobody").is_none());
        assert!(people.personal_in("of ops1@acme.example").is_some());
        let seeds = 0..20;
        let differ = seeds.filter(|seed| {
            let people = People::draw(&mut Chance::new(*seed), false);
            people.files[0] != people.files[1]
        });
        assert!(differ.count() > 15);
    }
}
