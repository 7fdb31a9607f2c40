//! What may differ between CSV files, and how it is told.

use std::fmt;
use std::str::FromStr;

use encoding_rs::Encoding;

use crate::Error;

/// How to read a file. The default tells everything from the file itself.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What separates two cells; told from the header by default.
    pub delimiter: Option<Delimiter>,
    /// The encoding of a file without a byte order mark; by default UTF-8, or UTF-16 if every other byte is a NUL.
    pub encoding: Option<&'static Encoding>,
    /// The longest row, in bytes of UTF-8; memory is bounded by it. At least [`Options::MIN_ROW_BYTES`].
    pub max_row_bytes: usize,
}

impl Options {
    /// The bound on a row unless told otherwise: 64 KiB.
    pub const DEFAULT_ROW_BYTES: usize = 64 * 1024;
    /// The smallest bound.
    pub const MIN_ROW_BYTES: usize = 256;

    /// Takes an encoding by its label, such as `windows-1252`, which older spreadsheets write.
    ///
    /// # Errors
    /// No encoding has that label.
    pub fn encoding_of(label: &str) -> Result<&'static Encoding, Error> {
        Encoding::for_label(label.as_bytes())
            .ok_or_else(|| Error::UnknownEncoding { label: label.to_owned() })
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { delimiter: None, encoding: None, max_row_bytes: Self::DEFAULT_ROW_BYTES }
    }
}

/// The character between two cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delimiter(u8);

impl Delimiter {
    /// `,`
    pub const COMMA: Self = Self(b',');
    /// `;`
    pub const SEMICOLON: Self = Self(b';');
    /// A tab.
    pub const TAB: Self = Self(b'\t');
    /// `|`
    pub const PIPE: Self = Self(b'|');

    /// The delimiter as a byte.
    pub const fn as_byte(self) -> u8 {
        self.0
    }

    /// The one that separates most cells in the line at the front of `bytes`; in doubt the comma.
    pub(super) fn detect(bytes: &[u8]) -> Self {
        let line = header_line(bytes);
        let mut best = (0, Self::COMMA);
        for candidate in [Self::COMMA, Self::SEMICOLON, Self::TAB, Self::PIPE] {
            let count = line.clone().filter(|byte| *byte == candidate.0).count();
            if count > best.0 {
                best = (count, candidate);
            }
        }
        best.1
    }
}

/// The bytes of the first line that are not within quotes.
fn header_line(bytes: &[u8]) -> impl Iterator<Item = u8> + Clone {
    let mut quoted = false;
    bytes
        .iter()
        .copied()
        .filter(move |byte| {
            quoted ^= *byte == b'"';
            !quoted
        })
        .take_while(|byte| !matches!(byte, b'\r' | b'\n'))
}

impl FromStr for Delimiter {
    type Err = Error;

    /// A name (`comma`, `semicolon`, `tab`, `pipe`) or the character itself.
    fn from_str(text: &str) -> Result<Self, Error> {
        match (text, text.as_bytes()) {
            ("comma", _) => Ok(Self::COMMA),
            ("semicolon", _) => Ok(Self::SEMICOLON),
            ("tab" | "\\t", _) => Ok(Self::TAB),
            ("pipe", _) => Ok(Self::PIPE),
            (_, [byte]) if byte.is_ascii() && !matches!(byte, 0 | b'"' | b'\r' | b'\n') => Ok(Self(*byte)),
            _ => Err(Error::BadDelimiter { text: text.chars().take(20).collect() }),
        }
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b'\t' => f.write_str("tab"),
            byte => write!(f, "`{}`", char::from(byte)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_one_that_separates_most_cells_of_the_header() {
        let table: [(&str, Delimiter); 7] = [
            ("email,first,last", Delimiter::COMMA),
            ("email;first;last\n,,,,,,", Delimiter::SEMICOLON),
            ("email\tfirst, given\tlast", Delimiter::TAB),
            ("email|first|last\r\n", Delimiter::PIPE),
            ("\"a,b,c,d\";second;\"third, too\"", Delimiter::SEMICOLON),
            ("email", Delimiter::COMMA),
            ("", Delimiter::COMMA),
        ];
        for (header, delimiter) in table {
            assert_eq!(Delimiter::detect(header.as_bytes()), delimiter, "{header:?}");
        }
    }

    #[test]
    fn a_delimiter_is_given_by_name_or_as_itself() {
        for (text, byte) in [("tab", b'\t'), ("\\t", b'\t'), (";", b';'), ("pipe", b'|'), ("^", b'^')] {
            assert_eq!(text.parse::<Delimiter>().unwrap().as_byte(), byte);
        }
        for bad in ["", "\"", "\n", "ä", "commas", "\0"] {
            assert!(bad.parse::<Delimiter>().is_err(), "{bad:?}");
        }
    }
}
