//! The folder that a demo works in. It is cleared of an earlier demo's files, and of nothing else.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Says that a demo made the folder, and keeps two from running in it at once.
const MARKER: &str = ".gangway-demo";

/// A demo's folder, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _held: File,
}

impl Folder {
    /// Takes the folder: a new one, an empty one, or that of an earlier demo.
    pub(crate) fn take(path: &Path) -> Result<Self> {
        let failed = |action| move |source| Error::file(action, path, source);
        fs::create_dir_all(path).map_err(failed("make the folder"))?;
        let marker = path.join(MARKER);
        if !marker.exists() && fs::read_dir(path).map_err(failed("read the folder"))?.next().is_some() {
            return Err(Error::NotADemo { path: path.to_owned() });
        }
        let held = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&marker)
            .map_err(failed("write to"))?;
        if held.try_lock().is_err() {
            return Err(Error::DemoBusy { path: path.to_owned() });
        }
        let folder = Self { path: path.to_owned(), _held: held };
        folder.clear()?;
        Ok(folder)
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn clear(&self) -> Result<()> {
        let failed = |source| Error::file("clear", &self.path, source);
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_str().is_some_and(is_ours) {
                fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
        Ok(())
    }
}

fn is_ours(name: &str) -> bool {
    matches!(name, "customers.csv" | "results.csv" | "refused.csv" | "outbox.ndjson")
        || name.starts_with("gangway.db")
        || name.starts_with("refused.csv.") && name.ends_with(".partial")
}
