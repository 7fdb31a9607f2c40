//! The goals, and whether a result meets them.

use super::numbers::{Spread, number};
use super::results::Results;

/// One row of the table.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) case: &'static str,
    /// What was measured, and how much of it.
    pub(super) what: String,
    pub(super) goal: String,
    pub(super) result: String,
    pub(super) verdict: Verdict,
}

/// Whether a goal was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Met,
    Missed,
    /// There is no goal.
    Told,
    NotRun,
}

/// What is asked of a median.
#[derive(Clone, Copy, Debug)]
enum Goal {
    AtLeast(f64),
    AtMost(f64),
    None,
}

/// A figure of the table.
struct Figure {
    case: &'static str,
    what: &'static str,
    of: Of,
    goal: Goal,
    unit: &'static str,
    decimals: usize,
}

/// Where a figure comes from.
enum Of {
    /// A field of a measurement.
    Field(&'static str, &'static str),
    /// The rate of one measurement in percent of another's.
    Share(&'static str, &'static str),
}

const fn figure(case: &'static str, what: &'static str, of: Of, goal: Goal, unit: &'static str) -> Figure {
    Figure { case, what, of, goal, unit, decimals: 0 }
}

const fn fine(figure: Figure, decimals: usize) -> Figure {
    Figure { decimals, ..figure }
}

const FIGURES: [Figure; 18] = [
    figure(
        "drain",
        "no-op jobs, one process",
        Of::Field("drain-1", "per_s"),
        Goal::AtLeast(90_000.0),
        "jobs/s",
    ),
    figure("drain", "no-op jobs, two processes", Of::Field("drain-2", "per_s"), Goal::None, "jobs/s"),
    figure("drain", "the bare lease and settle calls", Of::Field("bare", "per_s"), Goal::None, "jobs/s"),
    figure(
        "drain",
        "one process beside the bare calls",
        Of::Share("drain-1", "bare"),
        Goal::AtLeast(80.0),
        "%",
    ),
    figure(
        "chain",
        "steps with a record, an event and a follow-up",
        Of::Field("chain", "per_s"),
        Goal::AtLeast(40_000.0),
        "steps/s",
    ),
    figure(
        "enqueue",
        "customers handed in by the library",
        Of::Field("enqueue", "per_s"),
        Goal::AtLeast(100_000.0),
        "jobs/s",
    ),
    fine(figure("import", "the CSV file", Of::Field("import", "seconds"), Goal::AtMost(15.0), "s"), 1),
    figure(
        "import",
        "peak resident memory of the program",
        Of::Field("import", "peak_mb"),
        Goal::AtMost(150.0),
        "MB",
    ),
    fine(
        figure(
            "latency",
            "enqueue to handler, median",
            Of::Field("latency", "p50_ms"),
            Goal::AtMost(1.0),
            "ms",
        ),
        2,
    ),
    fine(figure("latency", "99 of 100 below", Of::Field("latency", "p99_ms"), Goal::AtMost(5.0), "ms"), 2),
    fine(figure("latency", "the slowest", Of::Field("latency", "max_ms"), Goal::None, "ms"), 2),
    figure(
        "waiting",
        "memory of one waiting customer: record, job, indexes",
        Of::Field("waiting", "bytes_each"),
        Goal::AtMost(700.0),
        "bytes",
    ),
    figure(
        "waiting",
        "the same with its two events, until they are trimmed",
        Of::Field("waiting", "bytes_each_with_outbox"),
        Goal::None,
        "bytes",
    ),
    fine(
        figure(
            "waiting",
            "a lease beside all that wait, against one beside 1,000",
            Of::Field("waiting", "ratio"),
            Goal::AtMost(1.3),
            "times",
        ),
        2,
    ),
    figure(
        "pipeline",
        "whole onboardings: create, link, three polls, events",
        Of::Field("pipeline", "per_s"),
        Goal::None,
        "customers/s",
    ),
    figure(
        "pipeline",
        "beside the bare calls without a store",
        Of::Share("pipeline", "calls"),
        Goal::AtLeast(75.0),
        "%",
    ),
    figure(
        "embedded",
        "no-op jobs on SQLite, one process",
        Of::Field("embedded-drain", "per_s"),
        Goal::AtLeast(20_000.0),
        "jobs/s",
    ),
    figure(
        "embedded",
        "whole onboardings on SQLite",
        Of::Field("embedded-pipeline", "per_s"),
        Goal::None,
        "customers/s",
    ),
];

/// The table.
pub(super) fn rows(results: &Results) -> Vec<Row> {
    FIGURES.iter().map(|figure| figure.row(results)).collect()
}

impl Figure {
    fn row(&self, results: &Results) -> Row {
        let (result, verdict) = match self.found(results) {
            Some(found) => {
                (format!("{} {}", found.text(self.decimals), self.unit), self.goal.judge(found.median))
            }
            None => (self.absent(results), Verdict::NotRun),
        };
        let what = self.size(results).map_or_else(
            || self.what.to_owned(),
            |(size, of)| format!("{}; {} {of}", self.what, number(size, 0)),
        );
        Row { case: self.case, what, goal: self.goal.text(self.unit), result, verdict }
    }

    /// How much a run worked through.
    fn size(&self, results: &Results) -> Option<(f64, &'static str)> {
        const SIZES: [&str; 6] = ["jobs", "steps", "rows", "samples", "onboardings", "customers"];
        let Of::Field(name, _) = self.of else { return None };
        SIZES.into_iter().find_map(|size| Some((results.spread(name, size)?.median, size)))
    }

    fn found(&self, results: &Results) -> Option<Spread> {
        match self.of {
            Of::Field(name, field) => results.spread(name, field),
            Of::Share(name, whole) => {
                let (part, whole) = (results.spread(name, "per_s")?, results.spread(whole, "per_s")?);
                Spread::of(vec![100.0 * part.median / whole.median])
            }
        }
    }

    fn absent(&self, results: &Results) -> String {
        let names = match self.of {
            Of::Field(name, _) => [name, name],
            Of::Share(name, whole) => [name, whole],
        };
        let fault = names.iter().find_map(|name| results.fault(name));
        fault.map_or_else(
            || "not measured yet".to_owned(),
            |fault| fault.lines().next().unwrap_or(fault).to_owned(),
        )
    }
}

impl Goal {
    fn judge(self, median: f64) -> Verdict {
        match self {
            Self::AtLeast(goal) if median >= goal => Verdict::Met,
            Self::AtMost(goal) if median <= goal => Verdict::Met,
            Self::AtLeast(_) | Self::AtMost(_) => Verdict::Missed,
            Self::None => Verdict::Told,
        }
    }

    fn text(self, unit: &str) -> String {
        let written = |goal: f64| number(goal, usize::from(goal.fract() != 0.0));
        match self {
            Self::AtLeast(goal) => format!("≥ {} {unit}", written(goal)),
            Self::AtMost(goal) => format!("≤ {} {unit}", written(goal)),
            Self::None => "–".to_owned(),
        }
    }
}

impl Verdict {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "**missed**",
            Self::Told => "",
            Self::NotRun => "not run",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(results: &Results, what: &str) -> Row {
        rows(results).into_iter().find(|row| row.what.starts_with(what)).unwrap()
    }

    #[test]
    fn a_median_meets_its_goal_or_misses_it() {
        let mut results = Results::default();
        results.add(&json!({"name": "drain-1", "runs": [{"per_s": 95_000.0}, {"per_s": 70_000.0}, {"per_s": 90_000.0}]}));
        results.add(&json!({"name": "bare", "runs": [{"per_s": 120_000.0, "jobs": 200_000}]}));
        let one = row(&results, "no-op jobs, one process");
        assert_eq!((one.verdict, one.result.as_str()), (Verdict::Met, "90,000 (70,000–95,000) jobs/s"));
        assert_eq!(one.goal, "≥ 90,000 jobs/s");
        let beside = row(&results, "one process beside the bare calls");
        assert_eq!((beside.verdict, beside.result.as_str()), (Verdict::Missed, "75 %"));
        let bare = row(&results, "the bare lease and settle calls");
        assert_eq!((bare.verdict, bare.what.rsplit_once("; ").unwrap().1), (Verdict::Told, "200,000 jobs"));
    }

    #[test]
    fn what_did_not_run_says_why() {
        let mut results = Results::default();
        results.add(&json!({"name": "calls", "runs": [], "fault": "no simulator\nand more"}));
        let beside = row(&results, "beside the bare calls without a store");
        assert_eq!((beside.verdict, beside.result.as_str()), (Verdict::NotRun, "no simulator"));
        assert_eq!(row(&results, "the CSV file").result, "not measured yet");
    }
}
