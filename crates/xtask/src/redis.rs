//! A Redis server for tests and proofs: found, or installed where that is easy.
//!
//! Only the program is wanted. Every test starts its own servers, on ports and in folders of their own; the service that
//! the system's package brings along is kept from starting, and one that runs already is never touched.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gangway_testkit::redis::find;

use crate::say;

/// What Debian asks before a package may start its service; 101 is "no".
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Not the words of `find`, which send people here.
const MISSING: &str = "found no redis-server and no valkey-server in PATH, which tests need: \
                       `apt-get install redis-server` or `brew install redis`";

/// The server's program. As root on Debian or Ubuntu it is installed if it is missing.
///
/// # Errors
/// There is none, and it cannot be installed; says what to do.
pub(crate) fn ensure() -> Result<PathBuf, String> {
    find().or_else(|_missing| {
        if !(is_root() && is_there("apt-get")) {
            return Err(MISSING.to_owned());
        }
        install().map_err(|failed| format!("{MISSING}; installing it here failed: {failed}"))?;
        find().map_err(|_still_missing| MISSING.to_owned())
    })
}

fn install() -> Result<(), String> {
    say("xtask: no redis-server here; installing it with apt-get");
    let _no_service = NoService::order(Path::new(POLICY));
    apt_get(&["update", "-qq"])?;
    apt_get(&["install", "-y", "-qq", "--no-install-recommends", "redis-server"])
}

fn apt_get(arguments: &[&str]) -> Result<(), String> {
    let status = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        // Nobody who reads a test's output wants to read that; errors go to stderr.
        .stdout(Stdio::null())
        .status()
        .map_err(|error| format!("could not start apt-get: {error}"))?;
    let line = arguments.join(" ");
    if status.success() { Ok(()) } else { Err(format!("`apt-get {line}` ended with {status}")) }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn is_there(program: &str) -> bool {
    let mut search = Command::new("sh");
    search.args(["-c", "command -v \"$0\"", program]).stdout(Stdio::null());
    search.status().is_ok_and(|status| status.success())
}

/// While it lives, packages start no services.
struct NoService<'path>(Option<&'path Path>);

impl<'path> NoService<'path> {
    /// An order that stands already is somebody else's, and stays. If none can be given the service may start: it does
    /// no harm, as no test uses its port.
    fn order(path: &'path Path) -> Self {
        let given = create(path).and_then(|mut file| {
            file.write_all(b"#!/bin/sh\nexit 101\n")?;
            // Whatever the umask left of the mode.
            file.set_permissions(std::fs::Permissions::from_mode(0o755))
        });
        Self(given.is_ok().then_some(path))
    }
}

fn create(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o755).open(path)
}

impl Drop for NoService<'_> {
    fn drop(&mut self) {
        if let Some(path) = self.0
            && let Err(error) = std::fs::remove_file(path)
        {
            say(&format!("xtask: please remove {}: {error}", path.display()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_given_and_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy-rc.d");
        let order = NoService::order(&path);
        assert_eq!(Command::new(&path).status().unwrap().code(), Some(101));
        drop(order);
        assert!(!path.exists());
    }

    #[test]
    fn somebody_elses_order_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy-rc.d");
        std::fs::write(&path, "theirs").unwrap();
        drop(NoService::order(&path));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "theirs");
    }

    #[test]
    fn programs_are_looked_for_in_path() {
        assert!(is_there("sh"));
        assert!(!is_there("no-such-program-anywhere"));
    }
}
