//! `cargo xtask fuzz`: feeds the targets in `fuzz/` with anything, and keeps what is of interest.
//!
//! The program under test is built without a sanitizer: it has no unsafe code of its own, and finds more in the same time.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::say;

/// How long a target is fed.
const SECONDS: u64 = 600;

/// Longer inputs are no more interesting, only slower.
const MAX_BYTES: u32 = 4_096;

#[derive(Debug, PartialEq, Eq)]
struct Options {
    seconds: u64,
    /// All if empty.
    targets: Vec<String>,
}

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let known = targets(&fuzz())?;
    if arguments.iter().any(|argument| argument == "--list") {
        say(&known.join("\n"));
        return Ok(());
    }
    let options = Options::read(arguments, &known)?;
    for target in if options.targets.is_empty() { &known } else { &options.targets } {
        feed(target, options.seconds)?;
    }
    Ok(())
}

impl Options {
    fn read(arguments: &[String], known: &[String]) -> Result<Self, String> {
        let mut options = Self { seconds: SECONDS, targets: Vec::new() };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            if argument == "--seconds" {
                let seconds = arguments.next().and_then(|seconds| seconds.parse().ok());
                options.seconds = seconds.filter(|seconds| *seconds > 0).ok_or("--seconds needs a number")?;
            } else if known.contains(argument) {
                options.targets.push(argument.clone());
            } else {
                return Err(format!("{argument:?} is no target; there are {}", known.join(", ")));
            }
        }
        Ok(options)
    }
}

/// Each has a corpus, which is a folder of its name.
fn targets(fuzz: &Path) -> Result<Vec<String>, String> {
    let folder = fuzz.join("corpus");
    let fault = |error: std::io::Error| format!("could not read {}: {error}", folder.display());
    let mut targets = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(fault)? {
        targets.extend(entry.map_err(fault)?.file_name().into_string());
    }
    targets.sort();
    Ok(targets)
}

/// What it finds goes to `target/fuzz-corpus`; the corpus that is kept is only read.
fn feed(target: &str, seconds: u64) -> Result<(), String> {
    let found = fuzz().with_file_name("target").join("fuzz-corpus").join(target);
    let kept = fuzz().join("corpus").join(target);
    std::fs::create_dir_all(&found)
        .map_err(|error| format!("could not make {}: {error}", found.display()))?;
    say(&format!("xtask: {target} for {seconds} s; what is of interest goes to {}", found.display()));
    let status = Command::new("cargo")
        .args(["+nightly", "fuzz", "run", "--sanitizer", "none", "--features", "libfuzzer", target])
        .args([&found, &kept])
        .args(["--", &format!("-max_total_time={seconds}"), &format!("-max_len={MAX_BYTES}")])
        .args(["-timeout=10", "-print_final_stats=1"])
        .current_dir(fuzz())
        .status()
        .map_err(|error| format!("could not start cargo: {error}"))?;
    if status.success() {
        return Ok(());
    }
    Err(format!(
        "{target} failed ({status}). If there is no nightly Rust or cargo-fuzz: `rustup toolchain install nightly`, `cargo \
         install cargo-fuzz`. An input that breaks a promise lies in fuzz/artifacts/{target}: mend the cause, and keep the \
         input in fuzz/corpus/{target}"
    ))
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new(".")).join("fuzz")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::read(&words, &["csv_import".to_owned(), "hmac_header".to_owned()])
    }

    #[test]
    fn what_is_fed_is_named_or_all() {
        assert_eq!(read("").unwrap(), Options { seconds: 600, targets: Vec::new() });
        let one = read("hmac_header --seconds 5").unwrap();
        assert_eq!(one, Options { seconds: 5, targets: vec!["hmac_header".to_owned()] });
        for wrong in ["csv", "--seconds", "--seconds x", "--seconds 0", "--forever"] {
            read(wrong).unwrap_err();
        }
    }

    #[test]
    fn each_target_has_a_program() {
        for target in targets(&fuzz()).unwrap() {
            let program = fuzz().join("fuzz_targets").join(format!("{target}.rs"));
            assert!(program.exists(), "{}", program.display());
        }
    }
}
