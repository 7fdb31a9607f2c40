//! Bad input anywhere: one clear error that names the place and the remedy, exit code 2.

use crate::folder::Folder;

const GOOD: &str = "reference,email,first_name,last_name,company_name\nC-1,ada@acme.example,Ada,Byron,Acme\n";

#[test]
fn a_bad_setting_names_itself_its_origin_and_the_remedy() {
    let mut folder = Folder::new();
    let config = folder.write("bad.toml", "[api]\ntimeuot = \"3s\"\n");
    folder.run(["status", "--config", config.to_str().unwrap()]).refused(&[
        "no setting `api.timeuot`",
        "bad.toml",
        "did you mean api.timeout?",
    ]);
    folder.run(["status", "--config", "missing.toml"]).refused(&["missing.toml"]);
    folder.set("GANGWAY__API__TIMEOUT", "soon");
    folder.run(["status"]).refused(&["api.timeout", "\"soon\"", "GANGWAY__API__TIMEOUT", "30s"]);
    folder.set("GANGWAY__API__TIMEOUT", "").set("GANGWAY__LOG__FILTER", "gangway=shout");
    folder.run(["status"]).refused(&["log.filter", "GANGWAY__LOG__FILTER"]);
    folder.set("GANGWAY__API__TIMEOUT", "soon");
    // What helps to mend settings does not need them.
    assert_eq!(folder.run(["config", "--defaults"]).code, 0);
}

#[test]
fn an_environment_chooses_its_file() {
    let mut folder = Folder::new();
    std::fs::create_dir(folder.path("config")).unwrap();
    folder.write("config/production.toml", "[worker]\nconcurrency = 0\n");
    assert_eq!(folder.run(["config"]).code, 0);
    folder.set("GANGWAY_ENV", "production");
    folder.run(["config"]).refused(&["worker.concurrency must lie between", "config/production.toml"]);
    folder.set("GANGWAY_ENV", "../production");
    folder.run(["config"]).refused(&["GANGWAY_ENV", "no plain name"]);
}

#[test]
fn a_bad_file_is_refused_as_a_whole_and_no_store_is_spoilt() {
    let folder = Folder::new();
    folder.write("empty.csv", "");
    folder.write("columns.csv", "name,phone\nAda,1\n");
    folder.write("picture.csv", b"\x89PNG\0\0\0\0\r\n\x1a\n");
    for (file, says) in [
        ("missing.csv", "missing.csv"),
        ("empty.csv", "the file is empty"),
        ("columns.csv", "no column for email"),
        ("picture.csv", "not a text file"),
        (".", "is not a file"),
    ] {
        folder.run(["import", file]).refused(&[says]);
        folder.run(["import", file, "--dry-run"]).refused(&[says]);
    }
    folder.write("good.csv", GOOD);
    folder.run(["import", "good.csv", "--encoding", "latin-nine"]).refused(&["latin-nine", "windows-1252"]);
}

#[test]
fn a_store_that_is_none_or_somebody_elses_is_refused() {
    let mut folder = Folder::new();
    folder.write("good.csv", GOOD);
    folder.run(["status"]).refused(&["there is no store at", "gangway import"]);
    assert!(!folder.path("gangway.db").exists(), "a command that looks has made a store");

    folder.write("text.db", "this is no database, only a text that is long enough to look at".repeat(100));
    folder.set("GANGWAY__STORE__URL", "sqlite:text.db");
    folder.run(["status"]).refused(&["text.db", "not a Gangway store"]);
    folder.run(["import", "good.csv"]).refused(&["not a Gangway store"]);

    folder.set("GANGWAY__STORE__RESPONSE_TIMEOUT", "200ms");
    let gone = format!("redis://user:hunter2@127.0.0.1:{}", port_of_nobody());
    for (url, says) in [
        ("postgres://user:hunter2@127.0.0.1/gangway", ["store.url", "not supported", "sqlite:PATH"]),
        (&gone, ["does not answer", "connection refused", "nothing was lost"]),
    ] {
        folder.set("GANGWAY__STORE__URL", url);
        for command in [&["status"][..], &["import", "good.csv"]] {
            let ran = folder.run(command);
            ran.refused(&says);
            assert!(!format!("{ran:?}").contains("hunter2"), "{ran:?}");
        }
    }

    folder.set("GANGWAY__STORE__URL", "sqlite:mine.db");
    assert_eq!(folder.run(["import", "good.csv"]).code, 0);
    folder.set("GANGWAY__API__BASE_URL", "https://api.1money.com");
    folder.run(["import", "good.csv"]).refused(&["made for the API at", "api.base_url"]);
}

/// A port at which nobody listens: it was free a moment ago.
fn port_of_nobody() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn work_without_a_credential_is_refused_before_anything_is_taken_in() {
    let folder = Folder::new();
    folder.write("good.csv", GOOD);
    for command in [&["worker"][..], &["run", "good.csv"]] {
        folder.run(command).refused(&["no access key", "ONEMONEY_ACCESS_KEY"]);
    }
    assert!(!folder.path("gangway.db").exists());
}

#[test]
fn a_bad_argument_is_refused_with_its_name() {
    let folder = Folder::new();
    for (arguments, says) in [
        (&["import"][..], "FILE"),
        (&["demo", "--faults", "few"], "hostile"),
        (&["dead", "redrive"], "--all"),
        (&["circuit", "resolve"], "--retry"),
        (&["prune", "--records", "old"], "14d"),
        (&["import", "x.csv", "--map", "mail"], "--map"),
        (&["queue", "pause", "emails"], "customer.create"),
        (&["frobnicate"], "frobnicate"),
    ] {
        folder.run(arguments).refused(&[says]);
    }
}
