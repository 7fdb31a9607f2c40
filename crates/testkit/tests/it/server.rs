//! One server.

use std::time::{Duration, Instant};

use gangway_testkit::Error;
use gangway_testkit::redis::{Fsync, Options, Reply, Server, namespace, shared};

use crate::lives;

fn start(options: &Options) -> Server {
    Server::start(options).unwrap()
}

#[test]
fn a_server_keeps_values_and_refuses_nonsense() {
    let server = start(&Options::default());
    assert_ne!(server.port(), 6379);
    server.command(&["SET", "a", "1\r\n2"]).unwrap();
    assert_eq!(server.command(&["GET", "a"]).unwrap(), Reply::Bytes(b"1\r\n2".to_vec()));
    assert_eq!(server.command(&["GET", "b"]).unwrap(), Reply::Nil);
    let refused = server.command(&["INCR", "a"]).unwrap_err();
    assert!(matches!(&refused, Error::Refused { command, .. } if command == "INCR"), "{refused}");
    let mut connection = server.connect().unwrap();
    connection.command(&["MULTI"]).unwrap();
    connection.command(&["INCR", "a"]).unwrap();
    assert!(matches!(connection.command(&["EXEC"]).unwrap().items(), [Reply::Refusal(_)]));
}

#[test]
fn a_killed_server_without_a_log_forgets() {
    let mut server = start(&Options::default());
    server.command(&["SET", "a", "1"]).unwrap();
    let (pid, port) = (server.pid().unwrap(), server.port());
    server.kill().unwrap();
    assert!(!lives(pid) && !server.answers() && server.pid().is_none());
    server.command(&["PING"]).unwrap_err();
    server.restart().unwrap();
    assert_eq!((server.port(), lives(server.pid().unwrap())), (port, true));
    assert_eq!(server.command(&["EXISTS", "a"]).unwrap(), Reply::Integer(0));
}

#[test]
fn a_killed_server_with_a_log_remembers() {
    let mut server = start(&Options { appendonly: Some(Fsync::Always), ..Options::default() });
    server.command(&["SET", "a", "1"]).unwrap();
    server.kill().unwrap();
    server.restart().unwrap();
    assert_eq!(server.command(&["GET", "a"]).unwrap().text(), "1");
    server.stop_gracefully().unwrap();
    assert!(server.pid().is_none());
    server.stop_gracefully().expect_err("down already");
    server.restart().unwrap();
    server.flush().unwrap();
    assert_eq!(server.command(&["DBSIZE"]).unwrap(), Reply::Integer(0));
}

#[test]
fn a_paused_server_answers_when_it_is_resumed() {
    let mut server = start(&Options::default());
    let mut connection = server.connect().unwrap();
    server.pause().unwrap();
    assert!(!server.answers());
    std::thread::scope(|scope| {
        let asked = scope.spawn(move || connection.command(&["PING"]));
        server.resume().unwrap();
        assert_eq!(asked.join().unwrap().unwrap().text(), "PONG");
    });
    server.pause().unwrap();
    // Dropped while it is paused: it must end all the same.
    let pid = server.pid().unwrap();
    drop(server);
    assert!(!lives(pid));
}

#[test]
fn options_reach_the_server() {
    let options = Options {
        appendonly: Some(Fsync::EverySec),
        maxmemory: Some(50_000_000),
        requirepass: Some("sesame".to_owned()),
        unix_socket: true,
        ..Options::default()
    };
    let server = start(&options.with("hash-max-listpack-entries", "7"));
    let set = |name: &str| server.command(&["CONFIG", "GET", name]).unwrap().items()[1].text();
    assert_eq!(set("appendfsync"), "everysec");
    assert_eq!(set("maxmemory"), "50000000");
    assert_eq!(set("maxmemory-policy"), "noeviction");
    assert_eq!(set("save"), "");
    assert_eq!(set("hash-max-listpack-entries"), "7");
    assert_eq!(server.url(), format!("redis://:sesame@127.0.0.1:{}", server.port()));
    let socket = server.unix_url();
    std::os::unix::net::UnixStream::connect(socket.strip_prefix("unix:").unwrap()).unwrap();
    let stranger = gangway_testkit::redis::Connection::open(server.port(), None, Duration::from_secs(1));
    assert!(matches!(stranger.unwrap().command(&["GET", "a"]), Err(Error::Refused { .. })));
}

#[test]
fn a_wrong_directive_is_told_at_once() {
    let begun = Instant::now();
    let error = Server::start(&Options::default().with("no-such-directive", "1")).unwrap_err().to_string();
    assert!(error.contains("no-such-directive"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn slow_commands_and_memory_are_told() {
    let server = start(&Options::default().with("enable-debug-command", "yes"));
    server.note_slower_than(Duration::from_millis(40)).unwrap();
    let before = server.used_memory().unwrap();
    server.command(&["SET", "a", &"x".repeat(1_000_000)]).unwrap();
    assert!(server.used_memory().unwrap() > before + 900_000);
    assert_eq!(server.slowest().unwrap(), Duration::ZERO);
    server.command(&["DEBUG", "SLEEP", "0.05"]).unwrap();
    let slow = server.slow().unwrap();
    assert_eq!(slow[0].command, ["DEBUG", "SLEEP", "0.05"]);
    assert!(server.slowest().unwrap() >= Duration::from_millis(50));
    server.forget_slow().unwrap();
    assert_eq!(server.slow().unwrap(), []);
    assert_eq!(server.info("role").unwrap(), "master");
    server.info("no_such_field").unwrap_err();
}

#[test]
fn a_replica_follows() {
    let master = start(&Options::default());
    let replica = start(&Options { replica_of: Some(master.port()), ..Options::default() });
    assert_eq!(replica.info("role").unwrap(), "slave");
    master.command(&["SET", "a", "1"]).unwrap();
    crate::soon("the value on the replica", || replica.command(&["GET", "a"]).unwrap().text() == "1");
}

#[test]
fn all_share_one_server() {
    let ports: Vec<u16> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..4).map(|_| scope.spawn(|| shared().unwrap().port())).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    assert!(ports.windows(2).all(|two| two[0] == two[1]), "{ports:?}");
    assert_ne!(namespace(), namespace());
}
