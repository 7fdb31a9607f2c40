//! The names of columns in an error, as far as they may be shown.

use std::fmt;

/// The columns of a file, as far as they may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers {
    count: usize,
    shown: Vec<String>,
}

impl Headers {
    const MOST: usize = 12;
    const LONGEST: usize = 30;

    /// The names are shown only if they are known to be names: the first line of a file without a header is a customer.
    pub(crate) fn new(header: &[String], is_header: bool) -> Self {
        let shown = header.iter().take(if is_header { Self::MOST } else { 0 });
        let shorten = |name: &String| name.chars().filter(|c| !c.is_control()).take(Self::LONGEST).collect();
        Self { count: header.len(), shown: shown.map(shorten).collect() }
    }
}

impl fmt::Display for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} columns of the file", self.count)?;
        if !self.shown.is_empty() {
            write!(f, " ({}", self.shown.join(", "))?;
            f.write_str(if self.shown.len() < self.count { ", …)" } else { ")" })?;
        }
        Ok(())
    }
}
