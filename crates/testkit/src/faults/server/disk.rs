//! A server whose disk takes nothing any more, for the time being.
//!
//! Both ways end in the same answer to every write, `MISCONF`. The one that needs no rights: a folder stands where the
//! snapshot belongs, so that none succeeds, and the server is told to stop writes then. The other is the real thing: the
//! log of commands lies on a small disk of its own, in memory, which only the administrator may mount.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::redis::{Fsync, Options, Server};
use crate::stories::watch::within;
use crate::{Error, Process, Result};

/// What is wrong with the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A snapshot fails.
    Snapshot,
    /// No more of the log of commands fits on the disk.
    Full {
        /// Its size.
        kib: u64,
    },
}

/// The server, and its disk.
pub(super) struct Disk {
    // Before its disk, as it is dropped first and writes there.
    pub(super) server: Server,
    fault: Fault,
    mount: Option<Mount>,
}

impl Disk {
    /// A server that is well yet; `None` if its disk may not be mounted here.
    pub(super) fn start(fault: Fault) -> Result<Option<Self>> {
        let options = Options { appendonly: Some(Fsync::EverySec), ..Options::default() };
        let (options, mount) = match fault {
            // The server takes a snapshot only when it is told to: no hundred million writes come in that time.
            Fault::Snapshot => (options.with("save", "86400 100000000"), None),
            Fault::Full { kib } => {
                let Some(mount) = Mount::new(kib)? else { return Ok(None) };
                (options.with("dir", &mount.path().display().to_string()), Some(mount))
            }
        };
        Ok(Some(Self { server: Server::start(&options)?, fault, mount }))
    }

    /// From now on nothing can be written, at once or as soon as the disk is full.
    pub(super) fn break_down(&self) -> Result<()> {
        if self.fault == Fault::Snapshot {
            std::fs::create_dir(self.snapshot()).map_err(io("put a folder where the snapshot belongs"))?;
            self.take_snapshot("err")?;
        }
        Ok(())
    }

    /// Everything can be written again.
    pub(super) fn mend(&self) -> Result<()> {
        if let Some(mount) = &self.mount {
            return mount.resize(1 << 20);
        }
        std::fs::remove_dir(self.snapshot()).map_err(io("remove the folder"))?;
        self.take_snapshot("ok")
    }

    fn snapshot(&self) -> PathBuf {
        self.server.dir().join("dump.rdb")
    }

    /// Lets the server take a snapshot, which ends like that.
    fn take_snapshot(&self, end: &str) -> Result<()> {
        self.server.command(&["BGSAVE"])?;
        within("the end of the snapshot", Duration::from_secs(20), || {
            let going_on = self.server.info("rdb_bgsave_in_progress")?.trim() == "1";
            Ok(!going_on && self.server.info("rdb_last_bgsave_status")?.trim() == end)
        })
        .map(drop)
    }
}

/// A small disk in memory.
struct Mount {
    folder: TempDir,
}

impl Mount {
    /// `None` if this user may mount nothing.
    fn new(kib: u64) -> Result<Option<Self>> {
        let folder = TempDir::with_prefix("gangway-disk-").map_err(io("make a folder for a disk"))?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"]).arg(folder.path());
        // No program of that name is as good as no right to use it.
        let mounted = Process::run(&mut mount).is_ok_and(|ended| ended.code == Some(0));
        Ok(mounted.then_some(Self { folder }))
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn resize(&self, kib: u64) -> Result<()> {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,size={kib}k")]).arg(self.path());
        Process::run(&mut mount)?.expect_code(0).map(drop)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let mut unmount = Command::new("umount");
        // Lazily: the server may be on its way out yet. Nobody is left to tell if it fails.
        unmount.arg("--lazy").arg(self.path());
        Process::run(&mut unmount).map(drop).unwrap_or_default();
    }
}

fn io(action: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |source| Error::Io { action: action.to_owned(), source }
}
