//! What is measured: the cases, and the runs that each is made of.

use std::path::Path;
use std::process::Command;

use super::peers::Peer;

/// What one name on the command line measures; its measurements are made in turns.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    /// For `--list`.
    pub(super) what: &'static str,
    pub(super) measurements: &'static [Measurement],
}

/// One program with its arguments.
#[derive(Debug)]
pub(super) struct Measurement {
    /// Names its file of results.
    pub(super) name: &'static str,
    pub(super) program: Program,
    pub(super) ground: Ground,
    /// Behind the program's name.
    arguments: &'static [&'static str],
    /// Those of a quick run, behind the others: the last one counts.
    quick: &'static [&'static str],
}

/// What is run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Program {
    /// `gangway-bench`.
    Case,
    /// Another queue.
    Peer(Peer),
}

/// Where it works; made for each run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    /// A Redis with an append-only file that is synced each second.
    Redis,
    /// A file.
    Sqlite,
    /// A `PostgreSQL` with its defaults: every commit is synced.
    Postgres,
    /// Nothing is kept.
    Nowhere,
}

impl Measurement {
    const fn case(
        name: &'static str,
        ground: Ground,
        arguments: &'static [&'static str],
        quick: &'static [&'static str],
    ) -> Self {
        Self { name, program: Program::Case, ground, arguments, quick }
    }

    const fn peer(peer: Peer) -> Self {
        Self {
            name: peer.name(),
            program: Program::Peer(peer),
            ground: peer.ground(),
            arguments: &[],
            quick: &[],
        }
    }

    pub(super) const fn is_peer(&self) -> bool {
        matches!(self.program, Program::Peer(_))
    }
}

const DRAIN: Measurement =
    Measurement::case("drain-1", Ground::Redis, &["drain", "--processes", "1"], &["--jobs", "5000"]);

pub(super) const CASES: [Case; 8] = [
    Case {
        name: "drain",
        what: "no-op jobs through real workers, the bare store calls, and other queues, in turns",
        measurements: &[
            DRAIN,
            Measurement::case("drain-2", Ground::Redis, &["drain", "--processes", "2"], &["--jobs", "5000"]),
            Measurement::case("bare", Ground::Redis, &["bare"], &["--jobs", "5000"]),
            Measurement::peer(Peer::BullmqRust),
            Measurement::peer(Peer::BullmqNode),
            Measurement::peer(Peer::Graphile),
            Measurement::peer(Peer::ApalisRedis),
        ],
    },
    Case {
        name: "chain",
        what: "each job settles with a follow-up, a changed record and an event",
        measurements: &[Measurement::case("chain", Ground::Redis, &["chain"], &["--onboardings", "1000"])],
    },
    Case {
        name: "enqueue",
        what: "customers handed in by the producer library",
        measurements: &[Measurement::case("enqueue", Ground::Redis, &["enqueue"], &["--jobs", "5000"])],
    },
    Case {
        name: "import",
        what: "a CSV file of 1,000,000 rows, by the gangway program",
        measurements: &[Measurement::case("import", Ground::Redis, &["import"], &["--rows", "5000"])],
    },
    Case {
        name: "latency",
        what: "from the enqueue to the start of the handler, on an idle worker",
        measurements: &[Measurement::case("latency", Ground::Redis, &["latency"], &["--samples", "50"])],
    },
    Case {
        name: "waiting",
        what: "1,000,000 customers between two polls: memory, and leases beside them",
        measurements: &[Measurement::case(
            "waiting",
            Ground::Redis,
            &["waiting"],
            &["--onboardings", "5000", "--leases", "50"],
        )],
    },
    Case {
        name: "pipeline",
        what: "whole onboardings against the simulator, beside the bare calls",
        measurements: &[
            Measurement::case("pipeline", Ground::Redis, &["pipeline"], &["--customers", "500"]),
            Measurement::case("calls", Ground::Nowhere, &["calls"], &["--customers", "500"]),
        ],
    },
    Case {
        name: "embedded",
        what: "drain and pipeline on the embedded store",
        measurements: &[
            Measurement::case("embedded-drain", Ground::Sqlite, &["drain"], &["--jobs", "5000"]),
            Measurement::case("embedded-pipeline", Ground::Sqlite, &["pipeline"], &["--customers", "500"]),
        ],
    },
];

/// The command line of a case; where it works is added by its ground.
pub(super) fn case_command(root: &Path, one: &Measurement, quick: bool) -> Command {
    let mut command = Command::new(root.join("target/release/gangway-bench"));
    command.args(one.arguments);
    if quick {
        command.args(one.quick);
    }
    command
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_measurement_has_a_file_of_its_own() {
        let names: Vec<&str> = CASES.iter().flat_map(|case| case.measurements).map(|one| one.name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    }

    #[test]
    fn a_quick_run_is_the_same_but_small() {
        let words = |quick| {
            let command = case_command(Path::new("/w"), &DRAIN, quick);
            command.get_args().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words(false), "drain --processes 1");
        assert_eq!(words(true), "drain --processes 1 --jobs 5000");
    }
}
