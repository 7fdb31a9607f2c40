use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use super::*;

/// No answer takes so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Nothing comes within this time.
const SILENCE: Duration = Duration::from_millis(300);

/// A server that sends back what it gets, until the test ends.
fn echo() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
        }
    });
    port
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends so many bytes and waits until they are back.
fn round_trip(mut stream: &TcpStream, bytes: usize) -> io::Result<Duration> {
    let begun = Instant::now();
    let sent: Vec<u8> = (0..bytes).map(|number| u8::try_from(number % 251).unwrap()).collect();
    stream.write_all(&sent)?;
    let mut received = vec![0; bytes];
    stream.read_exact(&mut received)?;
    assert_eq!(received, sent);
    Ok(begun.elapsed())
}

/// Nothing comes, and the connection stays.
fn must_be_silent(mut stream: &TcpStream) {
    stream.set_read_timeout(Some(SILENCE)).unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
}

/// It was reset, not closed.
fn must_be_reset(mut stream: &TcpStream) {
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

fn wait_until(condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "what was waited for did not come");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn all_bytes_arrive_in_order_and_so_does_the_end() {
    let proxy = Proxy::start(echo()).unwrap();
    let mut stream = connect(&proxy);
    round_trip(&stream, 100_000).unwrap();
    stream.write_all(b"last words").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "last words");
    wait_until(|| proxy.open() == 0);
    assert_eq!((proxy.connections(), proxy.resets()), (1, 0));
}

#[test]
fn bytes_are_late_each_way_and_do_not_wait_for_each_other() {
    let proxy = Proxy::start(echo()).unwrap();
    let stream = connect(&proxy);
    round_trip(&stream, 10).unwrap();
    let jitter = Duration::from_millis(50);
    proxy.set(Conduct { jitter, ..Conduct::slow(Duration::from_millis(100)) });
    let took = round_trip(&stream, 10).unwrap();
    assert!(took >= Duration::from_millis(200), "{took:?}");

    // Twenty chunks one after the other would take four seconds.
    let begun = Instant::now();
    for _ in 0..20 {
        (&stream).write_all(b"chunk").unwrap();
        thread::sleep(Duration::from_millis(10));
    }
    (&stream).read_exact(&mut [0; 100]).unwrap();
    let took = begun.elapsed();
    assert!(Duration::from_millis(390) <= took && took < Duration::from_secs(3), "{took:?}");

    // A new connection costs a way there and back before it carries anything.
    let took = round_trip(&connect(&proxy), 10).unwrap();
    assert!(took >= Duration::from_millis(400), "{took:?}");
}

#[test]
fn a_narrow_line_takes_its_time() {
    let proxy = Proxy::start(echo()).unwrap();
    let stream = connect(&proxy);
    proxy.set(Conduct { bandwidth: Some(100_000), ..Conduct::default() });
    let took = round_trip(&stream, 50_000).unwrap();
    assert!(took >= Duration::from_millis(500), "{took:?}");
}

#[test]
fn a_lossy_line_resets_some_connections() {
    let proxy = Proxy::start(echo()).unwrap();
    proxy.set(Conduct { loss: 0.2, ..Conduct::default() });
    let lost = (0..200).filter(|_| round_trip(&connect(&proxy), 10).is_err()).count();
    // Two chunks each: 36 % are expected.
    assert!((20..130).contains(&lost), "{lost} of 200");
    assert_eq!(proxy.resets(), lost as u64);
}

#[test]
fn a_half_open_connection_stays_and_is_dead_for_ever() {
    let proxy = Proxy::start(echo()).unwrap();
    let old = connect(&proxy);
    let idle = connect(&proxy);
    round_trip(&old, 10).unwrap();
    round_trip(&idle, 10).unwrap();
    proxy.set(Conduct::half_open());
    let new = connect(&proxy);
    for stream in [&old, &new] {
        (&*stream).write_all(b"anybody there?").unwrap();
        must_be_silent(stream);
    }
    proxy.set(Conduct::default());
    // What was swallowed is a gap that no network hands on.
    (&old).write_all(b"and now?").unwrap();
    must_be_silent(&old);
    round_trip(&connect(&proxy), 10).unwrap();
    // Nothing of this one was lost.
    round_trip(&idle, 10).unwrap();
    assert_eq!(proxy.resets(), 0);
}

#[test]
fn what_was_sent_into_a_partition_arrives_afterwards_even_from_those_who_left() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap().port()).unwrap();
    let client = connect(&proxy);
    let (mut server, _) = listener.accept().unwrap();
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    proxy.set(Conduct::partition());
    (&client).write_all(b"late").unwrap();
    drop(client);
    must_be_silent(&server);
    proxy.set(Conduct::default());
    let mut words = String::new();
    server.read_to_string(&mut words).unwrap();
    assert_eq!(words, "late");
}

#[test]
fn a_cut_resets_those_who_are_there_and_a_cut_off_those_who_come_too() {
    let proxy = Proxy::start(echo()).unwrap();
    let two = [connect(&proxy), connect(&proxy)];
    for stream in &two {
        round_trip(stream, 10).unwrap();
    }
    proxy.cut_all();
    two.iter().for_each(must_be_reset);
    let third = connect(&proxy);
    round_trip(&third, 10).unwrap();
    proxy.set(Conduct::cut_off());
    must_be_reset(&third);
    must_be_reset(&connect(&proxy));
    wait_until(|| proxy.open() == 0);
    assert_eq!((proxy.connections(), proxy.resets()), (4, 4));
    proxy.set(Conduct::default());
    round_trip(&connect(&proxy), 10).unwrap();
}

#[test]
fn a_server_that_is_down_resets_its_clients() {
    let nobody = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let proxy = Proxy::start(nobody).unwrap();
    must_be_reset(&connect(&proxy));
    assert_eq!(proxy.resets(), 0);
}

#[test]
fn a_proxy_that_is_dropped_takes_its_connections_with_it() {
    let proxy = Proxy::start(echo()).unwrap();
    let mut stream = connect(&proxy);
    round_trip(&stream, 10).unwrap();
    drop(proxy);
    match stream.read(&mut [0]) {
        Ok(length) => assert_eq!(length, 0),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}
