//! The one command that a newcomer types.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::Value;

use crate::folder::{Folder, errors_of, keys};

#[test]
fn a_demo_adds_up_and_leaves_its_results() {
    let folder = Folder::new();
    let ran = folder.run(["demo", "--customers", "120", "--seed", "3", "--faults", "hostile", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let answer = ran.json();
    assert_eq!(
        keys(&answer),
        [
            "api",
            "conflicts",
            "duplicate_customers",
            "duplicates",
            "elapsed_s",
            "enqueued",
            "events",
            "lost",
            "onboardings",
            "refused_rows",
            "revived",
            "rows"
        ]
    );
    assert_eq!(
        keys(&answer["onboardings"]),
        ["approved", "cancelled", "dead", "erased", "expired", "in_progress", "rejected"]
    );
    assert_eq!(keys(&answer["api"]), ["creates", "customers", "links", "polls"]);
    let n = |value: &Value| value.as_u64().unwrap();
    assert_eq!((n(&answer["enqueued"]), n(&answer["lost"]), n(&answer["duplicate_customers"])), (120, 0, 0));
    assert_eq!(n(&answer["onboardings"]["in_progress"]), 0);
    assert!(n(&answer["refused_rows"]) >= 10 && n(&answer["conflicts"]) >= 2);

    let results = folder.read("gangway-demo/results.csv");
    assert_eq!(results.lines().next().unwrap(), "row,reference,customer_id,kyb_status,stage,error");
    assert_eq!(results.lines().count(), 121);
    let events = folder.read("gangway-demo/outbox.ndjson");
    assert_eq!(events.lines().count() as u64, n(&answer["events"]));
    for line in events.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["specversion"], "1.0");
    }
    let refused = folder.read("gangway-demo/refused.csv");
    assert!(refused.lines().count() as u64 > n(&answer["refused_rows"]), "{refused}");
    nothing_personal(&folder, &[&ran.stdout, &ran.stderr, &events, &results, &refused]);
}

#[test]
fn a_second_demo_replaces_the_first_and_nothing_else() {
    let folder = Folder::new();
    let demo = ["demo", "--customers", "3", "--faults", "none"];
    let first = folder.run(demo);
    assert_eq!(first.code, 0, "{first:?}");
    assert!(
        first.stdout.contains("✓ 3 customers at the API = 3 onboardings with a customer id"),
        "{first:?}"
    );
    assert!(first.stdout.contains("it adds up"));
    assert_eq!(folder.run(demo).code, 0);

    folder.write("precious.txt", "mine");
    folder.run(["demo", "--dir", "."]).refused(&["holds files that no demo made", "--dir"]);
    assert_eq!(folder.read("precious.txt"), "mine");
}

#[test]
fn a_log_at_its_loudest_names_nobody() {
    let mut folder = Folder::new();
    folder.set("GANGWAY__LOG__FILTER", "trace").set("GANGWAY__LOG__FORMAT", "json");
    let ran = folder.run(["demo", "--customers", "20", "--faults", "hostile", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert!(ran.stderr.lines().count() > 100);
    nothing_personal(&folder, &[&ran.stderr]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let folder = Folder::new();
    let mut child = folder.command(["config"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Closed before a byte is read.
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(errors_of(&mut child), "");

    let mut child = folder
        .command(["config", "--defaults"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Fails if a text holds an e-mail or a name of the made-up customers.
#[track_caller]
fn nothing_personal(folder: &Folder, texts: &[&str]) {
    for row in folder.read("gangway-demo/customers.csv").lines().skip(1) {
        let mut cells = row.split(',');
        let (_reference, email) = (cells.next(), cells.next().unwrap_or_default());
        let (first, last) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
        let name = format!("{first} {last}");
        for text in texts {
            // A cell that was cut or planted empty is in every text.
            assert!(email.len() < 6 || !text.contains(email), "{email}");
            assert!(name.len() < 6 || !text.contains(&name), "{name}");
        }
    }
}
