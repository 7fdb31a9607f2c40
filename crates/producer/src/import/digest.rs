//! What an import is known by: the bytes of its file, and all that changes what its rows mean.

use std::fmt::Write as _;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

use super::ImportOptions;

/// Changes whenever this release tells rows apart otherwise than the one before: their numbers would mean other rows.
const RULES: &str = "gangway-import-v1";

/// How many bytes were read of a file, for whoever watches.
pub(super) type Count = Arc<AtomicU64>;

/// Reads through, and digests what it reads.
pub(super) struct Digesting<R> {
    input: R,
    hash: Sha256,
    count: Count,
}

impl<R: Read> Digesting<R> {
    pub(super) fn new(input: R, count: Count) -> Self {
        Self { input, hash: Sha256::new(), count }
    }

    /// The digest of the bytes that were read.
    pub(super) fn bytes(self) -> [u8; 32] {
        self.hash.finalize().into()
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(out)?;
        self.hash.update(&out[..length]);
        self.count.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// The digest of all bytes.
pub(super) fn of_bytes(input: impl Read) -> io::Result<[u8; 32]> {
    let mut input = Digesting::new(input, Count::default());
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok(input.bytes()),
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
}

/// The digest of an import: of its bytes, its options and its entity.
pub(super) fn of_import(bytes: [u8; 32], options: &ImportOptions, entity: &str) -> String {
    let csv = &options.csv;
    let mut parts = vec![
        RULES.to_owned(),
        entity.to_owned(),
        csv.delimiter.map_or(String::new(), |delimiter| delimiter.as_byte().to_string()),
        csv.encoding.map_or("", |encoding| encoding.name()).to_owned(),
        csv.max_row_bytes.to_string(),
    ];
    let mut maps: Vec<_> =
        options.overrides.iter().map(|one| format!("{}={}", one.field, one.header)).collect();
    maps.sort();
    parts.extend(maps);
    let mut hash = Sha256::new();
    hash.update(bytes);
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::{Delimiter, Options};

    #[test]
    fn bytes_entity_and_every_option_that_changes_rows_make_another_import() {
        let plain = ImportOptions::new("customers.csv");
        let csv = |csv| ImportOptions { csv, ..plain.clone() };
        let delimited = Options { delimiter: Some(Delimiter::PIPE), ..Options::default() };
        let encoded =
            Options { encoding: Some(Options::encoding_of("latin1").unwrap()), ..Options::default() };
        let mapped = ImportOptions { overrides: vec!["email=Mail".parse().unwrap()], ..plain.clone() };
        let digests = [
            of_import([1; 32], &plain, "default"),
            of_import([2; 32], &plain, "default"),
            of_import([1; 32], &plain, "other"),
            of_import([1; 32], &csv(delimited), "default"),
            of_import([1; 32], &csv(encoded), "default"),
            of_import([1; 32], &mapped, "default"),
        ];
        let distinct: std::collections::BTreeSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len());
        let elsewhere =
            ImportOptions { batch: 7, report: Some("r".into()), ..ImportOptions::new("copy.csv") };
        assert_eq!(of_import([1; 32], &elsewhere, "default"), digests[0]);
    }
}
