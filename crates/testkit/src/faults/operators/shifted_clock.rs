//! A wall clock that is wrong for one process, and can be set while that runs.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::process::Process;
use crate::{Error, Result};

/// Built here: gcc is there for SQLite anyway, and nothing has to be installed.
const SOURCE: &str = include_str!("shifted_clock.c");

/// Seconds that are added to the machine's time for the programs started under it. On Linux only.
#[derive(Debug)]
pub(super) struct ShiftedClock {
    library: PathBuf,
    shift: PathBuf,
    _folder: TempDir,
}

impl ShiftedClock {
    /// A clock that is right.
    pub(super) fn new() -> Result<Self> {
        let io = |source| Error::Io { action: "make a clock that can be shifted".to_owned(), source };
        let folder = TempDir::with_prefix("gangway-clock-").map_err(io)?;
        let path = |name| folder.path().join(name);
        let (source, library, shift) = (path("clock.c"), path("clock.so"), path("shift"));
        std::fs::write(&source, SOURCE).map_err(io)?;
        std::fs::write(&shift, 0_i64.to_ne_bytes()).map_err(io)?;
        let mut build = Command::new("cc");
        build.args(["-shared", "-fPIC", "-O1", "-o"]).args([&library, &source]);
        Process::run(&mut build)?.expect_code(0)?;
        Ok(Self { library, shift, _folder: folder })
    }

    /// What puts a program under it.
    pub(super) fn environment(&self) -> [(String, String); 2] {
        let text = |path: &Path| path.display().to_string();
        [("LD_PRELOAD".to_owned(), text(&self.library)), ("SHIFTED_CLOCK".to_owned(), text(&self.shift))]
    }

    /// Sets it, now: in one write, and without cutting the file that programs look into.
    pub(super) fn shift(&self, seconds: i64) -> Result<()> {
        let set =
            || std::fs::OpenOptions::new().write(true).open(&self.shift)?.write_all(&seconds.to_ne_bytes());
        set().map_err(|source| Error::Io { action: "set a clock".to_owned(), source })
    }
}
