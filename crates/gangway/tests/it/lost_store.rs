//! A store that is lost under a running import, whose record goes with it, and under a worker.

use std::path::Path;
use std::time::Duration;

use gangway_producer::sample::SampleOptions;
use gangway_testkit::proxy::{Conduct, Proxy};
use gangway_testkit::redis::{Fsync, Options, Server};
use gangway_testkit::stories::accounts;
use gangway_testkit::stories::watch::{calls, total, wait_until};
use gangway_testkit::{Backend, World};
use serde_json::json;

const ROWS: u64 = 3_000;

/// Fewer, for those that are brought aboard too.
const CUSTOMERS: u64 = 300;

fn server() -> Server {
    Server::start(&Options { appendonly: Some(Fsync::EverySec), ..Options::default() }).unwrap()
}

fn world(server: &Server) -> World {
    World::on(Path::new(env!("CARGO_BIN_EXE_gangway")), 1, Backend::Redis(server.url())).unwrap()
}

#[test]
fn a_worker_whose_store_was_lost_does_not_end_as_if_all_were_done() {
    let mut server = server();
    let world = world(&server);
    // No questions: whoever has answered one by a link that the store forgot needs another, which nobody here knows.
    world.put("/_knobs", &json!({"lifecycle": {"pending_response": 0.0}})).unwrap();
    accounts::take_in(&world, CUSTOMERS, 1).unwrap();
    let mut worker = world.start(&["worker", "--until-idle"], "worker.log").unwrap();
    wait_until(|| Ok(calls(&world)? > 0)).unwrap();
    server.flush().unwrap();
    let status = worker.wait_at_most(Duration::from_mins(1)).unwrap();
    let log = std::fs::read_to_string(world.path("worker.log")).unwrap();
    assert_eq!(status.code(), Some(2), "{log}");
    // miette breaks lines where they fit.
    let said = log.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    for words in ["lost 300 onboardings", "import their files again", "no customer is made twice"] {
        assert!(said.contains(words), "{words:?} is not in {log}");
    }
    assert!(!said.contains("nothing is lost"), "{log}");

    accounts::import(&world, accounts::FILE, CUSTOMERS).unwrap();
    let worker = world.run(&["worker", "--until-idle"]).unwrap().expect_code(0).unwrap();
    assert!(!worker.stderr.contains("has lost"), "{}", worker.stderr);
    let accounts = accounts::settle(&world, CUSTOMERS).unwrap();
    assert_eq!(accounts::number(&accounts.audit, "/customers").unwrap(), CUSTOMERS);
}

#[test]
fn an_import_that_its_store_has_lost_begins_again_and_takes_every_row_in() {
    let server = server();
    let mut world = world(&server);
    accounts::write_sample(&world, "customers.csv", &SampleOptions::clean(ROWS, 1)).unwrap();
    // Slow enough to be met in its middle.
    let line = Proxy::start(server.port()).unwrap();
    line.set(Conduct { bandwidth: Some(300_000), ..Conduct::default() });
    world.set("GANGWAY__STORE__URL", &format!("redis://127.0.0.1:{}", line.port()));
    let mut import = world.start(&["import", "customers.csv", "--json"], "import.log").unwrap();
    world.set("GANGWAY__STORE__URL", &server.url());

    wait_until(|| Ok(total(&world)? > 0)).unwrap();
    // Nothing of it is on its way while the store vanishes.
    import.signal("STOP").unwrap();
    line.cut_all();
    let clients = || server.command(&["CLIENT", "LIST"]).map(|list| list.text().lines().count());
    // The question itself comes from one.
    wait_until(|| Ok(clients()? == 1)).unwrap();
    world.lose_store().unwrap();
    import.signal("CONT").unwrap();
    assert!(import.ended().unwrap().is_none(), "the import was over before its store was lost");
    let status = import.wait_at_most(Duration::from_mins(1)).unwrap();
    let log = std::fs::read_to_string(world.path("import.log")).unwrap();
    assert!(status.success(), "{status}: {log}");
    assert!(log.contains("begins again"), "{log}");
    assert_eq!(total(&world).unwrap(), ROWS);
}
