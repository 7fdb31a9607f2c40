//! `cargo xtask …`: what developers and CI run. Needs Rust, gcc and git, and nothing else.

use std::io::Write as _;
use std::process::{Command, ExitCode};

mod prove;

const HELP: &str = "\
cargo xtask COMMAND

  test    format, lints, tests, docs, examples: all that CI checks
  prove   the promises at full size: kills, lost stores, repeated imports (about 15 minutes)
          `prove NAME` runs one of them; `prove --list` names them
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.first().map(String::as_str) {
        Some("test") => test(),
        Some("prove") => prove::run(&arguments[1..]),
        _ => {
            say(HELP);
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            say(&format!("xtask: {message}"));
            ExitCode::FAILURE
        }
    }
}

fn test() -> Result<(), String> {
    cargo("formatting", &["fmt", "--all", "--check"])?;
    cargo("lints", &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])?;
    cargo("tests", &["test", "--workspace", "--quiet", "--no-fail-fast"])?;
    cargo("docs", &["doc", "--workspace", "--no-deps", "--quiet"])?;
    cargo("example: enqueue", &["run", "--quiet", "-p", "gangway-producer", "--example", "enqueue"])?;
    cargo("the demo", &["run", "--quiet", "--", "demo", "--customers", "200", "--dir", "target/xtask-demo"])?;
    say("xtask: all checks passed");
    Ok(())
}

/// Runs cargo and says what for; warnings of rustdoc are errors.
fn cargo(what: &str, arguments: &[&str]) -> Result<(), String> {
    say(&format!("xtask: {what}: cargo {}", arguments.join(" ")));
    let program = option_env!("CARGO").unwrap_or("cargo");
    let status = Command::new(program)
        .args(arguments)
        .env("RUSTDOCFLAGS", "-D warnings")
        .status()
        .map_err(|error| format!("could not start {program}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{what} failed ({status})")) }
}

fn say(text: &str) {
    // A closed terminal is no reason to fail.
    writeln!(std::io::stderr(), "{text}").unwrap_or_default();
}
