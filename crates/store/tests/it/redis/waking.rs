//! Whoever waits for work is woken as soon as there is some, and costs nothing until then.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gangway_jobs::kind::Kind;
use gangway_store::SharedStore;
use gangway_store::conformance::world::Row;
use gangway_testkit::redis::{Options, Server};

use super::place::{Place, ask, register};

/// Asks and waits as a worker does, until there is a job; answers how often it asked.
async fn wait_for_a_job(store: SharedStore) -> (Instant, u32) {
    let mut asked = 0;
    loop {
        let mut changed = store.changed(Duration::from_secs(10));
        let at_once = futures::FutureExt::now_or_never(changed.as_mut()).is_some();
        asked += 1;
        if !store.lease(ask(Kind::CreateCustomer, 1, 1)).await.unwrap().jobs.is_empty() {
            return (Instant::now(), asked);
        }
        if !at_once {
            changed.await;
        }
    }
}

fn calls(server: &Server) -> u64 {
    server.info("total_commands_processed").unwrap().parse().unwrap()
}

/// The connections on which somebody waits, by their numbers at the server.
fn waiting_on(server: &Server) -> BTreeSet<String> {
    let clients = server.command(&["CLIENT", "LIST"]).unwrap().text();
    let field = |client: &str, name: &str| {
        client.split(' ').find_map(|field| Some(field.strip_prefix(name)?.to_owned()))
    };
    let blocked =
        clients.lines().filter(|client| field(client, "flags=").is_some_and(|flags| flags.contains('b')));
    blocked.filter_map(|client| field(client, "id=")).collect()
}

/// Returns when what comes with the beginning of a wait is over.
async fn until_quiet(server: &Server) {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let before = calls(server);
        tokio::time::sleep(Duration::from_millis(50)).await;
        // Each look from here is a call or two.
        if calls(server) - before <= 2 {
            return;
        }
        assert!(Instant::now() < until, "it is never quiet");
    }
}

/// Returns when somebody waits on a connection that is none of `known`.
async fn until_somebody_waits(server: &Server, known: &BTreeSet<String>) {
    let until = Instant::now() + Duration::from_secs(10);
    while waiting_on(server).is_subset(known) {
        assert!(Instant::now() < until, "nobody waits");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_waiter_is_woken_by_another_process_within_milliseconds_every_time() {
    let place = Place::real();
    let (waiter, other) = (place.open().await, place.open().await);
    register(&waiter, 1).await;
    let mut slowest = Duration::ZERO;
    for n in 0..60 {
        let waiting = tokio::spawn(wait_for_a_job(Arc::clone(&waiter)));
        // At any moment between its question and its wait.
        tokio::time::sleep(Duration::from_micros(u64::from(n) * 150)).await;
        let begun = Instant::now();
        other.enqueue(vec![Row::of(n).identified()]).await.unwrap();
        let (found, _) = waiting.await.unwrap();
        slowest = slowest.max(found.saturating_duration_since(begun));
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_waiter_asks_nothing() {
    let server = Server::start(&Options::default()).unwrap();
    let place = Place::at(server.url());
    let store = place.open().await;
    register(&store, 1).await;
    let waiting = tokio::spawn(wait_for_a_job(Arc::clone(&store)));
    until_somebody_waits(&server, &BTreeSet::new()).await;
    until_quiet(&server).await;
    let before = calls(&server);
    tokio::time::sleep(Duration::from_secs(1)).await;
    // Each look from here is a call or two.
    assert!(calls(&server) - before < 8, "{} calls in a second", calls(&server) - before);
    store.enqueue(vec![Row::of(1).identified()]).await.unwrap();
    let (_, asked) = tokio::time::timeout(Duration::from_secs(1), waiting).await.unwrap().unwrap();
    assert!(asked < 6, "{asked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiter_outlives_its_server() {
    let mut server = Server::start(&Options::default()).unwrap();
    let mut place = Place::at(server.url());
    place.config.redis.response_timeout = Duration::from_millis(300);
    let (store, other) = (place.open().await, place.open().await);
    register(&store, 1).await;
    let waiter = Arc::clone(&store);
    let waiting = tokio::spawn(async move {
        loop {
            waiter.changed(Duration::from_secs(10)).await;
            loop {
                match waiter.lease(ask(Kind::CreateCustomer, 1, 1)).await {
                    Ok(grant) if grant.jobs.is_empty() => break,
                    Ok(_) => return Instant::now(),
                    // As a worker does: a lost connection is noticed by the next call.
                    Err(error) => assert!(error.is_transient(), "{error}"),
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    until_somebody_waits(&server, &BTreeSet::new()).await;
    server.kill().unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.restart().unwrap();
    while other.enqueue(vec![Row::of(1).identified()]).await.is_err() {}
    let begun = Instant::now();
    let found = tokio::time::timeout(Duration::from_secs(8), waiting).await.unwrap().unwrap();
    assert!(found.saturating_duration_since(begun) < Duration::from_secs(3));
}

#[tokio::test]
async fn a_store_that_is_dropped_leaves_no_connection_behind() {
    let server = Server::start(&Options::default()).unwrap();
    let place = Place::at(server.url());
    let clients = || server.info("connected_clients").unwrap().parse::<u32>().unwrap();
    let before = clients();
    for closes in [true, false] {
        let store = place.open().await;
        store.changed(Duration::from_millis(50)).await;
        register(&store, 1).await;
        assert!(clients() > before);
        if closes {
            store.close().await;
            assert!(store.now().await.is_err());
        }
        drop(store);
        let begun = Instant::now();
        while clients() > before {
            assert!(begun.elapsed() < Duration::from_secs(5), "{} connections stay", clients() - before);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiter_is_woken_by_a_server_that_counts_anew() {
    let server = Server::start(&Options::default()).unwrap();
    let place = Place::at(server.url());
    let (store, other) = (place.open().await, place.open().await);
    register(&store, 1).await;
    let mut raw = place.raw().await;
    // As if the server before had been years ahead.
    let _: String = raw.ask("XADD", "wake", b"", ("9999999999999-0", "w", "")).await;
    store.changed(Duration::from_millis(300)).await;
    store.changed(Duration::from_millis(300)).await;
    let _: i64 = raw.ask("DEL", "wake", b"", &[] as &[&str]).await;
    let killed = waiting_on(&server);
    server.command(&["CLIENT", "KILL", "TYPE", "normal"]).unwrap();
    let waiting = tokio::spawn(async move {
        let begun = Instant::now();
        store.changed(Duration::from_secs(10)).await;
        store.changed(Duration::from_secs(10)).await;
        begun.elapsed()
    });
    until_somebody_waits(&server, &killed).await;
    while other.enqueue(vec![Row::of(1).identified()]).await.is_err() {}
    let took = waiting.await.unwrap();
    assert!(took < Duration::from_secs(3), "{took:?}");
}
