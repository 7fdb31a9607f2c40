//! Calls to a server that is well.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use redis::Value;
use tokio::time::timeout;

use super::process::Process;
use super::{config, count, impatient, link, ping, reason};
use crate::Error;
use crate::redis::link::{Greeting, Link, Role, Server};
use crate::redis::scripts::Script;

#[tokio::test]
async fn a_command_and_a_script_are_answered() {
    let server = Process::start();
    let link = link(&server.url(), &config());
    assert_eq!(ping(&link).await.unwrap(), Value::SimpleString("PONG".to_owned()));
    assert_eq!(count(&link).await.unwrap(), 1);
    assert_eq!(link.place(), server.url());
}

#[tokio::test]
async fn a_script_that_the_server_has_forgotten_is_loaded_again() {
    let server = Process::start();
    let link = link(&server.url(), &config());
    assert_eq!(count(&link).await.unwrap(), 1);
    assert_eq!(server.tell(&["SCRIPT", "FLUSH"]), "+OK\r\n");
    assert_eq!(count(&link).await.unwrap(), 2);
}

#[tokio::test]
async fn many_callers_share_one_connection_that_is_greeted_once() {
    let server = Process::start();
    let greeted = Arc::new(AtomicUsize::new(0));
    let link = Link::new(
        Arc::new(Server::parse(&server.url(), &config()).unwrap()),
        Role::Leases,
        Some(greeting(Arc::clone(&greeted))),
    );
    let calls: Vec<_> = (0..50)
        .map(|_| {
            tokio::spawn({
                let link = link.clone();
                async move { count(&link).await }
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(greeted.load(Ordering::SeqCst), 1);
    let clients = server.tell(&["CLIENT", "LIST"]);
    assert_eq!(clients.matches("name=gangway-leases").count(), 1, "{clients}");

    server.tell(&["CLIENT", "KILL", "TYPE", "normal"]);
    while count(&link).await.is_err() {}
    assert_eq!(greeted.load(Ordering::SeqCst), 2);
    link.greet("greet again").await.unwrap();
    assert_eq!(greeted.load(Ordering::SeqCst), 3);
}

fn greeting(greeted: Arc<AtomicUsize>) -> Greeting {
    Arc::new(move |mut connection| {
        let greeted = Arc::clone(&greeted);
        Box::pin(async move {
            redis::cmd("ECHO").arg("hello").exec_async(&mut connection).await?;
            greeted.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    })
}

#[tokio::test]
async fn a_greeting_that_is_refused_refuses_the_connection() {
    let server = Process::start();
    let greeting: Greeting = Arc::new(|mut connection| {
        Box::pin(async move { redis::cmd("NONSENSE").exec_async(&mut connection).await })
    });
    let shared = Arc::new(Server::parse(&server.url(), &config()).unwrap());
    let error = ping(&Link::new(shared, Role::Work, Some(greeting))).await.unwrap_err();
    assert!(matches!(&error, Error::Redis { .. }) && !error.is_transient(), "{error:?}");
}

#[tokio::test]
async fn a_greeting_that_panics_keeps_nobody_waiting_for_ever() {
    let server = Process::start();
    let greeting: Greeting = Arc::new(|_connection| panic!("as the test wants"));
    let shared = Arc::new(Server::parse(&server.url(), &impatient()).unwrap());
    let error = ping(&Link::new(shared, Role::Work, Some(greeting))).await.unwrap_err();
    assert_eq!(reason(&error), "the attempt to connect broke off");
}

#[tokio::test]
async fn what_would_be_refused_again_is_no_outage() {
    static BROKEN: Script = Script::new("broken", "return redis.error_reply('ERR nonsense')");
    let server = Process::start();
    let link = link(&server.url(), &config());
    server.tell(&["SET", "text", "a"]);
    let error = link.send("read a list", redis::cmd("LLEN").arg("text")).await.unwrap_err();
    assert!(matches!(error, Error::Redis { action: "read a list", .. }), "{error:?}");
    let error = link.run("break", &BROKEN, &BROKEN.call(b"k")).await.unwrap_err();
    assert!(matches!(&error, Error::Redis { .. }) && !error.is_transient(), "{error:?}");
    assert_eq!(count(&link).await.unwrap(), 1);
}

#[tokio::test]
async fn a_full_server_refuses_a_write_of_a_script_as_out_of_memory() {
    let server = Process::with("maxmemory 100kb\nmaxmemory-policy noeviction\n");
    let link = link(&server.url(), &config());
    let error = count(&link).await.unwrap_err();
    assert!(matches!(error, Error::OutOfMemory { .. }) && error.is_transient(), "{error:?}");
    ping(&link).await.unwrap();
}

#[tokio::test]
async fn a_blocking_call_may_take_longer_than_an_answer() {
    let server = Process::start();
    let link = link(&server.url(), &impatient());
    let mut wait = redis::cmd("BLPOP");
    wait.arg("nothing").arg(0.6);
    let answer = link.block("wait", &wait, Duration::from_millis(600)).await;
    assert_eq!(answer.unwrap(), Value::Nil);
}

#[tokio::test]
async fn an_abandoned_blocking_call_holds_nobody_up() {
    let server = Process::start();
    let link = link(&server.url(), &config());
    let mut wait = redis::cmd("BLPOP");
    wait.arg("nothing").arg(0);
    let at_most = Duration::from_mins(1);
    assert!(timeout(Duration::from_millis(50), link.block("wait", &wait, at_most)).await.is_err());
    let before = Instant::now();
    ping(&link).await.unwrap();
    assert!(before.elapsed() < Duration::from_secs(1), "{:?}", before.elapsed());
}

#[tokio::test]
async fn a_closed_link_ends_a_blocking_call_and_takes_no_other() {
    let server = Process::start();
    let link = link(&server.url(), &config());
    ping(&link).await.unwrap();
    let waiting = tokio::spawn({
        let link = link.clone();
        async move {
            let mut wait = redis::cmd("BLPOP");
            wait.arg("nothing").arg(0);
            link.block("wait", &wait, Duration::from_mins(1)).await
        }
    });
    while !server.tell(&["CLIENT", "LIST"]).contains("cmd=blpop") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    link.close();
    assert!(matches!(waiting.await.unwrap(), Err(Error::Closed)));
    assert!(matches!(ping(&link).await, Err(Error::Closed)));
}
