//! The demo's answer: a funnel, the proof, JSON.

use std::path::Path;
use std::time::Duration;

use gangway_jobs::onboarding::Stage;
use serde::Serialize;

use super::proof::Evidence;
use crate::output::table::{Table, number};
use crate::progress::rate;
use crate::wiring::work::Worked;

/// As programs get it.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    rows: u64,
    enqueued: u64,
    duplicates: u64,
    conflicts: u64,
    revived: u64,
    refused_rows: u64,
    onboardings: Onboardings,
    api: Api,
    events: u64,
    lost: i64,
    duplicate_customers: u64,
    elapsed_s: f64,
}

#[derive(Debug, Serialize)]
struct Onboardings {
    approved: u64,
    rejected: u64,
    dead: u64,
    expired: u64,
    cancelled: u64,
    erased: u64,
    in_progress: u64,
}

#[derive(Debug, Serialize)]
struct Api {
    customers: u64,
    creates: u64,
    links: u64,
    polls: u64,
}

/// The answer for programs.
pub(crate) fn answer(evidence: &Evidence<'_>, elapsed: Duration) -> Answer {
    let Evidence { import, account, audit, .. } = evidence;
    Answer {
        rows: import.rows,
        enqueued: import.enqueued,
        duplicates: import.duplicates,
        conflicts: import.conflicts,
        revived: import.revived,
        refused_rows: import.refused,
        onboardings: Onboardings {
            approved: account.of(Stage::Approved),
            rejected: account.of(Stage::Rejected),
            dead: account.of(Stage::Dead),
            expired: account.of(Stage::Expired),
            cancelled: account.of(Stage::Cancelled),
            erased: account.of(Stage::Erased),
            in_progress: account.in_progress(),
        },
        api: Api {
            customers: audit.customers,
            creates: audit.creates,
            links: audit.links,
            polls: audit.polls,
        },
        events: account.events,
        lost: evidence.lost(),
        duplicate_customers: evidence.duplicate_customers(),
        elapsed_s: (elapsed.as_secs_f64() * 1_000.0).round() / 1_000.0,
    }
}

/// The answer for people.
pub(crate) fn text(evidence: &Evidence<'_>, worked: &Worked, elapsed: Duration, folder: &Path) -> String {
    let checks: Vec<String> = evidence
        .checks()
        .iter()
        .map(|check| format!("  {} {}\n", if check.holds { "✓" } else { "✗" }, check.text))
        .collect();
    let verdict = if evidence.adds_up() { "it adds up" } else { "IT DOES NOT ADD UP: please report this" };
    format!(
        "\n{}\n{}\nproof\n{}  {verdict}, after {:.1} s\n\nin {}: results.csv, refused.csv, outbox.ndjson, \
         customers.csv, gangway.db\n",
        funnel(evidence).render(),
        effort(evidence, worked),
        checks.concat(),
        elapsed.as_secs_f64(),
        folder.display()
    )
}

fn funnel(evidence: &Evidence<'_>) -> Table {
    let Evidence { import, account, .. } = evidence;
    let mut table = Table::new(&[1]);
    table.row(["rows in the file".to_owned(), number(import.rows)]);
    table.row(["  refused, duplicates, conflicts".to_owned(), {
        number(import.refused + import.duplicates + import.conflicts)
    }]);
    table.row(["onboardings".to_owned(), number(account.onboardings())]);
    table.row(["  customers created".to_owned(), number(account.with_customer)]);
    for stage in Stage::ALL {
        if account.of(stage) > 0 {
            table.row([format!("  {stage}"), number(account.of(stage))]);
        }
    }
    table
}

fn effort(evidence: &Evidence<'_>, worked: &Worked) -> String {
    let (audit, counts) = (evidence.audit, worked.counts);
    let faults: u64 = audit.faults.values().sum();
    let requests: u64 = audit.requests.values().sum();
    format!(
        "  {} calls, {} of them answered with a planted fault\n  {} attempts at {}, {} tried again, {} given back at no cost\n",
        number(requests),
        number(faults),
        number(counts.attempts),
        rate(counts.attempts, worked.elapsed),
        number(counts.retried),
        number(counts.given_back),
    )
}
