//! What commands answer, as the programs that read it need it.

use serde_json::json;

use crate::folder::{Folder, keys};

const TWO: &str = "reference,email,first_name,last_name,company_name\n\
                   C-1,ada@acme.example,Ada,Byron,Acme\nC-2,grace@navy.example,Grace,Hopper,Navy\n";

fn with_two() -> Folder {
    let folder = Folder::new();
    folder.write("two.csv", TWO);
    assert_eq!(folder.run(["import", "two.csv"]).code, 0);
    folder
}

#[test]
fn an_import_counts_each_row_once_however_often_it_runs() {
    let folder = Folder::new();
    folder.write("rows.csv", format!("{TWO}C-3,nobody,No,Body,None\nC-1,ada@acme.example,Ada,Byron,Other\n"));
    let dry = folder.run(["import", "rows.csv", "--dry-run", "--json"]);
    assert_eq!(dry.code, 1, "{dry:?}");
    let sums = |enqueued: u64, duplicates: u64| {
        json!({ "rows": 4, "enqueued": enqueued, "duplicates": duplicates, "conflicts": 1, "revived": 0,
                "refused": 1, "report": "rows.refused.csv" })
    };
    assert_eq!(dry.json(), sums(2, 0));
    assert!(!folder.path("gangway.db").exists(), "a dry run has made a store");
    assert_eq!(folder.run(["import", "rows.csv", "--json"]).json(), sums(2, 0));
    assert_eq!(folder.run(["import", "rows.csv", "--json"]).json(), sums(0, 2));
    let report = folder.read("rows.refused.csv");
    assert!(report.contains("3,email,invalid_email,") && report.contains("4,,conflict_content,"), "{report}");
    assert!(!report.contains("nobody"));
}

#[test]
fn the_status_has_every_stage_and_kind() {
    let folder = with_two();
    let status = folder.run(["status", "--json"]).json();
    assert_eq!(keys(&status), ["circuit", "jobs", "limits", "onboardings", "outbox", "paused", "workers"]);
    assert_eq!(status["onboardings"]["total"], 2);
    assert_eq!(status["onboardings"]["by_stage"]["accepted"], 2);
    assert_eq!(status["onboardings"]["by_stage"].as_object().unwrap().len(), 11);
    assert_eq!(
        status["jobs"]["customer.create"],
        json!({ "available": 2, "scheduled": 0, "running": 0, "retryable": 0, "dead": 0 })
    );
    assert_eq!(keys(&status["jobs"]), ["customer.create", "link.create", "status.poll"]);
    assert_eq!(status["outbox"], json!({ "length": 0, "groups": { "main": 0 } }));
    assert_eq!(status["circuit"], json!({ "state": "closed", "reason": "" }));
    let text = folder.run(["status"]).stdout;
    assert!(text.contains("2 = 0 ended + 2 in progress"), "{text}");
}

#[test]
fn an_onboarding_is_found_by_its_names_and_shown_without_what_is_personal() {
    let folder = with_two();
    let shown = folder.run(["show", " C-1 ", "--json"]);
    let value = shown.json();
    assert_eq!(
        (&value["stage"], &value["reference"], &value["row"]),
        (&json!("accepted"), &json!("C-1"), &json!(1))
    );
    assert_eq!(value["jobs"][0]["kind"], "customer.create");
    let by_id = folder.run(["show", value["id"].as_str().unwrap()]);
    assert_eq!(by_id.code, 0);
    for personal in ["ada@", "Ada", "Byron", "Acme"] {
        assert!(!shown.stdout.contains(personal) && !by_id.stdout.contains(personal), "{personal}");
    }
    folder.run(["show", "C-9"]).refused(&["no onboarding is known"]);
}

#[test]
fn cancel_and_erase_end_an_onboarding_and_publish_it() {
    let folder = with_two();
    assert_eq!(
        folder.run(["outbox", "group", "add", "g", "--json"]).json(),
        json!({ "group": "g", "new": true })
    );
    assert_eq!(folder.run(["cancel", "C-1", "--json"]).json(), json!({ "result": "cancelled" }));
    assert_eq!(folder.run(["cancel", "C-1"]).stdout, "had ended before: cancelled\n");
    assert_eq!(folder.run(["erase", "C-2", "--json"]).json(), json!({ "result": "erased" }));
    folder.run(["show", "C-2"]).refused(&["no onboarding is known"]);

    let read = || folder.run(["outbox", "read", "--group", "g"]).stdout;
    let (first, again) = (read(), read());
    assert_eq!(first.lines().count(), 2, "{first}");
    assert_eq!(first, again, "without --ack nothing is hidden from the next reader");
    let acked = folder.run(["outbox", "read", "--group", "g", "--count", "1", "--ack", "--json"]).json();
    assert_eq!(acked["events"][0]["type"], "onboarding.cancelled");
    assert_eq!(read().lines().count(), 1);
    assert_eq!(folder.run(["outbox", "export"]).stdout.lines().count(), 2);
    assert_eq!(
        folder.run(["status", "--json"]).json()["outbox"],
        json!({ "length": 2, "groups": { "g": 1, "main": 2 } })
    );
    folder.run(["outbox", "read", "--group", "none"]).refused(&["no outbox group", "outbox group add none"]);
}

#[test]
fn what_steers_answers_what_it_did() {
    let folder = with_two();
    assert_eq!(
        folder.run(["queue", "pause", "create", "--json"]).json(),
        json!({ "paused": ["customer.create"] })
    );
    assert_eq!(folder.run(["queue", "resume"]).stdout, "nothing is paused\n");
    assert_eq!(folder.run(["hint", "C-1", "--json"]).json(), json!({ "result": "too_early" }));
    assert_eq!(folder.run(["link", "C-1", "--json"]).json(), json!({ "result": "too_early" }));
    assert_eq!(folder.run(["circuit"]).stdout, "closed\n");
    assert_eq!(folder.run(["circuit", "resolve", "--retry", "--json"]).json()["resolved"], json!([]));
    assert_eq!(folder.run(["dead", "list", "--json"]).json(), json!({ "dead": [] }));
    folder.run(["dead", "redrive", "--all"]).refused(&["no dead letter fits"]);
    assert_eq!(
        folder.run(["prune", "--records", "0s", "--json"]).json(),
        json!({ "records": 0, "events": 0 })
    );
}

#[test]
fn the_settings_in_force_are_shown_without_secrets() {
    let mut folder = Folder::new();
    folder.set("GANGWAY__IDENTITY__SECRET", "hush-hush").set("GANGWAY__API__TIMEOUT", "20s");
    folder.set("ONEMONEY_ACCESS_KEY", "an-access-key").set("ONEMONEY_SECRET_KEY", "c2VjcmV0LWtleQ");
    let text = folder.run(["config"]).stdout;
    for secret in ["hush-hush", "an-access-key", "c2VjcmV0LWtleQ"] {
        assert!(!text.contains(secret), "{text}");
    }
    let shown = folder.run(["config", "--json"]).json();
    assert_eq!(
        shown["settings"]["api.timeout"],
        json!({ "value": "20s", "origin": "GANGWAY__API__TIMEOUT" })
    );
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let folder = Folder::new();
    let commands = [
        "demo",
        "run",
        "import",
        "worker",
        "simulate",
        "status",
        "show",
        "link",
        "hint",
        "cancel",
        "erase",
        "outbox",
        "outbox group",
        "outbox group add",
        "outbox read",
        "outbox ack",
        "outbox export",
        "dead",
        "dead list",
        "dead show",
        "dead redrive",
        "dead drop",
        "circuit",
        "circuit resolve",
        "queue",
        "queue pause",
        "queue resume",
        "queue limits",
        "prune",
        "config",
        "completions",
    ];
    for command in commands {
        let ran = folder.run(command.split(' ').chain(["--help"]));
        assert_eq!(ran.code, 0, "{command}");
        assert!(
            ran.stdout.contains("Example:\n  gangway ") || ran.stdout.contains("Example:\n  GANGWAY"),
            "{command}"
        );
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(folder.run(["completions", shell]).stdout.contains("gangway"));
    }
}
