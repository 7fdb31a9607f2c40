//! A row to a customer, or to everything that is wrong with it.

use std::borrow::Cow;
use std::io::Read;

use gangway_jobs::customer::{Field, Invalid, NewCustomer};

use crate::Error;
use crate::csv::{Cells, Fault, Options, Reader, Record};
use crate::mapping::{Mapping, Override};

/// The code of a row with filled cells beyond the header.
pub const EXTRA_CELLS: &str = "extra_cells";

/// A row as it came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which row of data, from 1.
    pub row: u64,
    /// The physical line where it begins, from 1.
    pub line: u64,
    /// The customer, or one rejection per fault; never none.
    pub result: Result<NewCustomer, Vec<Rejection>>,
}

/// One fault of one row. Holds no part of the row: it may be personal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Which row of data, from 1.
    pub row: u64,
    /// The physical line where it begins, from 1.
    pub line: u64,
    /// The field, if the fault lies in one.
    pub field: Option<Field>,
    /// What is wrong, for programs.
    pub code: &'static str,
    /// What is wrong, for people.
    pub message: Cow<'static, str>,
}

/// The rows of a file, checked one by one.
#[derive(Debug)]
pub struct Rows<R> {
    reader: Reader<R>,
    mapping: Mapping,
}

impl<R: Read> Rows<R> {
    /// Reads the header and maps its columns.
    ///
    /// # Errors
    /// The file as a whole cannot be imported.
    pub fn open(input: R, options: &Options, overrides: &[Override]) -> Result<Self, Error> {
        let reader = Reader::open(input, options)?;
        let mapping = Mapping::detect(reader.header(), overrides)?;
        Ok(Self { reader, mapping })
    }

    /// Where each field is.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// The last row that was read or skipped.
    pub fn row(&self) -> u64 {
        self.reader.row()
    }

    /// Goes past rows that an earlier run took in; answers how many there were.
    ///
    /// # Errors
    /// The input cannot be read.
    pub fn skip_rows(&mut self, rows: u64) -> Result<u64, Error> {
        self.reader.skip(rows)
    }

    /// Reads the next row; `None` at the end.
    ///
    /// # Errors
    /// The input cannot be read.
    pub fn read(&mut self) -> Result<Option<Row>, Error> {
        Ok(self.reader.read()?.map(|record| parse(record, &self.mapping)))
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// Checks one row.
pub fn parse(record: Record<'_>, mapping: &Mapping) -> Row {
    let Record { row, line, cells } = record;
    let reject = |field, code, message| Rejection { row, line, field, code, message };
    let result = match cells {
        Err(Fault { kind, column }) => {
            let field = column.and_then(|column| mapping.field(column));
            Err(vec![reject(field, kind.code(), Cow::Owned(format!("the row {kind}")))])
        }
        Ok(cells) => match extra_cells(cells, mapping.width()) {
            // Where the cells have shifted, what they say of the fields would mislead.
            Some(extra) => Err(vec![reject(None, EXTRA_CELLS, extra)]),
            None => NewCustomer::parse(mapping.raw(cells)).map_err(|faults| {
                let told = |fault: Invalid| {
                    reject(Some(fault.field), fault.reason.code(), Cow::Owned(fault.to_string()))
                };
                faults.into_iter().map(told).collect()
            }),
        },
    };
    Row { row, line, result }
}

fn extra_cells(cells: Cells<'_>, width: usize) -> Option<Cow<'static, str>> {
    let filled =
        (width..cells.len()).any(|column| cells.get(column).is_some_and(|cell| !cell.trim().is_empty()));
    filled.then(|| {
        let (found, wanted) = (cells.len(), width);
        Cow::Owned(format!(
            "the row has {found} cells, the header {wanted}; put quotes around a cell that contains the delimiter"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(input: &[u8]) -> Vec<Row> {
        Rows::open(input, &Options::default(), &[]).unwrap().collect::<Result<_, _>>().unwrap()
    }

    /// The faults of a row under this header, as `field code`.
    fn faults(row: &[u8]) -> Vec<String> {
        let rows = rows(&[b"ref,email,first name,last name,company,note,type\n", row].concat());
        let told = |fault: &Rejection| format!("{} {}", fault.field.map_or("-", Field::as_str), fault.code);
        rows[0].result.as_ref().map_or_else(|faults| faults.iter().map(told).collect(), |_| Vec::new())
    }

    #[test]
    fn every_fault_is_told_with_its_field_and_code() {
        let long = [b"C-1,a@b.example,", "x".repeat(300).as_bytes(), b",Byron,", "y".repeat(101).as_bytes()]
            .concat();
        let endless = "z".repeat(70_000);
        let table: [(&[u8], &[&str]); 19] = [
            (b"C-1,a@b.example,Ada,Byron,Acme,note,BUSINESS", &[]),
            (b",a@b.example,Ada,Byron,Acme", &[]),
            (b"C-1,a@b.example,Ada,Byron,Acme,note,,, ,", &[]),
            (b"C-1, ,Ada,Byron,Acme", &["email missing"]),
            (b"C-1,nobody,Ada,Byron,Acme", &["email invalid_email"]),
            (b"C-1,a@b.example,,,Acme", &["first_name missing", "last_name missing"]),
            (b"C-1,a@b.example,Ada", &["last_name missing", "company_name missing"]),
            (b";", &["email missing", "first_name missing", "last_name missing", "company_name missing"]),
            (&long, &["first_name too_long", "company_name too_long"]),
            (b"C-1,a@b.example,<i>Ada</i>,Byron,Acme", &["first_name markup"]),
            (b"C-1,a@b.example,Ada,Byron,\"Ac\nme\"", &["company_name control_character"]),
            (b"\"C\t1\",a@b.example,Ada,Byron,Acme", &["reference control_character"]),
            (b"C-1,a@b.example,Ada,Byron,Acme,,PERSON", &["customer_type unsupported_type"]),
            (b"C-1,,Ada,Byron,Acme,,BUSINESS,more", &["- extra_cells"]),
            (b"C-1,a@b.example,Ada,Byr\xF6n,Acme", &["last_name encoding"]),
            (b"C-1,a@b.example,Ada,Byron,Acme,n\xF6te", &["- encoding"]),
            (b"C-1,a@b.example,A\0da,Byron,Acme", &["first_name nul"]),
            (b"C-1,a@b.example,Ada,Byron,\"Acme\n", &["company_name unclosed_quote"]),
            (endless.as_bytes(), &["- row_too_long"]),
        ];
        for (row, expected) in table {
            assert_eq!(faults(row), expected, "{}", String::from_utf8_lossy(&row[..row.len().min(60)]));
        }
    }

    #[test]
    fn a_rejection_names_its_place_and_nothing_of_the_row() {
        let input = b"email;first name;last name;company\n\nada@b.example;Ada;Byron;\n\"Grace\";Hopper;Navy;x;y\n\"Mei\n";
        let shown = format!("{:?}", rows(input));
        for value in ["ada@", "Ada", "Byron", "Grace", "Hopper", "Navy", "Mei"] {
            assert!(!shown.contains(value), "{shown}");
        }
        let places: Vec<_> = rows(input).iter().map(|row| (row.row, row.line)).collect();
        assert_eq!(places, [(1, 3), (2, 4), (3, 5)]);
        let messages: Vec<_> = rows(input)
            .into_iter()
            .flat_map(|row| row.result.unwrap_err())
            .map(|fault| fault.message)
            .collect();
        assert_eq!(messages[0], "company_name is missing");
        assert!(messages[1].starts_with("the row has 5 cells, the header 4;"));
        assert!(messages[2].starts_with("the row opens a quote that is not closed"));
    }

    #[test]
    fn an_empty_reference_is_an_absent_one() {
        let rows = rows(b"ref,email,first name,last name,company\n  ,a@b.example,Ada,Byron,Acme\n");
        assert_eq!(rows[0].result.as_ref().unwrap().reference, None);
    }
}
