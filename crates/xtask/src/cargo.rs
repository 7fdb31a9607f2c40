//! Running cargo, and saying so.

use std::io::Write as _;
use std::process::Command;

/// Runs cargo and says what for; warnings of rustdoc are errors.
pub(crate) fn cargo(what: &str, arguments: &[&str]) -> Result<(), String> {
    say(&format!("xtask: {what}: cargo {}", arguments.join(" ")));
    let program = option_env!("CARGO").unwrap_or("cargo");
    let status = Command::new(program)
        .args(arguments)
        .env("RUSTDOCFLAGS", "-D warnings")
        .status()
        .map_err(|error| format!("could not start {program}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{what} failed ({status})")) }
}

pub(crate) fn say(text: &str) {
    // A closed terminal is no reason to fail.
    writeln!(std::io::stderr(), "{text}").unwrap_or_default();
}
