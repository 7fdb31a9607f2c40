//! Bytes to rows, in constant memory, whatever the bytes are.
//!
//! UTF-8 and UTF-16, `,` `;` tab or `|`, LF, CR or CRLF, quoted cells with line breaks: told from the file. A row that
//! cannot be read is a [`Fault`] and the next row goes on. What is read depends on the bytes alone, never on how they
//! arrive: the same file has the same rows each time, so an import can be resumed by [`Reader::skip`].

mod dialect;
mod source;
mod split;
mod window;

use std::fmt;
use std::io::{self, Read};

use csv_core::ReadRecordResult;
use memchr::memchr;

pub use self::dialect::{Delimiter, Options};
use self::source::Source;
use self::split::{Shape, Span, Splitter};
use self::window::Window;
use crate::Error;

/// Reads the rows of a file, one at a time.
pub struct Reader<R> {
    splitter: Splitter<R>,
    cells: CellBuffer,
    header: Vec<String>,
    delimiter: Delimiter,
    max_row_bytes: usize,
    row: u64,
}

/// A row of data.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Which row of data, from 1; the header and blank lines are not counted.
    pub row: u64,
    /// The physical line where it begins, from 1.
    pub line: u64,
    /// Its cells, or why it has none.
    pub cells: Result<Cells<'a>, Fault>,
}

/// Why a row could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// In which column, from 0, where that is known.
    pub column: Option<usize>,
}

/// What can be wrong with a row before its cells are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// Longer than [`Options::max_row_bytes`].
    #[error("is longer than {max} bytes")]
    TooLong {
        /// The bound.
        max: usize,
    },
    /// A quote that is never closed.
    #[error("opens a quote that is not closed; double a quote that is meant as text")]
    UnclosedQuote,
    /// Not valid in the file's encoding.
    #[error("is not valid UTF-8; save the file as UTF-8")]
    Encoding,
    /// A NUL byte.
    #[error("contains a NUL byte")]
    Nul,
}

impl FaultKind {
    /// A stable code for reports and programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong { .. } => "row_too_long",
            Self::UnclosedQuote => "unclosed_quote",
            Self::Encoding => "encoding",
            Self::Nul => "nul",
        }
    }
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// The input cannot be read, or does not begin with a readable header.
    pub fn open(input: R, options: &Options) -> Result<Self, Error> {
        let max_row_bytes = options.max_row_bytes.max(Options::MIN_ROW_BYTES);
        let at_start = |source| Error::Read { row: 0, source };
        let source = Source::open(input, options.encoding).map_err(at_start)?;
        let window = Window::new(source, Splitter::<R>::reach(max_row_bytes));
        let mut splitter = Splitter::new(window, max_row_bytes);
        let delimiter = match options.delimiter {
            Some(delimiter) => delimiter,
            None => Delimiter::detect(splitter.peek().map_err(at_start)?),
        };
        splitter.set_delimiter(delimiter.as_byte());
        let cells = CellBuffer::new(delimiter, max_row_bytes);
        let mut reader = Self { splitter, cells, header: Vec::new(), delimiter, max_row_bytes, row: 0 };
        reader.header = reader.read_header()?;
        Ok(reader)
    }

    /// The names of the columns, as the file has them.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// What separates the cells.
    pub fn delimiter(&self) -> Delimiter {
        self.delimiter
    }

    /// How many rows of data were read or skipped.
    pub fn row(&self) -> u64 {
        self.row
    }

    /// Reads the next row; `None` at the end.
    ///
    /// # Errors
    /// The input cannot be read.
    pub fn read(&mut self) -> Result<Option<Record<'_>>, Error> {
        let Some(span) = self.advance()? else { return Ok(None) };
        let cells = self.cells.fill(self.splitter.bytes(span.length), span.shape, self.max_row_bytes);
        Ok(Some(Record { row: self.row, line: span.line, cells }))
    }

    /// Goes past `rows` rows without looking into them; answers how many there were.
    ///
    /// # Errors
    /// The input cannot be read.
    pub fn skip(&mut self, rows: u64) -> Result<u64, Error> {
        let mut skipped = 0;
        while skipped < rows && self.advance()?.is_some() {
            skipped += 1;
        }
        Ok(skipped)
    }

    fn advance(&mut self) -> Result<Option<Span>, Error> {
        let span = self.splitter.next().map_err(|source| Error::Read { row: self.row, source })?;
        self.row += u64::from(span.is_some());
        Ok(span)
    }

    fn read_header(&mut self) -> Result<Vec<String>, Error> {
        let span: io::Result<_> = self.splitter.next();
        let span = span.map_err(|source| Error::Read { row: 0, source })?.ok_or(Error::Empty)?;
        let bytes = self.splitter.bytes(span.length);
        let binary = memchr(0, bytes).is_some();
        match self.cells.fill(bytes, span.shape, self.max_row_bytes) {
            _ if binary => Err(Error::NotText),
            Ok(cells) if cells.iter().all(|cell| cell.trim().is_empty()) => Err(Error::NoHeader),
            Ok(cells) => Ok(cells.iter().map(|cell| cell.trim().to_owned()).collect()),
            Err(fault) => Err(Error::Header { line: span.line, fault: fault.kind }),
        }
    }
}

impl<R> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("delimiter", &self.delimiter)
            .field("row", &self.row)
            .finish_non_exhaustive()
    }
}

/// The cells of one row.
#[derive(Clone, Copy)]
pub struct Cells<'a> {
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Cells<'a> {
    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The cell of that column, from 0.
    pub fn get(&self, column: usize) -> Option<&'a str> {
        let end = *self.ends.get(column)?;
        let start = if column == 0 { 0 } else { self.ends[column - 1] };
        self.text.get(start..end)
    }

    /// All cells in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let cells = *self;
        (0..cells.len()).filter_map(move |column| cells.get(column))
    }
}

/// Cells are personal data: never printed.
impl fmt::Debug for Cells<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cells({})", self.len())
    }
}

/// Takes a row apart, over and over in the same memory.
struct CellBuffer {
    grammar: csv_core::Reader,
    /// Cells without their quotes, one behind the other. Never longer than the row.
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl CellBuffer {
    fn new(delimiter: Delimiter, max_row_bytes: usize) -> Self {
        let grammar = csv_core::ReaderBuilder::new().delimiter(delimiter.as_byte()).build();
        Self { grammar, text: vec![0; max_row_bytes + 1], ends: vec![0; 64] }
    }

    fn fill(&mut self, row: &[u8], shape: Shape, max: usize) -> Result<Cells<'_>, Fault> {
        if shape == Shape::TooLong {
            return Err(Fault { kind: FaultKind::TooLong { max }, column: None });
        }
        let (length, count) = self.split(row);
        let (text, ends) = (&self.text[..length], &self.ends[..count]);
        let column_of = |at: usize| ends.iter().position(|end| at < *end);
        if shape == Shape::Unclosed {
            return Err(Fault { kind: FaultKind::UnclosedQuote, column: count.checked_sub(1) });
        }
        match (std::str::from_utf8(text), memchr(0, text)) {
            (Err(error), _) => {
                Err(Fault { kind: FaultKind::Encoding, column: column_of(error.valid_up_to()) })
            }
            (_, Some(at)) => Err(Fault { kind: FaultKind::Nul, column: column_of(at) }),
            (Ok(text), None) => Ok(Cells { text, ends }),
        }
    }

    /// The number of bytes and of cells.
    fn split(&mut self, mut row: &[u8]) -> (usize, usize) {
        self.grammar.reset();
        let (mut length, mut count) = (0, 0);
        loop {
            let (result, read, written, ended) =
                self.grammar.read_record(row, &mut self.text[length..], &mut self.ends[count..]);
            row = &row[read..];
            length += written;
            count += ended;
            match result {
                ReadRecordResult::InputEmpty => row = &[],
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                // The text has room for the longest row, so it is never full.
                ReadRecordResult::OutputFull | ReadRecordResult::Record | ReadRecordResult::End => {
                    return (length, count);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
