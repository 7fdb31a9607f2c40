//! Brings customers in: one by one from an app ([`Producer`]), or a partner's CSV file ([`import`]), read in constant
//! memory, checked row by row, with a report of every refusal.
//!
//! | module | duty |
//! |---|---|
//! | [`csv`] | bytes to rows: encoding, delimiter, quotes, a bound on a row, recovery from damage |
//! | [`mapping`] | which column is which field |
//! | [`row`] | a row to a [`NewCustomer`](gangway_jobs::customer::NewCustomer), or to a [`row::Rejection`] per fault |
//! | [`report`] | the refusals as a CSV file that survives a kill |
//! | [`submit`] | one customer or many into the store: what an app embeds |
//! | [`import`] | a whole file into the store: resumable, in constant memory |
//! | [`dedupe`] | duplicates and conflicts within one file, for a dry run |
//! | [`sample`] | made-up files with planted faults, for a demo and for tests |
//!
//! A fault of the file as a whole is an [`Error`] and stops the import before its first row; a fault of a row is a
//! rejection, and the next row goes on.

pub mod csv;
pub mod dedupe;
pub mod error;
pub mod import;
pub mod mapping;
pub mod report;
pub mod row;
pub mod sample;
pub mod submit;

pub use error::Error;
pub use submit::{Enqueued, Producer};
