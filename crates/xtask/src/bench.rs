//! `cargo xtask bench`: how fast Gangway is on this machine, beside its goals and beside other queues.
//!
//! Every measurement is a run of `gangway-bench` (see `benches/cases`) or of a peer (`benches/peers`), on a server of its
//! own that is started for it and dropped after it. What belongs together is run in turns, so that a slow minute of the
//! machine meets all of it. Raw results stay in `target/bench`, one file a measurement; `docs/benchmarks.md` and its
//! chart are written from the newest of each, so a single case can be measured again. With `--quick` everything is small
//! and only shows that it works: its results and its report stay apart, in `target/bench/quick`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{cargo, redis, say};

mod chart;
mod goals;
mod ground;
mod machine;
mod measurement;
mod numbers;
mod options;
mod peers;
mod report;
mod results;

use measurement::{CASES, Case, Measurement};
use options::Options;
use peers::Peers;
use results::Results;

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let options = Options::parse(arguments)?;
    if options.list {
        for case in &CASES {
            say(&format!("{:<10} {}", case.name, case.what));
        }
        return Ok(());
    }
    let root = root()?;
    let folder = root.join("target/bench").join(if options.quick { "quick" } else { "" });
    std::fs::create_dir_all(&folder).map_err(|error| format!("make {}: {error}", folder.display()))?;
    let bench = Bench { root, folder, options };
    if !bench.options.report_only {
        bench.measure()?;
    }
    bench.report()
}

/// The workspace's folder.
fn root() -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.map(Path::to_owned).ok_or_else(|| "the workspace has no folder".to_owned())
}

struct Bench {
    root: PathBuf,
    folder: PathBuf,
    options: Options,
}

impl Bench {
    fn measure(&self) -> Result<(), String> {
        redis::ensure()?;
        cargo("the programs", &["build", "--release", "--quiet", "-p", "gangway", "-p", "gangway-bench"])?;
        let cases: Vec<&Case> = CASES.iter().filter(|case| self.options.wants(case.name)).collect();
        let needs_peers = cases.iter().any(|case| case.measurements.iter().any(Measurement::is_peer));
        let peers = if needs_peers { Peers::prepare(&self.root) } else { Peers::none() };
        let mut failed = Vec::new();
        for case in cases {
            failed.extend(self.measure_in_turns(case, &peers));
        }
        if failed.is_empty() { Ok(()) } else { self.report().and(Err(failed.join("\n"))) }
    }

    /// Runs all measurements of a case `runs` times, one after the other and from the first again. Answers what failed.
    fn measure_in_turns(&self, case: &Case, peers: &Peers) -> Vec<String> {
        let mut found: Vec<(&Measurement, Vec<Value>, Option<String>)> =
            case.measurements.iter().map(|one| (one, Vec::new(), None)).collect();
        for turn in 1..=self.options.runs {
            for (one, runs, fault) in &mut found {
                if fault.is_some() {
                    continue;
                }
                match self.one_run(one, peers) {
                    Ok(result) => {
                        say(&format!("{:<18} {turn}/{}  {result}", one.name, self.options.runs));
                        runs.push(result);
                    }
                    Err(error) => {
                        say(&format!("{:<18} {turn}/{}  FAILED: {error}", one.name, self.options.runs));
                        *fault = Some(error);
                    }
                }
            }
        }
        let mut failed = Vec::new();
        for (one, runs, fault) in found {
            let kept = results::save(&self.folder, one.name, &runs, fault.as_deref());
            failed.extend(kept.err());
            failed.extend(
                fault.filter(|fault| !peers::is_missing(fault)).map(|fault| format!("{}: {fault}", one.name)),
            );
        }
        failed
    }

    fn one_run(&self, one: &Measurement, peers: &Peers) -> Result<Value, String> {
        let load = machine::load();
        let ground = ground::of(one.ground)?;
        let mut command = match one.program {
            measurement::Program::Case => measurement::case_command(&self.root, one, self.options.quick),
            measurement::Program::Peer(peer) => peers.command(peer, self.options.quick)?,
        };
        ground.tell(&mut command);
        let mut result = gangway_testkit::Process::run(&mut command)
            .and_then(|ended| ended.expect_code(0))
            .and_then(|ended| ended.json())
            .map_err(|error| error.to_string())?;
        result["load_before"] = json!(load);
        Ok(result)
    }

    fn report(&self) -> Result<(), String> {
        let results = Results::load(&self.folder)?;
        let machine = machine::describe(&self.root, self.options.date.as_deref())?;
        let docs = if self.options.quick { self.folder.clone() } else { self.root.join("docs") };
        for (name, text) in [
            ("benchmarks.md", report::markdown(&results, &machine, self.options.quick)),
            ("benchmarks.svg", chart::svg(&results)),
        ] {
            let path = docs.join(name);
            std::fs::write(&path, text).map_err(|error| format!("write {}: {error}", path.display()))?;
            say(&format!("xtask: wrote {}", path.display()));
        }
        Ok(())
    }
}
