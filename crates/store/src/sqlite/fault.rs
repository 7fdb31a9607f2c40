//! What goes wrong inside a transaction, before it is known which operation and which file it was.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::Error;

/// A failure inside a transaction.
#[derive(Debug)]
pub(super) enum Fault {
    Sql(rusqlite::Error),
    Refused(Error),
}

/// The result of a step inside a transaction.
pub(super) type Answer<T> = std::result::Result<T, Fault>;

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl Fault {
    pub(super) fn into_error(self, action: &'static str, path: &Path) -> Error {
        match self {
            Self::Refused(error) => error,
            Self::Sql(source) => Error::Sqlite { action, path: path.to_owned(), source },
        }
    }

    /// Whether the same write would fail again for a reason of its own, however well disk and database are.
    pub(super) fn is_deterministic(&self) -> bool {
        match self {
            Self::Sql(error) => match error.sqlite_error_code() {
                Some(code) => matches!(
                    code,
                    ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch
                ),
                // No answer of SQLite: a value that could not be converted.
                None => true,
            },
            Self::Refused(error) => {
                matches!(error, Error::PayloadTooLarge { .. } | Error::Damaged { .. })
            }
        }
    }

    /// A few words for people; never what was stored.
    pub(super) fn in_short(&self) -> String {
        match self {
            Self::Sql(error) => match error.sqlite_error_code() {
                Some(code) => format!("the database refused the write: {code:?}"),
                None => "the database refused a value".to_owned(),
            },
            Self::Refused(error) => error.to_string(),
        }
    }
}
