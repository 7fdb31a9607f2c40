//! The file to import, opened once: what is put in its place meanwhile does not matter, what is written into it does.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{ImportOptions, digest};
use crate::Error;
use crate::row::Rows;

/// A regular file whose header is known to be good.
#[derive(Debug)]
pub(super) struct Input {
    file: File,
    path: PathBuf,
    looks: Looks,
    /// The file's name, for people.
    pub(super) name: String,
}

/// What changes when a file is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Looks {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Input {
    /// Opens the file and checks its header.
    pub(super) fn open(options: &ImportOptions) -> Result<Self, Error> {
        let path = &options.file;
        let file = if options.is_stdin() { copied(io::stdin().lock(), path)? } else { regular(path)? };
        check_report(path, &options.report_path())?;
        let name = match path.file_name() {
            Some(name) if !options.is_stdin() => name.to_string_lossy().into_owned(),
            _ => "stdin".to_owned(),
        };
        let looks = Looks::of(&file).map_err(|source| failed("read", path, source))?;
        let mut input = Self { file, path: path.clone(), looks, name };
        Rows::open(input.reader()?, &options.csv, &options.overrides)?;
        Ok(input)
    }

    /// The size of the file.
    pub(super) fn bytes(&self) -> u64 {
        self.looks.bytes
    }

    /// The digest of its bytes.
    pub(super) fn digest(&mut self) -> Result<[u8; 32], Error> {
        let digest = digest::of_bytes(self.reader()?);
        digest.map_err(|source| failed("read", &self.path, source))
    }

    /// The file from its beginning.
    pub(super) fn reader(&mut self) -> Result<File, Error> {
        let rewound = self.file.rewind().and_then(|()| self.file.try_clone());
        rewound.map_err(|source| failed("read", &self.path, source))
    }

    /// Fails if the file was written to since it was opened.
    pub(super) fn check_unchanged(&self, row: u64) -> Result<(), Error> {
        let looks = Looks::of(&self.file).map_err(|source| failed("read", &self.path, source))?;
        if looks == self.looks { Ok(()) } else { Err(self.changed(row)) }
    }

    pub(super) fn changed(&self, row: u64) -> Error {
        Error::Changed { path: self.path.clone(), row }
    }
}

impl Looks {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { bytes: metadata.len(), modified: metadata.modified().ok() })
    }
}

fn regular(path: &Path) -> Result<File, Error> {
    let opened = |source| failed("open", path, source);
    if fs::metadata(path).map_err(opened)?.is_dir() {
        return Err(Error::NotAFile { path: path.to_owned() });
    }
    let file = File::open(path).map_err(opened)?;
    if file.metadata().map_err(opened)?.is_file() { Ok(file) } else { copied(file, path) }
}

/// A pipe gives its bytes once, and an import reads them twice. The copy has no name, so nothing of it stays.
fn copied(mut from: impl Read, path: &Path) -> Result<File, Error> {
    let copied = |source| failed("copy", path, source);
    let mut file = tempfile::tempfile().map_err(copied)?;
    io::copy(&mut from, &mut file).map_err(copied)?;
    Ok(file)
}

/// A report in the place of its own file would be the end of the file; one without a directory, of the import.
fn check_report(file: &Path, report: &Path) -> Result<(), Error> {
    let directory = report.parent().filter(|parent| !parent.as_os_str().is_empty());
    let there = fs::metadata(directory.unwrap_or(Path::new(".")));
    let opened = |source| Error::Report { action: "open", path: report.to_owned(), source };
    if !there.map_err(opened)?.is_dir() {
        return Err(opened(io::ErrorKind::NotADirectory.into()));
    }
    match (file.canonicalize(), report.canonicalize()) {
        (Ok(file), Ok(report)) if file == report => Err(Error::ReportIsInput { path: report }),
        _ => Ok(()),
    }
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> Error {
    Error::Open { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_through_a_pipe_can_be_read_twice() {
        let text = b"email,first name,last name,company\na@b.example,Ada,Byron,Acme\n";
        let file = copied(&text[..], Path::new("-")).unwrap();
        let looks = Looks::of(&file).unwrap();
        let mut input = Input { file, path: "-".into(), looks, name: "stdin".into() };
        for _pass in 0..2 {
            assert_eq!(io::read_to_string(input.reader().unwrap()).unwrap().as_bytes(), text);
        }
        assert_eq!(input.bytes(), text.len() as u64);
    }
}
