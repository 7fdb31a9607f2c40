//! The place of the store: its folder, the space there, the kind of file system, who may read the file.

use std::path::{Path, PathBuf};

use super::finding::Finding;

const FOLDER: &str = "folder";
#[cfg(any(unix, test))]
const DISK: &str = "disk";
#[cfg(any(target_os = "linux", target_os = "android"))]
const FILE_SYSTEM: &str = "file_system";
#[cfg(unix)]
const PERMISSIONS: &str = "permissions";

#[cfg(any(unix, test))]
const MIB: u64 = 1 << 20;
#[cfg(any(unix, test))]
const GIB: u64 = 1 << 30;

/// The file that a store's url names; `None` if it names none.
pub(super) fn path(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:").filter(|path| *path != ":memory:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    (!path.trim_start_matches('/').is_empty()).then(|| PathBuf::from(path))
}

/// Looks at the folder of the store.
pub(super) fn check(file: &Path) -> Vec<Finding> {
    let file = std::path::absolute(file).unwrap_or_else(|_unknown_folder| file.to_owned());
    let folder = file.parent().unwrap_or(&file);
    if !folder.is_dir() {
        return vec![Finding::problem(
            FOLDER,
            format!("there is no folder {}", folder.display()),
            "the store would be made there",
            format!("`mkdir -p {}`, or set store.url to another path", quoted(folder)),
        )];
    }
    #[cfg_attr(not(unix), expect(unused_mut, reason = "what follows is asked of Unix only"))]
    let mut findings = Vec::new();
    #[cfg(unix)]
    {
        findings.extend(writable(folder));
        findings.extend(space(folder));
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    findings.extend(network(folder));
    findings
}

/// SQLite keeps its log beside the file, so that an existing store needs a writable folder too.
#[cfg(unix)]
fn writable(folder: &Path) -> Option<Finding> {
    use rustix::fs::Access;
    let error = rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK).err()?;
    Some(Finding::problem(
        FOLDER,
        format!("this user may not write to {}: {error}", folder.display()),
        "the store and its log are made there",
        format!("`chown $(id -u) {}` as root, or set store.url to a path in another folder", quoted(folder)),
    ))
}

#[cfg(unix)]
fn space(folder: &Path) -> Option<Finding> {
    // A file system that does not tell is none to complain about.
    let told = rustix::fs::statvfs(folder).ok()?;
    Some(enough(told.f_bavail.saturating_mul(told.f_frsize), folder))
}

#[cfg(any(unix, test))]
fn enough(free: u64, folder: &Path) -> Finding {
    let size = if free < GIB {
        format!("{} MiB", free / MIB)
    } else {
        format!("{}.{} GiB", free / GIB, free % GIB * 10 / GIB)
    };
    let found = format!("{size} free in {}", folder.display());
    let why = "nothing is accepted, and no result is written, on a full disk";
    let remedy = "free some space there (`gangway prune` makes a store smaller), or set store.url to a path on a larger disk";
    if free < 100 * MIB {
        Finding::problem(DISK, found, why, remedy)
    } else if free < GIB {
        Finding::warning(DISK, found, why, remedy)
    } else {
        Finding::ok(DISK, found, why)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn network(folder: &Path) -> Option<Finding> {
    let told = rustix::fs::statfs(folder).ok()?;
    // The type of the number differs between machines; 32 bits of it count.
    let name = match i128::from(told.f_type) & 0xffff_ffff {
        0x6969 => "NFS",
        0x517b | 0xfe53_4d42 | 0xff53_4d42 => "SMB/CIFS",
        0x0102_1997 => "9P",
        0x00c3_6400 => "Ceph",
        _ => return None,
    };
    Some(Finding::warning(
        FILE_SYSTEM,
        format!("{} is on a network file system ({name})", folder.display()),
        "SQLite's locks and shared memory do not hold between machines there: the store may be damaged",
        "set store.url to a path on a local disk",
    ))
}

/// Looks at who may use the file, if it is there.
#[cfg(unix)]
pub(super) fn private(file: &Path) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt as _;
    const OTHERS: u32 = 0o077;
    let mode = std::fs::metadata(file).ok().filter(std::fs::Metadata::is_file)?.permissions().mode() & 0o777;
    let why = "the store holds customers' personal data";
    Some(if mode & OTHERS == 0 {
        Finding::ok(PERMISSIONS, "only its owner may use the store's file", why)
    } else {
        let found = format!("other users may use {} (mode {mode:o})", file.display());
        Finding::warning(PERMISSIONS, found, why, format!("`chmod 600 {}`", quoted(file)))
    })
}

/// A path as a shell takes it.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | '@' | ':');
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn a_url_names_a_file_or_none() {
        for (url, file) in [
            ("sqlite:gangway.db", Some("gangway.db")),
            ("sqlite:///var/lib/g.db", Some("/var/lib/g.db")),
            ("sqlite::memory:", None),
            ("sqlite:", None),
            ("redis://host/0", None),
        ] {
            assert_eq!(path(url), file.map(PathBuf::from), "{url}");
        }
    }

    #[test]
    fn little_space_is_a_warning_and_hardly_any_a_problem() {
        for (free, level, size) in [
            (99 * MIB, Level::Problem, "99 MiB"),
            (100 * MIB, Level::Warning, "100 MiB"),
            (GIB - 1, Level::Warning, "1023 MiB"),
            (GIB, Level::Ok, "1.0 GiB"),
            (GIB * 5 / 2, Level::Ok, "2.5 GiB"),
        ] {
            let finding = enough(free, Path::new("/srv"));
            assert_eq!((finding.level, finding.found), (level, format!("{size} free in /srv")));
        }
    }

    #[test]
    fn a_command_can_be_pasted() {
        assert_eq!(quoted(Path::new("/srv/g.db")), "/srv/g.db");
        assert_eq!(quoted(Path::new("/a b/it's.db")), r"'/a b/it'\''s.db'");
    }
}
