//! `cargo xtask …`: what developers and CI run. Needs Rust, gcc, git and redis-server, and nothing else.

use std::process::ExitCode;

mod bench;
mod cargo;
mod faults;
mod fuzz;
mod git;
mod prove;
mod redis;
mod simulate;
mod test;

use cargo::{cargo, say};

const HELP: &str = "\
cargo xtask COMMAND

  test    format, lints, tests, docs, an example, a demo, the short set of faults: all that CI checks
  prove   the promises at full size: kills, lost stores, repeated imports (about 15 minutes)
          `prove NAME` runs one of them; `prove --list` names them
  faults  the fault suite's short set (a few minutes); `--all` tells every scenario at full size and writes docs/faults.md
          `faults s07` tells one; `--list`, `--seed N`, `--again`, `--twice` (what breaks gets a second try)
  fuzz    feeds what comes from outside with anything, ten minutes for each target; wants nightly Rust and cargo-fuzz
          `fuzz TARGET` feeds one; `--seconds N`, `--list`
  simulate  the whole pipeline on one thread, 10,000 seeds of faults; `--seeds N`, `--from N`, `--store model`
          `--seed N` tells one with its trace; `--planted NAME` or `--planted all` must find a planted bug
  bench   how fast it is here, beside its goals and other queues; writes docs/benchmarks.md
          `bench CASE` measures one anew; `--list`, `--quick`, `--runs N`, `--report`, `--date YYYY-MM-DD`
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.first().map(String::as_str) {
        Some("test") => test::run(),
        Some("prove") => prove::run(&arguments[1..]),
        Some("faults") => faults::run(&arguments[1..]),
        Some("fuzz") => fuzz::run(&arguments[1..]),
        Some("simulate") => simulate::run(&arguments[1..]),
        Some("bench") => bench::run(&arguments[1..]),
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
