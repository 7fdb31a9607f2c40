//! A store that is lost under a running import, whose record goes with it.

use std::path::Path;

use gangway_producer::sample::SampleOptions;
use gangway_testkit::proxy::{Conduct, Proxy};
use gangway_testkit::redis::{Fsync, Options, Server};
use gangway_testkit::stories::accounts;
use gangway_testkit::stories::watch::{total, wait_until};
use gangway_testkit::{Backend, World};

const ROWS: u64 = 3_000;

#[test]
fn an_import_that_its_store_has_lost_begins_again_and_takes_every_row_in() {
    let server = Server::start(&Options { appendonly: Some(Fsync::EverySec), ..Options::default() }).unwrap();
    let backend = Backend::Redis(server.url());
    let mut world = World::on(Path::new(env!("CARGO_BIN_EXE_gangway")), 1, backend).unwrap();
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
    let status = import.wait().unwrap();
    let log = std::fs::read_to_string(world.path("import.log")).unwrap();
    assert!(status.success(), "{status}: {log}");
    assert!(log.contains("begins again"), "{log}");
    assert_eq!(total(&world).unwrap(), ROWS);
}
