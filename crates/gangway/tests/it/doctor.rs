//! `gangway doctor`: a good place is found good, and each bad one says what would mend it.

use serde_json::Value;

use crate::folder::{Folder, Ran, keys};

const ONE: &str = "reference,email,first_name,last_name,company_name\nC-1,ada@acme.example,Ada,Byron,Acme\n";
const SECRET: &str = "under-the-seventh-stone";

/// A folder with a secret of its own, a simulator's address, and a store.
fn good() -> (Folder, crate::folder::Simulator) {
    let mut folder = Folder::new();
    folder.set("GANGWAY__IDENTITY__SECRET", SECRET);
    let simulator = folder.simulate(&["--rate", "0"]);
    (folder, simulator)
}

/// The finding of a check; fails if there is none or it has another level.
#[track_caller]
fn finding(ran: &Ran, check: &str, level: &str) -> Value {
    let answer = ran.json();
    let findings = answer["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["check"] == check).unwrap_or(&Value::Null);
    assert_eq!(found["level"], level, "{check} in {answer}");
    found.clone()
}

#[track_caller]
fn remedy_names(finding: &Value, what: &str) {
    assert!(finding["remedy"].as_str().unwrap().contains(what), "{finding}");
}

fn doctor(folder: &Folder) -> Ran {
    folder.run(["doctor", "--json"])
}

#[test]
fn a_good_place_is_found_good_before_and_after_the_first_import() {
    let (folder, _simulator) = good();
    let before = doctor(&folder);
    assert_eq!((before.code, &before.json()["ok"]), (0, &Value::Bool(true)), "{before:?}");
    assert!(finding(&before, "store", "ok")["found"].as_str().unwrap().contains("not there yet"));
    assert!(!folder.path("gangway.db").exists(), "it made a store");

    folder.write("one.csv", ONE);
    assert_eq!(folder.run(["import", "one.csv"]).code, 0);
    let stored = std::fs::read(folder.path("gangway.db")).unwrap();
    let after = doctor(&folder);
    assert_eq!(after.code, 0, "{after:?}");
    assert_eq!(std::fs::read(folder.path("gangway.db")).unwrap(), stored, "it changed the store");
    for check in ["settings", "identity", "credential", "api", "store", "stamp", "circuit", "outbox"] {
        let found = finding(&after, check, "ok");
        assert_eq!(keys(&found), ["check", "found", "level", "remedy", "why"]);
        assert!(found["remedy"].is_null() && !found["why"].as_str().unwrap().is_empty(), "{found}");
    }
    remedy_names(&finding(&after, "workers", "warning"), "gangway worker");

    let text = folder.run(["doctor"]).stdout;
    assert_eq!(
        text.trim_end().lines().count(),
        after.json()["findings"].as_array().unwrap().len() + 2,
        "{text}"
    );
    for hidden in [SECRET, "ada@", "Byron", "C-1"] {
        assert!(!text.contains(hidden) && !after.stdout.contains(hidden), "{hidden} is in {text}");
    }
}

#[test]
fn a_wrong_secret_key_is_a_problem_with_its_remedy() {
    let (mut folder, _simulator) = good();
    folder.set("ONEMONEY_SECRET_KEY", "bm90LXRoZS1yaWdodC1vbmU");
    let ran = doctor(&folder);
    assert_eq!((ran.code, &ran.json()["ok"]), (1, &Value::Bool(false)));
    let api = finding(&ran, "api", "problem");
    assert!(api["found"].as_str().unwrap().contains("401"), "{api}");
    remedy_names(&api, "ONEMONEY_SECRET_KEY");
    assert!(!ran.stdout.contains("bm90LXRoZS1yaWdodC1vbmU"), "{ran:?}");
}

#[test]
fn a_credential_that_is_not_there_or_no_key_at_all_is_a_problem() {
    let (mut folder, _simulator) = good();
    folder.set("ONEMONEY_SECRET_KEY", "no base64!");
    let ran = doctor(&folder);
    remedy_names(&finding(&ran, "credential", "problem"), "ONEMONEY_SECRET_KEY");
    assert!(!ran.stdout.contains("no base64!"), "{ran:?}");
    folder.set("ONEMONEY_SECRET_KEY", "");
    let ran = doctor(&folder);
    assert_eq!(ran.code, 1);
    remedy_names(&finding(&ran, "credential", "problem"), "ONEMONEY_SECRET_KEY");
}

#[test]
fn an_api_that_is_not_there_is_a_problem() {
    let (folder, simulator) = good();
    drop(simulator);
    let ran = doctor(&folder);
    assert_eq!(ran.code, 1, "{ran:?}");
    let api = finding(&ran, "api", "problem");
    assert!(api["found"].as_str().unwrap().contains("not reached"), "{api}");
    remedy_names(&api, "gangway simulate");
}

#[test]
fn another_file_at_the_place_of_the_store_is_a_problem_and_stays_as_it_is() {
    let (folder, _simulator) = good();
    let text = "these are my notes, and no database at all\n".repeat(40);
    folder.write("gangway.db", &text);
    let ran = doctor(&folder);
    assert_eq!(ran.code, 1, "{ran:?}");
    remedy_names(&finding(&ran, "store", "problem"), "store.url");
    assert_eq!(folder.read("gangway.db"), text);
}

#[test]
fn a_store_in_no_folder_is_a_problem() {
    let (mut folder, _simulator) = good();
    folder.set("GANGWAY__STORE__URL", "sqlite:not here/gangway.db");
    let ran = doctor(&folder);
    assert_eq!(ran.code, 1, "{ran:?}");
    remedy_names(&finding(&ran, "folder", "problem"), "mkdir -p '");
    folder.set("GANGWAY__STORE__URL", "mysql://me:hidden@host/0");
    let ran = doctor(&folder);
    remedy_names(&finding(&ran, "store", "problem"), "sqlite:PATH");
    assert!(!ran.stdout.contains("hidden"), "{ran:?}");
}

#[test]
fn a_store_of_other_settings_is_a_problem() {
    let (mut folder, _simulator) = good();
    folder.write("one.csv", ONE);
    assert_eq!(folder.run(["import", "one.csv"]).code, 0);
    folder.set("GANGWAY__API__ENTITY", "another");
    let ran = doctor(&folder);
    assert_eq!(ran.code, 1, "{ran:?}");
    let stamp = finding(&ran, "stamp", "problem");
    assert!(stamp["found"].as_str().unwrap().contains("api.entity"), "{stamp}");
}

#[test]
fn the_default_secret_is_a_warning_beside_a_simulator_and_a_problem_elsewhere() {
    let (mut folder, _simulator) = good();
    folder.set("GANGWAY__IDENTITY__SECRET", "");
    let ran = doctor(&folder);
    assert_eq!(ran.code, 0, "{ran:?}");
    remedy_names(&finding(&ran, "identity", "warning"), "GANGWAY__IDENTITY__SECRET");
    // A name that nobody may ever have.
    folder.set("GANGWAY__API__BASE_URL", "https://api.invalid");
    let ran = doctor(&folder);
    assert_eq!(ran.code, 1, "{ran:?}");
    finding(&ran, "identity", "problem");
    finding(&ran, "api", "problem");
}

#[test]
fn what_waits_for_a_person_is_a_warning() {
    let (folder, _simulator) = good();
    folder.write("one.csv", ONE);
    assert_eq!(folder.run(["import", "one.csv"]).code, 0);
    assert_eq!(folder.run(["queue", "pause", "link.create"]).code, 0);
    let ran = doctor(&folder);
    assert_eq!(ran.code, 0, "{ran:?}");
    remedy_names(&finding(&ran, "paused", "warning"), "gangway queue resume");
}

#[test]
fn an_event_that_nobody_reads_is_a_warning_once_it_is_old() {
    let (mut folder, _simulator) = good();
    folder.write("one.csv", ONE);
    assert_eq!(folder.run(["run", "one.csv", "--until", "linked"]).code, 0);
    assert!(
        finding(&doctor(&folder), "outbox", "ok")["found"].as_str().unwrap().contains("no group is late")
    );
    folder.set("GANGWAY__OUTBOX__RETENTION", "1ms");
    remedy_names(&finding(&doctor(&folder), "outbox", "warning"), "gangway outbox read --group main --ack");
    assert_eq!(folder.run(["outbox", "read", "--ack"]).code, 0);
    finding(&doctor(&folder), "outbox", "ok");
}

#[cfg(unix)]
#[test]
fn a_store_that_others_may_read_is_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, _simulator) = good();
    folder.write("one.csv", ONE);
    assert_eq!(folder.run(["import", "one.csv"]).code, 0);
    finding(&doctor(&folder), "permissions", "ok");
    std::fs::set_permissions(folder.path("gangway.db"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let ran = doctor(&folder);
    assert_eq!(ran.code, 0, "{ran:?}");
    remedy_names(&finding(&ran, "permissions", "warning"), "chmod 600 ");
}

#[test]
fn settings_that_cannot_be_read_keep_it_from_looking() {
    let mut folder = Folder::new();
    folder.set("GANGWAY__API__TIMEOUT", "soon");
    folder.run(["doctor", "--json"]).refused(&["api.timeout"]);
}
