//! `cargo xtask test`: all that CI checks.

use crate::{cargo, faults, redis, say};

pub(crate) fn run() -> Result<(), String> {
    // First, as it is the one thing that may have to be fetched.
    redis::ensure()?;
    cargo("formatting", &["fmt", "--all", "--check"])?;
    cargo("lints", &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])?;
    cargo("tests", &["test", "--workspace", "--quiet", "--no-fail-fast"])?;
    cargo("armed fault points", &["test", "--quiet", "-p", "gangway-faultpoint", "--features", "armed"])?;
    cargo("docs", &["doc", "--workspace", "--no-deps", "--quiet"])?;
    cargo("example: enqueue", &["run", "--quiet", "-p", "gangway-producer", "--example", "enqueue"])?;
    cargo("the demo", &["run", "--quiet", "--", "demo", "--customers", "200", "--dir", "target/xtask-demo"])?;
    // What held before is told again: a check looks at what is there now. What breaks is told twice, and each time printed.
    faults::run(&["--again", "--twice"].map(str::to_owned))?;
    say("xtask: all checks passed");
    Ok(())
}
