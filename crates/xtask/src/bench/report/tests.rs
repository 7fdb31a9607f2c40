use serde_json::{Value, json};

use super::*;
use crate::bench::chart;

/// As the programs print them.
fn canned() -> Results {
    let measured = |name: &str, runs: &[Value]| json!({"name": name, "runs": runs, "commit": "0123456789"});
    let mut results = Results::default();
    for kept in [
        measured("drain-1", &[json!({"per_s": 101_000.0, "concurrency": 1000, "load_before": 0.25})]),
        measured("bare", &[json!({"per_s": 120_000.0, "own_us_each": 3.0, "server_us_each": 7.25})]),
        measured(
            "chain",
            &[
                json!({"per_s": 39_000.4, "steps": 200_000}),
                json!({"per_s": 41_000.0}),
                json!({"per_s": 39_900.0}),
            ],
        ),
        measured("latency", &[json!({"p50_ms": 0.89, "p99_ms": 1.17, "max_ms": 3.9})]),
        measured(
            "bullmq-rust",
            &[json!({"drain_per_s": 23_000.0, "enqueue_per_s": 33_000.0, "settings": "add_bulk"})],
        ),
        json!({"name": "bullmq-node", "runs": [], "fault": "not run: npm is missing (os error 2)"}),
    ] {
        results.add(&kept);
    }
    results
}

fn machine() -> Machine {
    Machine {
        date: "2026-03-01".to_owned(),
        lines: vec![("Processor", "some, 2 cores".to_owned())],
        versions: Peer::ALL.map(|peer| (peer, "1.2.3".to_owned())).to_vec(),
    }
}

#[test]
fn the_page_has_every_figure_met_and_missed() {
    let page = markdown(&canned(), &machine(), false);
    for line in [
        "Measured on 2026-03-01 at 0123456789; runs of each: 1 to 3; highest load average when a run began: 0.2.",
        "| drain | no-op jobs, one process | ≥ 90,000 jobs/s | 101,000 jobs/s | met |",
        "| drain | one process beside the bare calls | ≥ 80 % | 84 % | met |",
        "| chain | steps with a record, an event and a follow-up; 200,000 steps | ≥ 40,000 steps/s | 39,900 (39,000–41,000) steps/s | \
         **missed** |",
        "| latency | enqueue to handler, median | ≤ 1 ms | 0.89 ms | met |",
        "| import | the CSV file | ≤ 15 s | not measured yet | not run |",
        "| a no-op job by the bare calls | 3.0 | 7.2 |",
        "| Processor | some, 2 cores |",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}\n\n{page}");
    }
}

#[test]
fn a_quick_run_says_so_and_judges_nothing() {
    let page = markdown(&canned(), &machine(), true);
    assert!(page.contains("A quick run") && !page.contains("| met |") && !page.contains("**missed**"));
    assert!(page.contains("| ≥ 90,000 jobs/s | 101,000 jobs/s |  |"), "{page}");
}

#[test]
fn peers_that_could_not_be_run_say_why() {
    let page = markdown(&canned(), &machine(), false);
    let row = |title: &str| page.lines().find(|line| line.starts_with(&format!("| {title}"))).unwrap();
    assert!(row("BullMQ (Rust) 1.2.3").contains("| Redis | 23,000 | 33,000 | add_bulk |"), "{page}");
    assert!(row("BullMQ (Node) 1.2.3").contains("| not run: npm is missing (os error 2) | – |"), "{page}");
    assert!(row("graphile-worker").contains("| PostgreSQL | not measured yet |"), "{page}");
}

#[test]
fn the_page_is_whole_markdown() {
    let page = markdown(&Results::default(), &machine(), false);
    assert!(page.starts_with("# Benchmarks\n") && page.ends_with("`target/bench`.\n"));
    assert!(!page.contains("\\n") && !page.contains("NaN"));
    for table in page.split("\n\n").filter(|block| block.starts_with('|')) {
        let columns: Vec<usize> = table.trim_end().lines().map(|line| line.matches('|').count()).collect();
        assert!(columns.iter().all(|count| *count == columns[0]), "{table}");
    }
}

#[test]
fn the_chart_has_a_bar_for_each_that_ran_and_the_longest_fills_it() {
    let chart = chart::svg(&canned());
    assert_eq!(chart.matches("<rect class=\"ours\"").count(), 2, "{chart}");
    assert_eq!(chart.matches("<rect class=\"peer\"").count(), 1, "{chart}");
    assert!(chart.contains(">101,000<") && chart.contains(">23,000<"), "{chart}");
    assert!(chart.contains("prefers-color-scheme: dark") && chart.ends_with("</svg>\n"));
    assert!(chart::svg(&Results::default()).contains("nothing was measured"));
}
