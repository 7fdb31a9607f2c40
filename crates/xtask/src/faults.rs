//! `cargo xtask faults`: the fault suite, and the table that it leaves.
//!
//! What held at a commit is not told again until something changes, so that a run which was cut short goes on where it
//! was. `docs/faults.md` is written by `--all` alone, after each scenario.

use std::path::{Path, PathBuf};
use std::time::Instant;

use gangway_testkit::faults::{Extent, Scenario, Stage, all};

use crate::{cargo, git, redis, say};

mod record;
mod report;

use record::{Record, Records};

/// The build profile of the binary whose fault points are armed; its folder has the same name.
const PROFILE: &str = "faults";

/// Fixed, so that a failure elsewhere is the failure here.
const SEED: u64 = 7;

#[derive(Debug)]
struct Options {
    extent: Extent,
    seed: u64,
    /// Tells also what held already.
    again: bool,
    /// Tells what broke a second time: on a busy machine another program can spoil a measure of time.
    twice: bool,
    /// Numbers or names; all if empty.
    names: Vec<String>,
}

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    if arguments.iter().any(|argument| argument == "--list") {
        for scenario in all() {
            let mark = if scenario.in_short_set { '*' } else { ' ' };
            say(&format!("{mark} {:<28} {}", scenario.name, scenario.shows));
        }
        say("* in the short set");
        return Ok(());
    }
    let options = Options::read(arguments)?;
    let wanted = options.wanted()?;
    redis::ensure()?;
    cargo(
        "the program with armed fault points",
        &["build", "--profile", PROFILE, "--quiet", "-p", "gangway", "--features", "fault-points"],
    )?;
    let root = root();
    let mut records = Records::open(&root.join("target/fault-records"))?;
    let commit = git::commit(&root).unwrap_or_default();
    let stage = Stage {
        binary: root.join("target").join(PROFILE).join("gangway"),
        seed: options.seed,
        extent: options.extent,
    };
    let mut broken = 0;
    for scenario in wanted {
        if !options.again && records.holds(scenario.name, &commit, &stage) {
            say(&format!("held     {:<28} at this commit already", scenario.name));
            continue;
        }
        let mut record = tell(&scenario, &stage, &commit);
        if !record.held && options.twice {
            record = tell(&scenario, &stage, &commit);
        }
        broken += usize::from(!record.held);
        records.keep(record)?;
        if options.extent == Extent::Full {
            report::write(&root.join("docs/faults.md"), &records)?;
        }
    }
    if broken == 0 { Ok(()) } else { Err(format!("{broken} of the scenarios broke")) }
}

fn tell(scenario: &Scenario, stage: &Stage, commit: &str) -> Record {
    let begun = Instant::now();
    let told = (scenario.tell)(stage);
    let record = Record::new(scenario.name, stage, commit, begun.elapsed(), told);
    let word = if record.held { "survived" } else { "BROKEN  " };
    say(&format!("{word} {:<28} {:>6.1} s  {}", scenario.name, record.seconds, record.result));
    record
}

impl Options {
    fn read(arguments: &[String]) -> Result<Self, String> {
        let mut options =
            Self { extent: Extent::Short, seed: SEED, again: false, twice: false, names: Vec::new() };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--all" => options.extent = Extent::Full,
                "--again" => options.again = true,
                "--twice" => options.twice = true,
                "--seed" => {
                    let seed = arguments.next().and_then(|seed| seed.parse().ok());
                    options.seed = seed.ok_or("--seed needs a number")?;
                }
                other if other.starts_with('-') => {
                    return Err(format!(
                        "{other:?} is no option; there are --all, --again, --twice, --seed N, --list"
                    ));
                }
                name => options.names.push(name.to_owned()),
            }
        }
        Ok(options)
    }

    /// Those that are named, short or not; else the set.
    fn wanted(&self) -> Result<Vec<Scenario>, String> {
        let all = all();
        if self.names.is_empty() {
            let all = all.into_iter();
            return Ok(all.filter(|it| self.extent == Extent::Full || it.in_short_set).collect());
        }
        let is = |name: &str, scenario: &Scenario| {
            scenario.name == name || scenario.name.split('_').next() == Some(name)
        };
        if let Some(unknown) = self.names.iter().find(|name| !all.iter().any(|scenario| is(name, scenario))) {
            return Err(format!("{unknown:?} is no scenario; see `cargo xtask faults --list`"));
        }
        Ok(all.into_iter().filter(|scenario| self.names.iter().any(|name| is(name, scenario))).collect())
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new(".")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        Options::read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_told_is_named_or_a_set() {
        let short = read("").unwrap().wanted().unwrap().len();
        let full = read("--all").unwrap().wanted().unwrap().len();
        assert!(0 < short && short <= full, "{short} of {full}");
        let one = read("--all s05 --seed 3 --again").unwrap();
        assert_eq!((one.extent, one.seed, one.again), (Extent::Full, 3, true));
        assert_eq!(one.wanted().unwrap().len(), 1);
        read("s99").unwrap().wanted().unwrap_err();
        read("--seed").unwrap_err();
        read("--everything").unwrap_err();
    }
}
