//! Import, work and results between separate processes, as in production.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::folder::Folder;

/// Settings and a simulator under which days pass in seconds.
fn fast(folder: &mut Folder) {
    for (name, value) in [
        ("GANGWAY__API__RATE_PER_SECOND", "2000"),
        ("GANGWAY__POLL__MIN_INTERVAL", "100ms"),
        ("GANGWAY__POLL__MAX_INTERVAL", "500ms"),
        ("GANGWAY__RETRY__INITIAL", "50ms"),
    ] {
        folder.set(name, value);
    }
    folder.write(
        "knobs.json",
        json!({ "links": { "clock": "wall" }, "lifecycle": { "rejected": 0.0, "pending_response": 0.0 } })
            .to_string(),
    );
}

fn customers(count: usize) -> String {
    let header = "reference,email,first_name,last_name,company_name\n".to_owned();
    let rows = (0..count).map(|n| format!("C-{n},ada{n}@acme.example,Ada,Byron,Acme\n"));
    std::iter::once(header).chain(rows).collect()
}

#[test]
fn run_brings_a_file_aboard_and_a_second_run_makes_nobody() {
    let mut folder = Folder::new();
    fast(&mut folder);
    let _simulator = folder.simulate(&["--rate", "0", "--speed", "6000", "--knobs", "knobs.json"]);
    folder.write("some.csv", customers(25));
    let ran = folder.run(["run", "some.csv", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let answer = ran.json();
    assert_eq!(answer["import"]["enqueued"], 25);
    assert_eq!(answer["status"]["onboardings"]["by_stage"]["approved"], 25);

    let again = folder.run(["run", "some.csv", "--json"]).json();
    assert_eq!(again["import"]["duplicates"], 25);
    assert_eq!(again["status"]["onboardings"]["total"], 25);

    let shown = folder.run(["show", "C-7", "--json"]).json();
    assert_eq!((&shown["stage"], &shown["kyb_status"]), (&json!("approved"), &json!("APPROVED")));
    let by_customer = folder.run(["show", shown["customer_id"].as_str().unwrap(), "--json"]).json();
    assert_eq!(by_customer["id"], shown["id"]);
}

#[test]
fn a_pruned_onboarding_is_erased_by_its_id_and_exports_are_private() {
    let mut folder = Folder::new();
    fast(&mut folder);
    let _simulator = folder.simulate(&["--rate", "0", "--speed", "6000", "--knobs", "knobs.json"]);
    folder.write("customers.csv", customers(2));
    assert_eq!(folder.run(["run", "customers.csv", "--json"]).code, 0);
    assert_eq!(folder.run(["prune", "--records", "0s"]).code, 0);
    let event: Value =
        serde_json::from_str(folder.run(["outbox", "export"]).stdout.lines().next().unwrap()).unwrap();
    let id = event["subject"].as_str().unwrap();

    folder.run(["show", id]).refused(&["no onboarding is known"]);
    assert_eq!(folder.run(["erase", id]).code, 0);
    assert_eq!(folder.run(["outbox", "export", "--to", "events.ndjson"]).code, 0);
    let events: Vec<Value> =
        folder.read("events.ndjson").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (erased, kept): (Vec<_>, Vec<_>) = events.iter().partition(|event| event["subject"] == id);
    assert!(!erased.is_empty() && erased.iter().all(|event| event["data"]["reference"].is_null()));
    assert!(!kept.is_empty() && kept.iter().all(|event| event["data"]["reference"].is_string()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.path("events.ndjson")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "links are in it");
    }
}

#[test]
fn a_worker_stops_in_good_order_and_a_link_is_made_while_it_runs() {
    let mut folder = Folder::new();
    fast(&mut folder);
    // Nobody acts, so that the customer stays at its form.
    folder.write("knobs.json", r#"{"lifecycle":{"users":false}}"#);
    let _simulator = folder.simulate(&["--rate", "0", "--speed", "1", "--knobs", "knobs.json"]);
    folder.write("one.csv", customers(1));
    assert_eq!(folder.run(["import", "one.csv"]).code, 0);
    let mut worker =
        folder.command(["worker", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until(|| folder.run(["show", "C-0", "--json"]).json()["stage"] == "linked");

    let link = folder.run(["link", "C-0", "--json"]).json();
    assert_eq!(link["result"], "queued");
    assert!(link["url"].as_str().unwrap().starts_with("http"), "{link}");
    assert_eq!(folder.run(["hint", "C-0", "--json"]).json(), json!({ "result": "hastened" }));

    terminate(worker.id());
    let left = worker.wait_with_output_within(Duration::from_secs(20));
    let answer: Value = serde_json::from_str(left.stdout.trim()).unwrap();
    assert_eq!((left.code, &answer["newly_dead"]), (0, &json!(0)));
    assert!(left.stderr.contains("stopping"), "{}", left.stderr);
    assert!(!left.stderr.contains(link["url"].as_str().unwrap()), "a link is in the log");
}

#[test]
fn a_customer_that_the_api_refuses_is_a_dead_letter_and_exit_code_1() {
    let mut folder = Folder::new();
    fast(&mut folder);
    let _simulator = folder.simulate(&["--rate", "0", "--speed", "6000", "--knobs", "knobs.json"]);
    folder.write("first.csv", customers(1));
    assert_eq!(folder.run(["run", "first.csv"]).code, 0);
    // The same e-mail from another store, under another reference: the API knows it already.
    folder.write("second.csv", customers(1).replace("C-0", "X-0"));
    folder.set("GANGWAY__STORE__URL", "sqlite:other.db");
    let ran = folder.run(["run", "second.csv", "--json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let dead = folder.run(["dead", "list", "--json"]).json();
    assert_eq!(dead["dead"][0]["code"], "email_taken");
    assert!(!dead.to_string().contains("ada0@"), "{dead}");
    assert_eq!(folder.run(["dead", "show", "X-0", "--json"]).json(), dead);
    assert_eq!(folder.run(["dead", "redrive", "X-0", "--json"]).json(), json!({ "redriven": 1 }));
    assert_eq!(folder.run(["worker", "--until-idle", "--json"]).code, 1);
    assert_eq!(folder.run(["dead", "drop", "--all", "--json"]).json(), json!({ "dropped": 1 }));
}

#[test]
fn a_rotated_credential_needs_no_restart() {
    let mut folder = Folder::new();
    fast(&mut folder);
    let simulator = folder.simulate(&["--rate", "0", "--speed", "6000", "--knobs", "knobs.json"]);
    let keys = |access: &str| format!("ONEMONEY_ACCESS_KEY={access}\nONEMONEY_SECRET_KEY=bmV3LXNlY3JldA\n");
    folder.write("keys.env", keys("the-old-one"));
    folder.set("ONEMONEY_ACCESS_KEY", "").set("ONEMONEY_SECRET_KEY", "");
    folder.set("GANGWAY__API__CREDENTIALS_FILE", "keys.env");
    folder.write("one.csv", customers(3));
    assert_eq!(folder.run(["import", "one.csv"]).code, 0);
    simulator.put("/_credentials", &json!({ "access_key": "the-new-one", "secret_key": "bmV3LXNlY3JldA" }));
    let mut worker = folder
        .command(["worker", "--until-idle", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until(|| folder.run(["circuit", "--json"]).json()["state"] != "closed");
    folder.write("keys.env", keys("the-new-one"));
    let left = worker.wait_with_output_within(Duration::from_secs(30));
    assert_eq!(left.code, 0, "{left:?}");
    assert!(!left.stderr.contains("the-new-one") && !left.stderr.contains("bmV3LXNlY3JldA"), "{left:?}");
    assert_eq!(folder.run(["status", "--json"]).json()["onboardings"]["by_stage"]["approved"], 3);
}

#[test]
fn the_second_signal_ends_at_once_and_the_next_worker_goes_on() {
    let mut folder = Folder::new();
    fast(&mut folder);
    folder.set("GANGWAY__WORKER__LEASE", "1s");
    let simulator = folder.simulate(&["--rate", "0", "--speed", "6000", "--knobs", "knobs.json"]);
    simulator.put("/_faults", &json!({ "latency": { "kind": "fixed", "ms": 20_000.0 } }));
    folder.write("one.csv", customers(1));
    assert_eq!(folder.run(["import", "one.csv"]).code, 0);
    let log = std::fs::File::create(folder.path("worker.log")).unwrap();
    let mut worker = folder.command(["worker"]).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let running = || folder.run(["status", "--json"]).json()["jobs"]["customer.create"]["running"] == 1;
    wait_until(running);
    terminate(worker.id());
    wait_until(|| folder.read("worker.log").contains("leasing stops"));
    assert!(worker.try_wait().unwrap().is_none(), "it did not wait for its call");
    terminate(worker.id());
    assert_eq!(worker.wait_with_output_within(Duration::from_secs(5)).code, 130);

    simulator.put("/_faults", &json!({ "plan": "none" }));
    assert_eq!(folder.run(["worker", "--until-idle"]).code, 0);
    assert_eq!(folder.run(["status", "--json"]).json()["onboardings"]["by_stage"]["approved"], 1);
}

trait Within {
    fn wait_with_output_within(&mut self, at_most: Duration) -> crate::folder::Ran;
}

impl Within for std::process::Child {
    fn wait_with_output_within(&mut self, at_most: Duration) -> crate::folder::Ran {
        let begun = Instant::now();
        while self.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < at_most, "the process did not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        let read = |mut pipe: Box<dyn std::io::Read>| {
            let mut text = String::new();
            pipe.read_to_string(&mut text).unwrap();
            text
        };
        crate::folder::Ran {
            code: self.wait().unwrap().code().unwrap_or(-1),
            stdout: read(Box::new(self.stdout.take().unwrap())),
            // Empty if it went to a file.
            stderr: self.stderr.take().map(|pipe| read(Box::new(pipe))).unwrap_or_default(),
        }
    }
}

fn terminate(pid: u32) {
    let killed = std::process::Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap();
    assert!(killed.success());
}

fn wait_until(mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}
