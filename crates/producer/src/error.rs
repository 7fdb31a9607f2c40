//! What stops an import as a whole, each with its place and its remedy.

mod headers;

use std::io;
use std::path::PathBuf;

use gangway_jobs::customer::Field;

pub use self::headers::Headers;
use crate::csv::FaultKind;
use crate::mapping::aliases;

/// Why a file cannot be imported. Says nothing personal: no cell is ever part of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input gave out.
    #[error("cannot read the file behind row {row}")]
    Read {
        /// The last row that was read; 0 for the header.
        row: u64,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Nothing, or only blank lines.
    #[error("the file is empty")]
    Empty,
    /// NUL bytes in the first line.
    #[error("the file is not a text file")]
    NotText,
    /// The first line names no column, or looks like a customer.
    #[error("the file has no header: its first line names no columns")]
    NoHeader,
    /// The header cannot be read.
    #[error("the header in line {line} {fault}")]
    Header {
        /// Its line.
        line: u64,
        /// What is wrong with it.
        fault: FaultKind,
    },
    /// No column for fields that every customer must have.
    #[error("no column for {} among {headers}", names(missing))]
    MissingColumns {
        /// The fields.
        missing: Vec<Field>,
        /// What the file has.
        headers: Headers,
    },
    /// Two columns that both mean one field.
    #[error("columns {first} and {second} both mean {field}")]
    AmbiguousColumn {
        /// The field.
        field: Field,
        /// One column, from 1.
        first: usize,
        /// The other, from 1.
        second: usize,
    },
    /// A mapping names a column that is not there.
    #[error("no column is named `{header}`, which {field} is mapped to, among {headers}")]
    UnknownColumn {
        /// The field.
        field: Field,
        /// The name in the mapping.
        header: String,
        /// What the file has.
        headers: Headers,
    },
    /// A field is mapped twice.
    #[error("{field} is mapped twice")]
    MappedTwice {
        /// The field.
        field: Field,
    },
    /// Not of the form `field=Header`.
    #[error("`{text}` is no mapping")]
    BadMapping {
        /// The text, shortened.
        text: String,
    },
    /// Not a delimiter.
    #[error("`{text}` is no delimiter")]
    BadDelimiter {
        /// The text, shortened.
        text: String,
    },
    /// Not an encoding.
    #[error("no encoding is called `{label}`")]
    UnknownEncoding {
        /// The label.
        label: String,
    },
    /// A report cannot be written.
    #[error("cannot {action} the report {}", path.display())]
    Report {
        /// What failed.
        action: &'static str,
        /// The report.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The report would overwrite the file.
    #[error("the report {} is the file that is imported", path.display())]
    ReportIsInput {
        /// The path of both.
        path: PathBuf,
    },
    /// The part of a report that an earlier run wrote is gone, in use, or shorter than it was.
    #[error("the unfinished report of {} is gone or in use", path.display())]
    ReportLost {
        /// The report.
        path: PathBuf,
    },
    /// The file to import cannot be opened.
    #[error("cannot {action} {}", path.display())]
    Open {
        /// What failed.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A directory, say.
    #[error("{} is not a file", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// The file is no longer what it was when the import began.
    #[error("the file {} changed while it was imported, at or before row {row}", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// The last row that was read.
        row: u64,
    },
    /// Another process has taken the import up, because this one gave no sign for too long.
    #[error("another process has taken this import up and goes on with it")]
    TakenOver,
    /// The same file is imported by many processes at once.
    #[error("{runs} processes import the same file now")]
    TooManyRuns {
        /// How many.
        runs: usize,
    },
    /// The sums of an import do not add up: a fault of the program or of the store.
    #[error("the import does not add up: of {rows} rows, {accounted} are accounted for")]
    Unbalanced {
        /// Rows of the file.
        rows: u64,
        /// Rows whose end is known.
        accounted: u64,
    },
    /// A customer whose texts are far beyond any limit; only unchecked deserializing makes one.
    #[error("customer {index} takes {bytes} bytes; at most {max} are allowed")]
    TooLarge {
        /// Its place among those handed in, from 0.
        index: usize,
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The identity is not the one the store was made with.
    #[error("{mismatch}")]
    Mismatch {
        /// What does not match.
        mismatch: String,
    },
    /// The store refused.
    #[error("cannot {action}")]
    Store {
        /// What failed.
        action: &'static str,
        /// The cause.
        #[source]
        source: gangway_store::Error,
    },
}

impl Error {
    /// Whether waiting and trying again can help; everything else needs a person.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Store { source, .. } if source.is_transient())
    }

    /// What to do next.
    pub fn help(&self) -> String {
        match self {
            Self::Read { .. } => "import the file again: what was taken in counts once".into(),
            Self::Empty | Self::NoHeader => {
                format!("the first line must name the columns, such as `{EXAMPLE}`")
            }
            Self::NotText => "export it as CSV: a spreadsheet's own format cannot be read".into(),
            Self::Header { .. } => format!("mend the first line; it should look like `{EXAMPLE}`"),
            Self::MissingColumns { missing, .. } => {
                missing.iter().map(|field| accepted(*field)).collect::<Vec<_>>().join("; ")
            }
            Self::AmbiguousColumn { field, .. } => {
                format!("rename one of them, or say which counts with `--map {field}=<header>`")
            }
            Self::UnknownColumn { .. } => {
                "a name counts in any case, with or without spaces, `-` and `_`".into()
            }
            Self::MappedTwice { field } => format!("keep one `--map {field}=<header>`"),
            Self::BadMapping { .. } => format!(
                "write it as `--map field=header`, where the field is one of {}",
                names(&crate::mapping::FIELDS)
            ),
            Self::BadDelimiter { .. } => "use comma, semicolon, tab, pipe, or one ASCII character".into(),
            Self::UnknownEncoding { .. } => "use a label such as utf-8, utf-16le or windows-1252".into(),
            Self::Report { .. } => "choose a place that can be written with `--report <path>`".into(),
            Self::ReportIsInput { .. } => "choose another place with `--report <path>`".into(),
            Self::Open { .. } => "check the path and whether the file may be read".into(),
            Self::NotAFile { .. } => "name a CSV file, or `-` to read one from standard input".into(),
            Self::Changed { .. } => {
                "import it again once it is whole: what was taken in stays and counts once".into()
            }
            Self::TakenOver => "look at the other process; importing the file again does no harm".into(),
            Self::TooManyRuns { .. } => "wait for one of them to end".into(),
            Self::Unbalanced { .. } => {
                "import the file again: what was taken in counts once; if it happens again, report it".into()
            }
            Self::TooLarge { .. } => {
                "parse customers with `NewCustomer::parse`, which checks every limit".into()
            }
            Self::Mismatch { .. } => "use the settings that the store was made with, or another store".into(),
            Self::Store { .. } => {
                "run the same again: what was taken in counts once, and an import goes on where it was".into()
            }
            Self::ReportLost { .. } => {
                "start the report anew from the first row: each row answers what it answered before".into()
            }
        }
    }
}

const EXAMPLE: &str = "reference,email,first_name,last_name,company_name";

fn accepted(field: Field) -> String {
    format!(
        "{field} is known as {}; another name with `--map {field}=<header>`",
        aliases(field).collect::<Vec<_>>().join(", ")
    )
}

fn names(fields: &[Field]) -> String {
    fields.iter().map(|field| field.as_str()).collect::<Vec<_>>().join(", ")
}
