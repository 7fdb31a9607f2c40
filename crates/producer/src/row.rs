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
