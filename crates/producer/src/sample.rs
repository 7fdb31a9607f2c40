//! Made-up files of customers: seeded, so the same options give the same bytes, and with faults whose number is known.
//!
//! Every address ends in `.example`, which no mail ever reaches.

mod fault;
mod people;

use std::collections::BTreeMap;
use std::io::{self, Write};

use self::fault::{DAMAGES, FAULTS, Plant};
use self::people::Person;

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleOptions {
    /// Customers to bring aboard; all other rows come on top.
    pub customers: u64,
    /// Another seed, another file.
    pub seed: u64,
    /// Rows with a field that is refused, one kind after the other: see the codes in [`Planted::codes`].
    pub faulty_rows: u64,
    /// Rows that cannot be read: bytes that are no text, a quote left open, a row without end.
    pub damaged_rows: u64,
    /// Rows that repeat an earlier one.
    pub duplicate_rows: u64,
    /// Rows with the reference of an earlier one and another company, or its e-mail and another reference.
    pub conflict_rows: u64,
}

impl SampleOptions {
    /// Customers without any fault.
    pub fn clean(customers: u64, seed: u64) -> Self {
        Self { customers, seed, faulty_rows: 0, damaged_rows: 0, duplicate_rows: 0, conflict_rows: 0 }
    }

    /// Customers, and about one row in fifty planted: at least one of each kind of faulty field, a few repeats.
    pub fn planted(customers: u64, seed: u64) -> Self {
        let few = customers.div_ceil(200);
        Self {
            faulty_rows: few.max(FAULTS.len() as u64),
            duplicate_rows: few,
            conflict_rows: few.max(2),
            ..Self::clean(customers, seed)
        }
    }

    fn rows(&self) -> u64 {
        self.customers + self.faulty_rows + self.damaged_rows + self.duplicate_rows + self.conflict_rows
    }
}

/// What a file holds. `rows` is the sum of `customers`, `refused`, `duplicates` and `conflicts`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planted {
    /// Rows of data.
    pub rows: u64,
    /// Rows that are customers, each of its own.
    pub customers: u64,
    /// Rows that will be refused.
    pub refused: u64,
    /// How often each code will stand in the report; some rows have two.
    pub codes: BTreeMap<&'static str, u64>,
    /// Rows that repeat an earlier one.
    pub duplicates: u64,
    /// Rows that contradict an earlier one.
    pub conflicts: u64,
}

/// Writes a file with the columns reference, email, first name, last name, company name.
///
/// Duplicates and conflicts need a customer before them, so without customers there are none.
///
/// # Errors
/// The output cannot be written.
pub fn write_csv(mut out: impl Write, options: &SampleOptions) -> io::Result<Planted> {
    out.write_all(b"reference,email,first_name,last_name,company_name\n")?;
    let mut sample = Sample { left: *options, random: Random(options.seed), planted: Planted::default() };
    if options.customers == 0 {
        (sample.left.duplicate_rows, sample.left.conflict_rows) = (0, 0);
    }
    while sample.left.rows() > 0 {
        out.write_all(&sample.row())?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    sample.planted.rows = sample.planted.customers
        + sample.planted.refused
        + sample.planted.duplicates
        + sample.planted.conflicts;
    Ok(sample.planted)
}

/// A file being written; `left` counts down.
struct Sample {
    left: SampleOptions,
    random: Random,
    planted: Planted,
}

impl Sample {
    /// One of the rows left, each as likely as any other, so that the planted ones lie everywhere.
    fn row(&mut self) -> Vec<u8> {
        let mut at = self.random.below(self.left.rows());
        let mut falls_on = |count: u64| {
            let hit = at < count;
            at = at.wrapping_sub(count);
            hit
        };
        let original = self.planted.customers > 0;
        if falls_on(self.left.faulty_rows) {
            self.left.faulty_rows -= 1;
            self.plant(&FAULTS, self.left.faulty_rows)
        } else if falls_on(self.left.damaged_rows) {
            self.left.damaged_rows -= 1;
            self.plant(&DAMAGES, self.left.damaged_rows)
        } else if falls_on(self.left.duplicate_rows) && original {
            self.left.duplicate_rows -= 1;
            self.planted.duplicates += 1;
            self.earlier().row().into_bytes()
        } else if falls_on(self.left.conflict_rows) && original {
            self.left.conflict_rows -= 1;
            self.planted.conflicts += 1;
            self.conflict().row().into_bytes()
        } else {
            self.customer()
        }
    }

    fn customer(&mut self) -> Vec<u8> {
        self.left.customers = self.left.customers.saturating_sub(1);
        self.planted.customers += 1;
        Person::nth(self.left.seed, self.planted.customers).row().into_bytes()
    }

    fn plant(&mut self, plants: &[Plant], turn: u64) -> Vec<u8> {
        let plant = &plants[usize::try_from(turn % plants.len() as u64).unwrap_or_default()];
        self.planted.refused += 1;
        for code in plant.codes {
            *self.planted.codes.entry(code).or_default() += 1;
        }
        (plant.row)(self.stranger())
    }

    /// One who stands in no other row.
    fn stranger(&mut self) -> Person {
        let number = self.planted.refused + self.planted.conflicts;
        Person { reference: format!("X-{number:06}"), ..Person::nth(self.left.seed, u64::MAX - number) }
    }

    fn earlier(&mut self) -> Person {
        let number = 1 + self.random.below(self.planted.customers);
        Person::nth(self.left.seed, number)
    }

    fn conflict(&mut self) -> Person {
        let earlier = self.earlier();
        if self.planted.conflicts.is_multiple_of(2) {
            Person { company: format!("{} Holding", earlier.company), ..earlier }
        } else {
            Person { reference: self.stranger().reference, ..earlier }
        }
    }
}

/// `SplitMix64`: of no library, so that a seed means the same file for ever.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_options_give_the_same_bytes_and_another_seed_others() {
        let written = |options| {
            let mut out = Vec::new();
            write_csv(&mut out, &options).unwrap();
            out
        };
        let options = SampleOptions { damaged_rows: 8, ..SampleOptions::planted(300, 7) };
        assert_eq!(written(options), written(options));
        assert_ne!(written(options), written(SampleOptions { seed: 8, ..options }));
    }

    #[test]
    fn what_was_asked_for_is_planted() {
        let options = SampleOptions { damaged_rows: 8, ..SampleOptions::planted(300, 7) };
        let planted = write_csv(io::sink(), &options).unwrap();
        assert_eq!(
            (planted.rows, planted.customers, planted.refused, planted.duplicates, planted.conflicts),
            (options.rows(), 300, options.faulty_rows + 8, 2, 2)
        );
        let none = SampleOptions { customers: 0, duplicate_rows: 5, ..options };
        assert_eq!(write_csv(io::sink(), &none).unwrap().duplicates, 0);
    }
}
