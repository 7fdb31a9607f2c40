//! What git knows of the tree.

use std::path::Path;
use std::process::Command;

/// What the runs themselves write under `docs/`: a new figure in there makes no other program.
const WRITTEN: [&str; 3] = [":!docs/faults.md", ":!docs/benchmarks.md", ":!docs/benchmarks.svg"];

/// The commit that is checked out, with a `+` if files differ from it, other than those that runs write; `None` if git does
/// not tell.
pub(crate) fn commit(inside: &Path) -> Option<String> {
    let root = ask(inside, &["rev-parse", "--show-toplevel"])?;
    let commit = ask(inside, &["rev-parse", "--short=10", "HEAD"])?;
    let mut changes = vec!["-C", &root, "status", "--porcelain", "--", "."];
    changes.extend(WRITTEN);
    let is_changed = !ask(inside, &changes)?.is_empty();
    Some(if is_changed { commit + "+" } else { commit })
}

fn ask(inside: &Path, words: &[&str]) -> Option<String> {
    let output = Command::new("git").current_dir(inside).args(words).output().ok()?;
    let told = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| told.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_writes_makes_no_other_program() {
        let folder = tempfile::tempdir().unwrap();
        let git = |words: &[&str]| ask(folder.path(), words).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        assert_eq!(commit(folder.path()), None, "it is no tree of git's");
        git(&["init", "--quiet"]);
        std::fs::create_dir(folder.path().join("docs")).unwrap();
        write("docs/faults.md", "of an earlier run");
        write("code.rs", "one");
        git(&["add", "."]);
        let me = ["-c", "user.name=me", "-c", "user.email=me@localhost"];
        git(&[&me[..], &["commit", "--quiet", "--no-gpg-sign", "-m", "one"]].concat());
        let clean = commit(folder.path()).unwrap();
        assert_eq!(clean.len(), 10);
        write("docs/faults.md", "of this one");
        assert_eq!(commit(folder.path()).unwrap(), clean);
        write("code.rs", "two");
        assert_eq!(commit(folder.path()).unwrap(), format!("{clean}+"));
    }
}
