//! `gangway doctor`, and the start of an import and of a worker, at a Redis: a good one is found good, one that can lose
//! jobs is refused, and each finding says what mends it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use gangway_testkit::redis::{Fsync, Options, Server};
use serde_json::Value;

use crate::folder::{Folder, Ran, Simulator, keys};

const ONE: &str = "reference,email,first_name,last_name,company_name\nC-1,ada@acme.example,Ada,Byron,Acme\n";
const ROOM: u64 = 64 << 20;

/// A folder whose store is that server's.
fn at(url: &str) -> (Folder, Simulator) {
    let mut folder = Folder::new();
    folder.set("GANGWAY__IDENTITY__SECRET", "under-the-seventh-stone").set("GANGWAY__STORE__URL", url);
    let simulator = folder.simulate(&["--rate", "0"]);
    folder.write("one.csv", ONE);
    (folder, simulator)
}

fn good() -> Server {
    Server::start(&Options { appendonly: Some(Fsync::EverySec), maxmemory: Some(ROOM), ..Options::default() })
        .unwrap()
}

/// A cache: no log, and what does not fit is thrown away.
fn cache() -> Server {
    let options = Options { maxmemory: Some(ROOM), ..Options::default() };
    Server::start(&options.with("maxmemory-policy", "allkeys-lru")).unwrap()
}

/// A number that the server tells of itself.
fn info(server: &Server, field: &str) -> u64 {
    let told = server.command(&["INFO"]).unwrap();
    let text = told.text();
    let found = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    found.unwrap().parse().unwrap()
}

/// Waits until a worker has said in the store that it is there.
fn begun(server: &Server) {
    let until = Instant::now() + Duration::from_secs(10);
    while server.command(&["EXISTS", "{gangway}:workers"]).unwrap().integer() != Some(1) {
        assert!(Instant::now() < until, "the worker did not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn doctor(folder: &Folder) -> Ran {
    folder.run(["doctor", "--json"])
}

/// The finding of a check; fails if there is none or it has another level.
#[track_caller]
fn finding(ran: &Ran, check: &str, level: &str) -> Value {
    let answer = ran.json();
    let findings = answer["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["check"] == check).unwrap_or(&Value::Null);
    assert_eq!(found["level"], level, "{check} in {answer}");
    assert_eq!(keys(found), ["check", "found", "level", "remedy", "why"]);
    found.clone()
}

/// Runs the commands of a remedy as a person would who pastes them.
#[track_caller]
fn mend(finding: &Value) {
    let remedy = finding["remedy"].as_str().unwrap();
    let command = remedy.split('`').nth(1).unwrap();
    let ran = Ran::from(Command::new("sh").args(["-c", command]).output().unwrap());
    assert!(ran.code == 0 && ran.stdout.contains("OK"), "{command}: {ran:?}");
}

/// A worker that ends with the test.
struct Worker {
    child: Child,
    log: std::io::Lines<BufReader<ChildStderr>>,
}

impl Worker {
    fn start(folder: &Folder) -> Self {
        let mut command = folder.command(["worker"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, log }
    }

    /// Reads its log up to a line that says that.
    #[track_caller]
    fn says(&mut self, what: &str) {
        let found = self.log.by_ref().map_while(Result::ok).any(|line| line.contains(what));
        assert!(found, "the worker ended without {what:?}");
    }

    /// Tells it to stop; its exit code.
    fn stop(mut self) -> Option<i32> {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().unwrap_or_default();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_good_server_is_found_good_and_looked_at_only() {
    let server = good();
    let (folder, _simulator) = at(&server.url());
    let ran = doctor(&folder);
    assert_eq!((ran.code, &ran.json()["ok"]), (0, &Value::Bool(true)), "{ran:?}");
    let checks =
        ["redis_version", "redis_role", "redis_rights", "redis_eviction", "redis_memory", "redis_clock"];
    for check in checks {
        let found = finding(&ran, check, "ok");
        assert!(found["remedy"].is_null(), "{found}");
    }
    assert!(finding(&ran, "redis_persistence", "note")["found"].as_str().unwrap().contains("every second"));
    assert!(finding(&ran, "store", "ok")["found"].as_str().unwrap().contains("not there yet"));
    assert_eq!(server.command(&["DBSIZE"]).unwrap().integer(), Some(0), "it wrote something");
}

#[test]
fn a_server_that_loses_jobs_is_a_problem_and_each_remedy_mends_it() {
    let server = cache();
    let (folder, _simulator) = at(&server.url());
    let ran = doctor(&folder);
    assert_eq!(ran.code, 1, "{ran:?}");
    let (log, eviction) =
        (finding(&ran, "redis_persistence", "problem"), finding(&ran, "redis_eviction", "problem"));
    assert!(log["remedy"].as_str().unwrap().contains("store.durability"), "{log}");
    for found in [log, eviction] {
        mend(&found);
    }
    let ran = doctor(&folder);
    assert_eq!(ran.code, 0, "{ran:?}");
    finding(&ran, "redis_persistence", "note");
    finding(&ran, "redis_eviction", "ok");
}

#[test]
fn import_and_worker_refuse_a_server_that_loses_jobs_unless_that_is_accepted() {
    let server = cache();
    let (mut folder, _simulator) = at(&server.url());
    let said = ["redis_persistence", "CONFIG SET appendonly yes", "redis_eviction", "best-effort", "restart"];
    for command in [&["import", "one.csv"][..], &["worker", "--until-idle"], &["run", "one.csv"]] {
        folder.run(command).refused(&said);
    }
    assert_eq!(server.command(&["DBSIZE"]).unwrap().integer(), Some(0), "a refused start wrote something");

    folder.set("GANGWAY__STORE__DURABILITY", "best-effort").set("GANGWAY__LOG__FILTER", "warn");
    let ran = folder.run(["import", "one.csv"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let warned = ran.stderr.lines().filter(|line| line.contains("can lose jobs")).count();
    assert_eq!(warned, 2, "{ran:?}");
    finding(&doctor(&folder), "redis_persistence", "warning");
}

#[test]
fn a_replica_is_refused_whatever_is_accepted() {
    let master = good();
    let replica = Server::start(&Options { replica_of: Some(master.port()), ..Options::default() }).unwrap();
    let (mut folder, _simulator) = at(&replica.url());
    folder.set("GANGWAY__STORE__DURABILITY", "best-effort");
    let ran = doctor(&folder);
    assert_eq!(ran.code, 1, "{ran:?}");
    let role = finding(&ran, "redis_role", "problem");
    let place = format!("127.0.0.1:{}", master.port());
    assert!(role["remedy"].as_str().unwrap().contains(&place), "{role}");
    folder.run(["import", "one.csv"]).refused(&["redis_role", &place]);
}

#[test]
fn a_full_server_takes_no_import_but_a_worker_goes_on() {
    let options = Options { appendonly: Some(Fsync::EverySec), ..Options::default() };
    let server = Server::start(&options).unwrap();
    let (folder, _simulator) = at(&server.url());
    assert_eq!(folder.run(["import", "one.csv"]).code, 0);
    server.command(&["SETRANGE", "ballast", "20000000", "x"]).unwrap();
    // A fiftieth is left.
    let used = info(&server, "used_memory");
    server.configure("maxmemory", &(used + used / 50).to_string()).unwrap();
    finding(&doctor(&folder), "redis_memory", "problem");
    folder.run(["import", "one.csv"]).refused(&["redis_memory", "gangway prune"]);
    let worker = Worker::start(&folder);
    begun(&server);
    assert_eq!(worker.stop(), Some(0));
}

#[test]
fn a_user_of_few_rights_is_told_what_is_missing_and_nothing_shows_who_it_is() {
    let server = good();
    for user in ["reader", "modest"] {
        server.command(&["ACL", "SETUSER", user, "on", ">hidden", "~{gangway}*", "+@all"]).unwrap();
    }
    server.command(&["ACL", "SETUSER", "reader", "-@write", "-xadd"]).unwrap();
    server.command(&["ACL", "SETUSER", "modest", "-config"]).unwrap();
    let url = |user: &str| server.url().replace("redis://", &format!("redis://{user}:hidden@"));

    let (mut folder, _simulator) = at(&url("reader"));
    let ran = doctor(&folder);
    assert_eq!(ran.code, 1, "{ran:?}");
    let rights = finding(&ran, "redis_rights", "problem");
    assert!(rights["found"].as_str().unwrap().contains("HSET"), "{rights}");
    let remedy = rights["remedy"].as_str().unwrap();
    assert!(remedy.contains("--askpass ACL SETUSER USER '~{gangway}*'"), "{rights}");

    folder.set("GANGWAY__STORE__URL", &url("modest"));
    let ran = doctor(&folder);
    assert_eq!(ran.code, 0, "{ran:?}");
    finding(&ran, "redis_settings", "note");
    finding(&ran, "redis_persistence", "note");

    folder.set("GANGWAY__STORE__URL", &server.url().replace("redis://", "redis://unheard-of:hidden@"));
    let ran = doctor(&folder);
    assert_eq!(ran.code, 1, "{ran:?}");
    finding(&ran, "redis_server", "problem");
    let text = folder.run(["doctor"]);
    for shown in [&ran.stdout, &text.stdout, &text.stderr] {
        assert!(!shown.contains("hidden") && !shown.contains("unheard-of"), "{shown}");
    }
}

#[test]
fn the_user_that_the_page_on_deployment_makes_has_every_right() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/deploy.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rule = page.split("ACL SETUSER gangway ").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let server = good();
    let rule = rule.replace(">PASSWORD", ">hidden");
    let command: Vec<&str> =
        ["ACL", "SETUSER", "gangway"].into_iter().chain(rule.split_whitespace()).collect();
    server.command(&command).unwrap();
    let (folder, _simulator) = at(&server.url().replace("redis://", "redis://gangway:hidden@"));
    finding(&doctor(&folder), "redis_rights", "ok");
    assert_eq!(folder.run(["run", "one.csv", "--until", "linked"]).code, 0);
    let ran = doctor(&folder);
    assert!(finding(&ran, "store", "ok")["found"].as_str().unwrap().contains("with 1 onboarding"));
    assert!(!ran.stdout.contains("gangway@") && !ran.stdout.contains("hidden"), "{ran:?}");
}

#[test]
fn a_server_that_is_not_there_is_told_to_people_and_waited_for_by_a_worker() {
    let mut server = good();
    let (mut folder, _simulator) = at(&server.url());
    folder.set("GANGWAY__STORE__RESPONSE_TIMEOUT", "500ms");
    server.kill().unwrap();
    let ran = doctor(&folder);
    assert_eq!(ran.code, 1, "{ran:?}");
    let found = finding(&ran, "redis_server", "problem");
    let ping = format!("`redis-cli -h 127.0.0.1 -p {} PING`", server.port());
    assert!(found["remedy"].as_str().unwrap().contains(&ping), "{found}");
    folder.run(["import", "one.csv"]).refused(&["connection refused"]);

    let mut worker = Worker::start(&folder);
    worker.says("not reachable");
    server.restart().unwrap();
    worker.says("answers again");
    begun(&server);
    assert_eq!(worker.stop(), Some(0));
}

#[test]
fn a_worker_that_waits_for_its_server_can_be_stopped() {
    let mut server = good();
    let (mut folder, _simulator) = at(&server.url());
    folder.set("GANGWAY__STORE__RESPONSE_TIMEOUT", "30s");
    server.kill().unwrap();
    let mut worker = Worker::start(&folder);
    worker.says("not reachable");
    let told = Instant::now();
    assert_eq!(worker.stop(), Some(2));
    assert!(told.elapsed() < Duration::from_secs(5), "it took {:?}", told.elapsed());
}
