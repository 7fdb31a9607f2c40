//! `docs/faults.md`: the table, as the run itself writes it.

use std::fmt::Write as _;
use std::path::Path;

use gangway_testkit::faults::all;

use super::record::Records;

/// Scenarios that need the program's own HTTP server, which is not there yet.
const WAITING: [(&str, &str); 3] = [
    ("s47", "a webhook before the create's answer, five times, out of order"),
    ("s49", "a webhook with a forged signature, an old time, or an id seen before"),
    ("s56", "signed webhooks as a slow consumer of the outbox"),
];

pub(super) fn write(path: &Path, records: &Records) -> Result<(), String> {
    std::fs::write(path, text(records))
        .map_err(|error| format!("could not write {}: {error}", path.display()))
}

fn text(records: &Records) -> String {
    let mut rows = String::new();
    for scenario in all() {
        let Some(record) = records.full(scenario.name) else {
            put(
                &mut rows,
                format_args!("| `{}` | {} | not told yet | | | | | |", scenario.name, scenario.shows),
            );
            continue;
        };
        let recovery = record.recovery.map_or_else(|| "–".to_owned(), |seconds| format!("{seconds:.1} s"));
        put(
            &mut rows,
            format_args!(
                "| `{}` | {} | {} | {} | {} | {recovery} | {:.0} s | {} at `{}`: {} |",
                record.name,
                scenario.shows,
                record.seed,
                record.customers,
                record.hurts,
                record.seconds,
                if record.held { "survived" } else { "**broken**" },
                record.commit,
                record.result.replace('|', "\\|").replace('\n', " "),
            ),
        );
    }
    let waiting: Vec<String> = WAITING.iter().map(|(name, what)| format!("- `{name}`: {what}")).collect();
    format!("{HEAD}\n{rows}\n## Waiting for the HTTP server\n\n{}\n", waiting.join("\n"))
}

fn put(rows: &mut String, row: std::fmt::Arguments<'_>) {
    // Writing to a text cannot fail.
    writeln!(rows, "{row}").unwrap_or_default();
}

const HEAD: &str = "\
# What Gangway survives

Written by `cargo xtask faults --all`; do not edit it. Each scenario runs the real program, the API simulator and Redis (or the
embedded store) as processes of their own, hurts them, and ends in the same accounts: every customer taken in has exactly one
end, nobody exists twice at the API, each round has one terminal event, a customer's sequence has no gap, no log holds an
e-mail address. *Hurts* counts kills, stops, cuts and refusals; *recovery* is the time from the end of the worst one until
work went on.

`cargo xtask faults` tells the short set, `cargo xtask faults s07` one scenario, `--seed N` with other chances.

| scenario | what happens, and what must hold | seed | customers | hurts | recovery | told in | result |
|---|---|---|---|---|---|---|---|";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_row_for_each_scenario_told_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::open(&folder.path().join("none")).unwrap();
        let text = text(&records);
        for scenario in all() {
            assert!(text.contains(scenario.name), "{}", scenario.name);
        }
        for (name, _) in WAITING {
            assert!(text.contains(name), "{name}");
        }
    }
}
