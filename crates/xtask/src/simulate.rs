//! `cargo xtask simulate`: the whole pipeline on one thread, driven by seeds.

use std::process::Command;

use crate::say;

/// The program of the crate `gangway-simulation`.
const PACKAGE: &str = "gangway-simulation";

/// Passes all arguments on. Bugs are planted in a build of their own.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let mut command = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    command.args(["run", "--quiet", "--release", "-p", PACKAGE]);
    if arguments.iter().any(|argument| argument == "--planted") {
        command.args(["--features", "planted"]);
    }
    command.arg("--").args(with_defaults(arguments));
    say("xtask: building and running the simulation");
    let status = command.status().map_err(|error| format!("could not start cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("the simulation found something ({status})")) }
}

/// So many seeds look for a planted bug, and so many for one that nobody has planted.
const PLANTED_SEEDS: &str = "1000";
const SEEDS: &str = "10000";

fn with_defaults(arguments: &[String]) -> Vec<String> {
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let mut all = arguments.to_vec();
    if !has("--seeds") && !has("--seed") {
        let seeds = if has("--planted") { PLANTED_SEEDS } else { SEEDS };
        all.extend(["--seeds".to_owned(), seeds.to_owned()]);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_number_of_seeds_there_are_enough() {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(with_defaults(&words("")), words("--seeds 10000"));
        assert_eq!(with_defaults(&words("--planted all")), words("--planted all --seeds 1000"));
        assert_eq!(with_defaults(&words("--seed 7")), words("--seed 7"));
        assert_eq!(with_defaults(&words("--seeds 5 --from 9")), words("--seeds 5 --from 9"));
    }
}
