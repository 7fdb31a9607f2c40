//! What `docs/deploy.md` and the examples beside it name is there: settings, commands with their flags, rights in Redis.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::folder::Folder;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The page, the Compose file and the manifests.
fn sources() -> Vec<(PathBuf, String)> {
    let mut paths = vec![PathBuf::from("docs/deploy.md"), PathBuf::from("docker-compose.yml")];
    paths.extend(files("docs/examples/kubernetes"));
    assert!(paths.len() > 4, "{paths:?}");
    paths.into_iter().map(|path| (path.clone(), text(path))).collect()
}

#[test]
fn every_variable_is_a_setting() {
    let shown = Folder::new().run(["config", "--json"]).json();
    let settings = shown["settings"].as_object().unwrap();
    let mut variables = BTreeSet::new();
    for (path, text) in sources() {
        for rest in text.split("GANGWAY__").skip(1) {
            let name = rest.split(|c: char| !c.is_ascii_uppercase() && c != '_').next().unwrap();
            let key = name.to_lowercase().replace("__", ".");
            assert!(settings.contains_key(&key), "{}: GANGWAY__{name} is no setting", path.display());
            variables.insert(key);
        }
    }
    assert!(variables.contains("store.url") && variables.contains("api.allow_plain_http"), "{variables:?}");
}

#[test]
fn every_command_of_the_page_is_one() {
    let page = text("docs/deploy.md");
    let commands: BTreeSet<Vec<&str>> = page.split("gangway ").skip(1).filter_map(command).collect();
    assert!(commands.len() > 12, "{commands:?}");
    let folder = Folder::new();
    for words in commands {
        let (flags, names): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| word.starts_with("--"));
        let help = folder.run(names.iter().chain(&["--help"]));
        assert_eq!(help.code, 0, "gangway {words:?}: {help:?}");
        for flag in flags {
            assert!(help.stdout.contains(flag), "gangway {names:?} knows no {flag}");
        }
    }
}

/// The command and its flags at the beginning of a text, if there is one.
fn command(text: &str) -> Option<Vec<&str>> {
    const GROUPS: [&str; 3] = ["outbox", "dead", "circuit"];
    let line = text.split(['\n', '`', '<', ';', '|', '"']).next()?.trim();
    let mut words = line.split_whitespace();
    let first = words.next().filter(|word| word.chars().all(|c| c.is_ascii_lowercase()))?;
    let known = ["worker", "import", "status", "doctor", "config", "show", "circuit", "outbox", "dead"];
    if !known.contains(&first) {
        return None;
    }
    let mut found = vec![first];
    let mut within = GROUPS.contains(&first);
    for word in words {
        within &= word.chars().all(|c| c.is_ascii_lowercase());
        if within || word.starts_with("--") {
            found.push(word);
        }
    }
    Some(found)
}

#[test]
fn the_redis_user_of_the_page_may_do_what_the_scripts_do() {
    let page = text("docs/deploy.md");
    let rule = page.split("ACL SETUSER").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let granted: BTreeSet<&str> = rule.split_whitespace().filter_map(|word| word.strip_prefix('+')).collect();
    for path in files("crates/store/src/redis/lua") {
        let script = std::fs::read_to_string(&path).unwrap();
        for call in calls(&script) {
            let mut words = call.split('\'').skip(1).step_by(2);
            let name = words.next().unwrap().to_lowercase();
            let with_word = format!("{name}|{}", words.next().unwrap_or_default().to_lowercase());
            let may = granted.contains(name.as_str()) || granted.contains(with_word.as_str());
            assert!(may, "{name} of {} is not granted", path.display());
        }
    }
    let written =
        ["write.rs", "change.rs"].map(|file| text(format!("crates/store/src/redis/{file}"))).concat();
    let behind = |words| written.split(words).skip(1).filter_map(|rest: &str| rest.split('"').next());
    let names: BTreeSet<&str> = behind("do_to_all(\"").chain(behind(".command(\"")).collect();
    assert!(names.len() >= 5, "where are the commands written down? {names:?}");
    for name in names {
        assert!(granted.contains(name.to_lowercase().as_str()), "{name} is not granted");
    }
}

/// What stands behind each call of a command: its name first, in quotes. A command that is put together first is a table.
fn calls(script: &str) -> Vec<&str> {
    let behind = |words: &str| script.split(words).skip(1).map(str::trim_start).collect::<Vec<_>>();
    let mut calls = [behind("redis.call("), behind("redis.pcall("), behind("local command = {")].concat();
    // Commands that come from elsewhere: from a table above, or from the store's own code, which is looked at apart.
    calls.retain(|call| !call.starts_with("unpack("));
    for call in &calls {
        assert!(call.starts_with('\''), "whose name is this? {}", call.lines().next().unwrap_or_default());
    }
    calls
}

#[test]
fn a_simulator_behind_plain_http_needs_a_word_and_is_warned_about() {
    let mut folder = Folder::new();
    let simulator = folder.simulate(&["--rate", "0", "--bind", "127.0.0.1"]);
    // Leads to this machine, and is no loopback address.
    folder.set("GANGWAY__API__BASE_URL", &simulator.base_url().replace("127.0.0.1", "0.0.0.0"));
    folder.set("GANGWAY__IDENTITY__SECRET", "one of our own").set("GANGWAY__LOG__FILTER", "warn");
    folder.run(["doctor"]).refused(&["unencrypted", "for test servers only there is api.allow_plain_http"]);

    folder.set("GANGWAY__API__ALLOW_PLAIN_HTTP", "true");
    let ran = folder.run(["doctor"]);
    assert_eq!(ran.code, 0, "the API was called: {ran:?}");
    assert!(ran.stderr.contains("api.allow_plain_http is set"), "{ran:?}");

    folder.set("GANGWAY_ENV", "production");
    folder.run(["doctor"]).refused(&["api.allow_plain_http must be false", "GANGWAY__API__ALLOW_PLAIN_HTTP"]);
}

#[test]
fn a_password_of_the_store_is_never_printed() {
    let mut folder = Folder::new();
    let file = folder.write("password", "hunter2\n").display().to_string();
    let seen = |folder: &Folder| {
        let shown = folder.run(["config", "--json"]);
        // Nobody listens there.
        let others = [&["status"][..], &["doctor"], &["config"]].map(|command| folder.run(command));
        for ran in others.iter().chain([&shown]) {
            assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"), "{ran:?}");
        }
        shown.json()["settings"]["store.url"].clone()
    };
    folder.set("GANGWAY__LOG__FILTER", "trace");
    folder.set("GANGWAY__STORE__CONNECT_TIMEOUT", "100ms").set("GANGWAY__STORE__RESPONSE_TIMEOUT", "100ms");
    folder.set("GANGWAY__STORE__URL", "redis://me:hunter2@127.0.0.1:1/0");
    assert_eq!(
        seen(&folder),
        json!({ "value": "redis://me@127.0.0.1:1/0", "origin": "GANGWAY__STORE__URL" })
    );
    folder.set("GANGWAY__STORE__URL", "redis://me@127.0.0.1:1/0").set("GANGWAY__STORE__PASSWORD_FILE", &file);
    assert_eq!(seen(&folder)["value"], "redis://me@127.0.0.1:1/0");
    // A variable that is not one says so without its value.
    folder.set("GANGWAY__STORE__PASSWORD", "hunter2");
    let ran = folder.run(["status"]);
    ran.refused(&["no setting `store.password`"]);
    assert!(!ran.stderr.contains("hunter2"), "{ran:?}");
}
