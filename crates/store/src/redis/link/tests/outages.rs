//! Servers that go away and come back.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::log::Log;
use super::process::{Process, ask, free_port};
use super::{config, count, impatient, link, ping, reason, until};
use crate::Error;
use crate::redis::RedisConfig;
use crate::redis::link::{Link, Role, Server};

#[tokio::test]
async fn after_a_kill_and_a_restart_calls_go_on_with_two_lines_in_the_log() {
    let (log, _guard) = Log::begin();
    let mut server = Process::start();
    let shared = Arc::new(Server::parse(&server.url(), &impatient()).unwrap());
    let work = Link::new(Arc::clone(&shared), Role::Work, None);
    let leases = Link::new(shared, Role::Leases, None);
    assert_eq!(count(&work).await.unwrap(), 1);
    count(&leases).await.unwrap();

    server.kill();
    for link in [&work, &leases, &work, &leases] {
        let error = count(link).await.unwrap_err();
        assert!(!reason(&error).is_empty());
    }

    server.restart();
    let back = Instant::now();
    for link in [&work, &leases] {
        while count(link).await.is_err() {}
    }
    assert!(back.elapsed() < Duration::from_millis(1500), "{:?}", back.elapsed());
    let (warnings, news) = (log.lines("WARN"), log.lines("INFO"));
    assert_eq!((warnings.len(), news.len()), (1, 1), "{log:?}");
    assert!(warnings[0].contains("place=") && warnings[0].contains("reason="), "{warnings:?}");
    assert!(news[0].contains("away_ms="), "{news:?}");
}

#[tokio::test]
async fn a_server_that_stands_still_costs_a_call_no_more_than_its_time() {
    let server = Process::start();
    let link = link(&server.url(), &impatient());
    assert_eq!(count(&link).await.unwrap(), 1);
    server.signal("STOP");
    let began = Instant::now();
    let error = count(&link).await.unwrap_err();
    assert_eq!(reason(&error), "it gave no answer in time");
    let took = began.elapsed();
    assert!((250..900).contains(&took.as_millis()), "{took:?}");
    let error = count(&link).await.unwrap_err();
    assert!(!reason(&error).is_empty());

    server.signal("CONT");
    let began = Instant::now();
    let mut answer = count(&link).await;
    while answer.is_err() {
        assert!(began.elapsed() < Duration::from_secs(3), "{answer:?}");
        answer = count(&link).await;
    }
    // The calls that nobody waited for any more may have been counted too.
    assert!(answer.unwrap() >= 2);
}

#[tokio::test]
async fn where_nobody_listens_a_call_fails_after_its_time_and_says_so() {
    let place = format!("redis://127.0.0.1:{}", free_port());
    let began = Instant::now();
    let error = ping(&link(&place, &impatient())).await.unwrap_err();
    assert_eq!(reason(&error), "nothing listens there (connection refused)");
    assert!((300..1000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    assert_eq!(
        error.to_string(),
        format!("the store at {place} does not answer: nothing listens there (connection refused)")
    );
}

#[tokio::test]
async fn a_call_waits_for_a_server_that_is_about_to_come() {
    let (log, _guard) = Log::begin();
    let mut server = Process::start();
    server.kill();
    let link = link(&server.url(), &config());
    let waiting = tokio::spawn(async move { count(&link).await });
    until("it finds nobody there", || !log.lines("WARN").is_empty()).await;
    server.restart();
    assert_eq!(waiting.await.unwrap().unwrap(), 1);
}

/// Answers every connection in one way, and counts them.
async fn counting_server(answer: Option<&'static [u8]>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("redis://:secret@{}", listener.local_addr().unwrap());
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let mut question = [0; 256];
            if let Some(answer) = answer {
                assert!(stream.read(&mut question).await.unwrap() > 0);
                stream.write_all(answer).await.unwrap();
            }
        }
    });
    (url, seen)
}

#[tokio::test]
async fn twenty_impatient_callers_are_one_patient_one() {
    for answer in [None, Some(b"-WRONGPASS invalid\r\n-NOAUTH please\r\n".as_slice())] {
        let (url, seen) = counting_server(answer).await;
        let link = link(&url, &impatient());
        let end = Instant::now() + Duration::from_secs(1);
        let callers: Vec<_> = (0..20)
            .map(|_| {
                let link = link.clone();
                tokio::spawn(async move {
                    while Instant::now() < end {
                        let error = ping(&link).await.unwrap_err();
                        assert!(!format!("{error:?} {error}").contains("secret"));
                        assert_eq!(error.is_transient(), answer.is_none(), "{error:?}");
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
        let seen = seen.load(Ordering::SeqCst);
        assert!((3..=12).contains(&seen), "{seen} attempts in a second");
    }
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_given_up() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let config = RedisConfig { connect_timeout: Duration::from_millis(100), ..impatient() };
    let error = ping(&link(&url, &config)).await.unwrap_err();
    assert!(reason(&error).contains("longer than 100ms"), "{error}");
}

#[tokio::test]
async fn a_server_with_all_its_clients_is_not_mistaken_for_one_with_another_password() {
    for (settings, login) in [("", ""), ("requirepass pass\n", ":pass@")] {
        let server = Process::with(&format!("{settings}maxclients 1\n"));
        let mut only = std::net::TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        only.flush().unwrap();
        ask(&mut only, &["PING"]).unwrap();
        let url = format!("redis://{login}127.0.0.1:{}", server.port);
        let error = ping(&link(&url, &impatient())).await.unwrap_err();
        // Whether its last words arrive before the end of the connection is luck.
        let reason = reason(&error);
        assert!(reason.contains("maxclients") || reason == "it closed the connection", "{error}");
    }
}

#[tokio::test]
async fn a_password_that_was_changed_is_refused_until_the_server_takes_the_old_one_again() {
    let mut server = Process::with("requirepass old\n");
    let link = link(&format!("redis://:old@127.0.0.1:{}", server.port), &config());
    assert_eq!(count(&link).await.unwrap(), 1);
    server.tell(&["AUTH", "old"]);
    server.kill();
    let settings = std::mem::replace(&mut server.settings, "bind 127.0.0.1\nrequirepass new\n".to_owned());
    server.restart();
    let error = loop {
        match count(&link).await {
            Err(error) if error.is_transient() => {}
            other => break other.unwrap_err(),
        }
    };
    assert!(matches!(error, Error::Redis { .. }), "{error:?}");
    server.kill();
    server.settings = settings;
    server.restart();
    while count(&link).await.is_err() {}
}
