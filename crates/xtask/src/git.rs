//! What git knows of the tree.

use std::path::Path;
use std::process::Command;

/// The commit that is checked out, with a `+` if files differ from it; `None` if git does not tell.
pub(crate) fn commit(inside: &Path) -> Option<String> {
    let asked = ["describe", "--always", "--abbrev=10", "--exclude=*", "--dirty=+"];
    let output = Command::new("git").current_dir(inside).args(asked).output().ok()?;
    let line = String::from_utf8(output.stdout).ok()?;
    let line = line.lines().next()?.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}
