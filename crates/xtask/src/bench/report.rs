//! `docs/benchmarks.md`, from the newest results. Not a figure in it is written by hand.

use std::fmt::Write as _;

use super::goals::{self, Row, Verdict};
use super::machine::Machine;
use super::peers::Peer;
use super::results::Results;

#[cfg(test)]
mod tests;

const HEAD: &str = "\
# Benchmarks

<!-- Written by `cargo xtask bench`; changes by hand are lost. -->

";

/// What of which the processor time is told, and its measurement.
const WORK: [(&str, &str); 7] = [
    ("a no-op job through a worker", "drain-1"),
    ("a no-op job by the bare calls", "bare"),
    ("a step with a record, an event and a follow-up", "chain"),
    ("a customer handed in", "enqueue"),
    ("a whole onboarding", "pipeline"),
    ("a no-op job on SQLite", "embedded-drain"),
    ("a whole onboarding on SQLite", "embedded-pipeline"),
];

const QUICK: &str = "\
> A quick run: it shows that everything works. Its sizes are far too small for its figures to mean anything.
";

const METHOD: &str = "\
## How it is measured

- Every run has a server of its own, started for it and dropped after it: Redis with `appendonly yes`, `appendfsync everysec`
  and `noeviction`, without rewrites of the log (from nothing it doubles every second, and a second process would rewrite it
  beside the measurement), everything else as it comes. Server, worker, and whatever else a case needs share one machine.
- What belongs together is run in turns: ours, the bare calls, the peers, and again from the first. A result is the median of the
  runs, with the smallest and the largest behind it.
- Gangway's cases run through the public crates with all checks on: the lease's token, pause, circuit, rate limit (set above what
  can be reached), records, counters. Only the handlers are replaced where a row says *no-op*; each still decodes its payload.
- The payload is one customer, about 120 bytes of JSON, the same for every queue.
- *drain* counts from the end of a pause, with all workers up, until no job is left in the store. For a peer the clock stops when
  its last handler has begun, which is in the peer's favour.
- *bare* makes the drain's lease and settle calls in batches of 500 in two loops, without a worker around them.
- *latency* has producer and worker on connections of their own, one job at a time, 10 to 30 ms apart; it runs from the call of
  enqueue, not from its answer.
- *waiting* brings customers through create and link to their first poll by the store's own calls. The median lease of 100 due
  polls is timed beside 1,000 and beside all of them.
- *pipeline* calls the simulator, in a process of its own, without any latency; it approves at the third poll. The bare calls are a
  plain HTTP client with as many onboardings at once: no store, no record, no event; what dies on the way is gone.

## Measure it yourself

```sh
cargo xtask bench                  # everything; Node and PostgreSQL are needed only for the peers that use them
cargo xtask bench drain --runs 5   # one case, and the report from the newest result of each
cargo xtask bench --quick          # only whether it works
```

Raw results are in `target/bench`.
";

/// The page. That of a quick run judges nothing.
pub(super) fn markdown(results: &Results, machine: &Machine, quick: bool) -> String {
    let mut page = String::from(HEAD);
    let mut line = |text: &str| {
        page.push_str(text);
        page.push('\n');
    };
    if quick {
        line(QUICK);
    }
    line(&format!("Measured on {}{}.", machine.date, measured(results)));
    line("\n![No-op jobs a second](benchmarks.svg)\n");
    line("## Goals\n\n| case | what | goal | result | |\n|---|---|---|---|---|");
    for Row { case, what, goal, result, verdict } in goals::rows(results) {
        let verdict = if quick { Verdict::Told } else { verdict };
        line(&format!("| {case} | {what} | {goal} | {result} | {} |", verdict.text()));
    }
    line("\n## Beside other queues\n");
    line("No-op jobs, drained from a backlog; each by its own documented fast path, in the same turns.\n");
    line("| queue | store | drain, jobs/s | enqueue, jobs/s | settings | what a job can rely on |");
    line("|---|---|---|---|---|---|");
    line(&ours(results));
    for (peer, version) in &machine.versions {
        line(&theirs(results, *peer, version));
    }
    line("\n## Where the time goes\n");
    line(
        "Processor time of each, in microseconds; Redis has one thread, so a million divided by its figure is the wall.\n",
    );
    line("| | worker or producer | Redis |\n|---|---|---|");
    for (what, name) in WORK {
        let figure = |field| results.spread(name, field).map_or("–".to_owned(), |found| found.text(1));
        line(&format!("| {what} | {} | {} |", figure("own_us_each"), figure("server_us_each")));
    }
    line("\n## The machine\n\n| | |\n|---|---|");
    for (what, which) in &machine.lines {
        line(&format!("| {what} | {which} |"));
    }
    line("");
    page.push_str(METHOD);
    page
}

fn measured(results: &Results) -> String {
    let mut text = String::new();
    let commits: Vec<&str> = results.commits().into_iter().collect();
    if !commits.is_empty() {
        // Writing to a string does not fail.
        write!(text, " at {}", commits.join(", ")).unwrap_or_default();
    }
    if let Some((least, most)) = results.runs() {
        let runs = if least == most { format!("{most}") } else { format!("{least} to {most}") };
        write!(text, "; runs of each: {runs}").unwrap_or_default();
    }
    if let Some(load) = results.highest_load() {
        write!(text, "; highest load average when a run began: {load:.1}").unwrap_or_default();
    }
    text
}

fn ours(results: &Results) -> String {
    let figure = |name, field| results.spread(name, field).map_or("–".to_owned(), |found| found.text(0));
    let concurrency = results.told("drain-1", "concurrency").unwrap_or_else(|| "?".to_owned());
    format!(
        "| **Gangway**, one process | Redis | {} | {} | batches of 1,000, concurrency {concurrency} | At least once; a job's \
         end, its record, follow-up and event are one write, refused whole without the lease's random token. Pause, \
         circuit, rate limit and counters are part of it. |",
        figure("drain-1", "per_s"),
        figure("enqueue", "per_s"),
    )
}

fn theirs(results: &Results, peer: Peer, version: &str) -> String {
    let name = peer.name();
    let store = if peer == Peer::Graphile { "PostgreSQL" } else { "Redis" };
    let figure = |field| results.spread(name, field).map(|found| found.text(0));
    let drain = figure("drain_per_s").unwrap_or_else(|| {
        results
            .fault(name)
            .map_or("not measured yet", |fault| fault.lines().next().unwrap_or(fault))
            .to_owned()
    });
    format!(
        "| {} {version} | {store} | {drain} | {} | {} | {} |",
        peer.title(),
        figure("enqueue_per_s").unwrap_or_else(|| "–".to_owned()),
        results.told(name, "settings").unwrap_or_else(|| "–".to_owned()),
        peer.guarantees(),
    )
}
