//! A file of customers.

use std::io::Read;

use gangway_jobs::customer::{NewCustomer, RawCustomer, Reference};
use gangway_producer::csv::{Delimiter, Options};
use gangway_producer::row::{Row, Rows};

/// The first byte tells the options and how the file arrives, the rest is the file.
///
/// # Panics
/// If it matters in which portions the file arrives, if a row is lost or told without a reason, or if a customer that was
/// taken would be refused, or be another one, if it came again.
pub fn check(data: &[u8]) {
    let Some((first, file)) = data.split_first() else { return };
    let options = options(*first);
    let Ok(rows) = Rows::open(file, &options, &[]) else { return };
    let rows: Vec<Row> = rows.collect::<Result<_, _>>().unwrap_or_default();
    let dripping = Dripping { left: file, portion: usize::from(first >> 4) + 1 };
    let again = Rows::open(dripping, &options, &[]).map(Iterator::collect::<Result<Vec<Row>, _>>);
    assert!(
        again.is_ok_and(|again| again.is_ok_and(|again| again == rows)),
        "it matters how the file arrives"
    );
    for (number, row) in (1..).zip(&rows) {
        assert!(
            row.row == number && row.line > 0,
            "row {number} is told as {} in line {}",
            row.row,
            row.line
        );
        match &row.result {
            Ok(customer) => same_again(customer),
            Err(faults) => assert!(!faults.is_empty(), "row {number} is refused without a reason"),
        }
    }
    skipped_is_read(file, &options, &rows);
}

fn options(first: u8) -> Options {
    let delimiter = match first & 3 {
        0 => None,
        1 => Some(Delimiter::SEMICOLON),
        2 => Some(Delimiter::TAB),
        _ => Some(Delimiter::COMMA),
    };
    let encoding = (first & 4 != 0).then(|| Options::encoding_of("windows-1252").ok()).flatten();
    let max_row_bytes = if first & 8 == 0 { Options::DEFAULT_ROW_BYTES } else { Options::MIN_ROW_BYTES };
    Options { delimiter, encoding, max_row_bytes }
}

fn same_again(customer: &NewCustomer) {
    let raw = RawCustomer {
        reference: customer.reference.as_ref().map(Reference::as_str),
        email: customer.email.as_str(),
        first_name: customer.first_name.as_str(),
        last_name: customer.last_name.as_str(),
        company_name: customer.company_name.as_str(),
        customer_type: None,
    };
    assert!(
        NewCustomer::parse(raw).is_ok_and(|again| again == *customer),
        "a customer is another one if it comes again"
    );
}

/// A file that goes on where an earlier run stopped has the same rows from there on.
fn skipped_is_read(file: &[u8], options: &Options, rows: &[Row]) {
    let half = rows.len() / 2;
    let Ok(mut rest) = Rows::open(file, options, &[]) else { return };
    let skipped = rest.skip_rows(half as u64).unwrap_or_default();
    assert!(skipped == half as u64, "{skipped} rows were skipped, not {half}");
    let rest: Vec<Row> = rest.filter_map(Result::ok).collect();
    assert!(rest == rows[half..], "what is skipped changes what follows");
}

/// A file that comes in small portions.
struct Dripping<'a> {
    left: &'a [u8],
    portion: usize,
}

impl Read for Dripping<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let length = self.portion.min(into.len()).min(self.left.len());
        let (now, later) = self.left.split_at(length);
        into[..length].copy_from_slice(now);
        self.left = later;
        Ok(length)
    }
}
