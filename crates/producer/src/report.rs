//! The report of an import: a CSV file with a line per refusal, that neither a kill nor a second run can spoil.
//!
//! Until it is whole it is `<report>.<import>.partial` beside its target, then it is renamed. [`Report::flush`] answers
//! how many bytes are safe on disk; kept in the import's checkpoint, that number lets [`Report::resume`] cut off what a
//! killed run wrote behind its last checkpoint, so every refusal has exactly one line. Two runs at once write two files.

use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use gangway_jobs::customer::Field;
use gangway_jobs::id::ImportId;

use crate::Error;
use crate::row::Rejection;

/// How many runs may report on one import of one file at once.
const MOST_RUNS: usize = 16;

/// A report that is being written.
#[derive(Debug)]
pub struct Report {
    target: PathBuf,
    partial: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
}

impl Report {
    /// Starts a report with its header line. What stands at `target` stays until [`Report::finish`].
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn create(target: &Path, import: ImportId) -> Result<Self, Error> {
        let mut report = Self::claim(target, import, None)?;
        report.line(&["row", "field", "code", "message"])?;
        Ok(report)
    }

    /// Goes on with a report behind its first `bytes` bytes.
    ///
    /// # Errors
    /// [`Error::ReportLost`] if no unfinished report of that length is there, or another run is writing it: then
    /// [`create`](Self::create) it and import from the first row.
    pub fn resume(target: &Path, import: ImportId, bytes: u64) -> Result<Self, Error> {
        Self::claim(target, import, Some(bytes))
    }

    /// Takes the first unfinished report that no other run holds and cuts it to `resume` bytes.
    fn claim(target: &Path, import: ImportId, resume: Option<u64>) -> Result<Self, Error> {
        let bytes = resume.unwrap_or(0);
        let opened = |source| failed("open", target, source);
        for run in 1..=MOST_RUNS {
            let partial = partial_path(target, import, run);
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(resume.is_none());
            let mut file = match options.open(&partial) {
                Err(error) if resume.is_some() && error.kind() == io::ErrorKind::NotFound => continue,
                file => file.map_err(opened)?,
            };
            if file.try_lock().is_err() || !is_at(&file, &partial).map_err(opened)? {
                continue;
            }
            if file.metadata().map_err(opened)?.len() < bytes {
                continue;
            }
            file.set_len(bytes).and_then(|()| file.seek(SeekFrom::Start(bytes))).map_err(opened)?;
            return Ok(Self { target: target.to_owned(), partial, file: BufWriter::new(file), bytes });
        }
        Err(Error::ReportLost { path: target.to_owned() })
    }

    /// Adds a line.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&mut self, rejection: &Rejection) -> Result<(), Error> {
        let row = rejection.row.to_string();
        let field = rejection.field.map_or("", Field::as_str);
        self.line(&[&row, field, rejection.code, &rejection.message])
    }

    /// Makes every line so far safe on disk and answers the bytes they take.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn flush(&mut self) -> Result<u64, Error> {
        let flushed = self.file.flush().and_then(|()| self.file.get_ref().sync_data());
        flushed.map_err(|source| failed("write", &self.target, source))?;
        Ok(self.bytes)
    }

    /// Puts the whole report in its place; answers where that is.
    ///
    /// # Errors
    /// It cannot be written or renamed.
    pub fn finish(mut self) -> Result<PathBuf, Error> {
        self.flush()?;
        let renamed = fs::rename(&self.partial, &self.target).and_then(|()| settle_name(&self.target));
        renamed.map_err(|source| failed("rename", &self.target, source))?;
        Ok(self.target)
    }

    /// Gives the report up: nothing of it stays.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn discard(self) -> Result<(), Error> {
        fs::remove_file(&self.partial).map_err(|source| failed("remove", &self.target, source))
    }

    /// Removes what dead runs of this import have left beside `target`; for the end of an import.
    ///
    /// # Errors
    /// Something cannot be removed.
    pub fn sweep(target: &Path, import: ImportId) -> Result<(), Error> {
        for run in 1..=MOST_RUNS {
            let partial = partial_path(target, import, run);
            let swept = match File::open(&partial) {
                Ok(file) if file.try_lock().is_ok() && is_at(&file, &partial).unwrap_or(false) => {
                    fs::remove_file(&partial)
                }
                Ok(_held_by_a_living_run) => Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(error),
            };
            swept.map_err(|source| failed("remove", &partial, source))?;
        }
        Ok(())
    }

    fn line(&mut self, cells: &[&str]) -> Result<(), Error> {
        let line = line(cells);
        self.file.write_all(line.as_bytes()).map_err(|source| failed("write", &self.target, source))?;
        self.bytes += line.len() as u64;
        Ok(())
    }
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> Error {
    Error::Report { action, path: path.to_owned(), source }
}

fn partial_path(target: &Path, import: ImportId, run: usize) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", import.as_uuid().simple()));
    if run > 1 {
        name.push(format!(".{run}"));
    }
    name.push(".partial");
    target.with_file_name(name)
}

/// Whether the path still leads to this file: between opening and locking it, its last holder may have finished it.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let held = file.metadata()?;
    match fs::metadata(path) {
        Ok(found) => Ok((held.dev(), held.ino()) == (found.dev(), found.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Elsewhere an open file cannot be renamed from under its holder.
#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Makes a rename outlast a power cut.
#[cfg(unix)]
fn settle_name(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// Elsewhere a directory cannot be opened as a file.
#[cfg(not(unix))]
fn settle_name(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// A line of CSV as RFC 4180 has it, CRLF included, each cell [`neutralized`].
pub fn line(cells: &[&str]) -> String {
    let mut line = String::new();
    for (column, cell) in cells.iter().enumerate() {
        if column > 0 {
            line.push(',');
        }
        let cell = neutralized(cell);
        if cell.contains(['"', ',', '\r', '\n']) {
            line.push('"');
            line.push_str(&cell.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(&cell);
        }
    }
    line.push_str("\r\n");
    line
}

/// A text that no spreadsheet takes for a formula: one that begins like it gets a `'` in front.
pub fn neutralized(cell: &str) -> Cow<'_, str> {
    // Past white space too, which some spreadsheets drop before they look.
    if cell.starts_with(['\t', '\r', '\n']) || cell.trim_start().starts_with(['=', '+', '-', '@']) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests;
