//! What is changed for all workers while they run.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::folder::{Folder, keys};

fn with_customers(count: usize) -> Folder {
    let folder = Folder::new();
    let rows: Vec<String> =
        (0..count).map(|n| format!("C-{n},ada{n}@acme.example,Ada,Byron,Acme\n")).collect();
    folder.write("some.csv", format!("reference,email,first_name,last_name,company_name\n{}", rows.concat()));
    assert_eq!(folder.run(["import", "some.csv"]).code, 0);
    folder
}

#[test]
fn limits_are_shown_set_and_reset() {
    let mut folder = with_customers(1);
    folder.set("GANGWAY__API__RATE_PER_SECOND", "7");
    let limits = |rate: f64, shares: [f64; 3], set: bool| {
        let [links, creates, polls] = shares;
        json!({ "rate_per_second": rate, "shares": { "links": links, "creates": creates, "polls": polls },
                "set": set })
    };
    let run = |arguments: &[&str]| folder.run([&["queue", "limits", "--json"], arguments].concat()).json();
    assert_eq!(run(&[]), limits(7.0, [0.3, 0.4, 0.3], false));
    assert_eq!(run(&["--rate", "2.5"]), limits(2.5, [0.3, 0.4, 0.3], true));
    assert_eq!(run(&["--shares", "0.2,0.6,0.2"]), limits(2.5, [0.2, 0.6, 0.2], true));
    assert_eq!(run(&["--rate", "4"]), limits(4.0, [0.2, 0.6, 0.2], true), "the shares stay");
    assert_eq!(run(&[]), limits(4.0, [0.2, 0.6, 0.2], true));
    assert_eq!(
        folder.run(["queue", "limits"]).stdout,
        "4 calls a second (links 0.2, creates 0.6, polls 0.2)\n\
         set for all workers until `gangway queue limits --reset`\n"
    );
    let status = folder.run(["status", "--json"]).json();
    assert_eq!(keys(&status["limits"]), ["rate_per_second", "shares"]);
    assert_eq!(status["limits"]["rate_per_second"], 4.0);
    let text = folder.run(["status"]).stdout;
    assert!(
        text.contains("limit    4 calls a second") && text.contains("workers  none is running"),
        "{text}"
    );

    assert_eq!(run(&["--reset"]), limits(7.0, [0.3, 0.4, 0.3], false));
    assert!(folder.run(["queue", "limits"]).stdout.contains("nothing is set"));
    assert_eq!(folder.run(["status", "--json"]).json()["limits"], Value::Null);
    assert!(!folder.run(["status"]).stdout.contains("limit "));
}

#[test]
fn a_limit_that_starves_somebody_is_refused_and_changes_nothing() {
    let folder = with_customers(1);
    for (arguments, says) in [
        (&["--rate", "0"][..], "api.rate_per_second must be more than 0"),
        (&["--rate", "-1"], "api.rate_per_second must be more than 0"),
        (&["--rate", "NaN"], "api.rate_per_second must be more than 0"),
        (&["--rate", "many"], "--rate"),
        (&["--shares", "0.5,0.5,0"], "the shares of the classes of calls must all be more than 0"),
        (&["--shares", "0.5,0.5,0.5"], "1 together"),
        (&["--shares", "1"], "three numbers"),
        (&["--reset", "--rate", "3"], "--reset"),
    ] {
        folder.run([&["queue", "limits"], arguments].concat()).refused(&[says]);
    }
    assert_eq!(folder.run(["queue", "limits", "--json"]).json()["set"], false);
}

#[test]
fn a_set_limit_holds_for_workers_that_run_and_a_raised_one_at_once() {
    const SLOW: [&str; 4] = ["queue", "limits", "--rate", "0.05"];
    let mut folder = with_customers(12);
    folder.set("GANGWAY__API__RATE_PER_SECOND", "2000");
    let simulator = folder.simulate(&["--rate", "0", "--speed", "1"]);
    // The store was made for another API.
    folder.set("GANGWAY__STORE__URL", "sqlite:simulated.db");
    assert_eq!(folder.run(["import", "some.csv"]).code, 0);
    assert_eq!(folder.run(SLOW).code, 0);
    let worker =
        Running(folder.command(["worker"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let status = || folder.run(["status", "--json"]).json();
    let accepted = || status()["onboardings"]["by_stage"]["accepted"].as_u64().unwrap();
    // A bucket holds one token at least, and the next one comes after 50 s.
    wait_until(|| accepted() == 11);
    // It lives on, and asks for more all the while.
    let beat = || status()["workers"][0]["last_beat_at"].clone();
    let before = beat();
    wait_until(|| beat() != before);
    let seen = status();
    assert_eq!(seen["onboardings"]["by_stage"]["accepted"], 11, "{seen}");
    let workers = seen["workers"].as_array().unwrap();
    assert_eq!(workers.len(), 1, "{seen}");
    assert_eq!(
        keys(&workers[0]),
        ["id", "last_beat_at", "leases", "name", "oldest_lease_s", "slots", "started_at"]
    );
    assert!(workers[0]["name"].as_str().unwrap().contains(&worker.0.id().to_string()), "{seen}");
    assert_eq!(workers[0]["slots"], 96, "{seen}");

    assert_eq!(folder.run(["queue", "limits", "--reset"]).code, 0);
    wait_until(|| accepted() == 0);

    // A call that hangs is the worker's oldest lease.
    simulator.put("/_faults", &json!({ "latency": { "kind": "fixed", "ms": 20_000.0 } }));
    assert_eq!(folder.run(["hint", "C-1"]).code, 0);
    wait_until(|| status()["workers"][0]["oldest_lease_s"].as_f64().is_some_and(|age| age > 1.0));
    let text = folder.run(["status"]).stdout;
    let line = text.lines().skip_while(|line| !line.contains("oldest lease")).nth(1).unwrap();
    assert!(line.contains(" 96 ") && line.ends_with('s'), "{text}");
}

/// A worker that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn wait_until(mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}
