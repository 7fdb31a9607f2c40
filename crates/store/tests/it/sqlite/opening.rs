//! What is opened, made, brought up to date or refused.

use std::path::Path;

use gangway_jobs::kind::Kind;
use gangway_jobs::limits::RatePolicy;
use gangway_store::sqlite::Mode;
use gangway_store::stamp::Expected;
use gangway_store::{Error, SharedStore};

use super::place::{ask, customers, holding, made_for, open, place, tamper, try_open};

#[tokio::test]
async fn only_a_command_that_may_create_makes_a_store() {
    let (_folder, path) = place();
    for mode in [Mode::Existing(made_for()), Mode::AsFound] {
        assert!(matches!(try_open(&path, mode), Err(Error::Missing { .. })));
        assert!(!path.exists());
    }
    drop(open(&path));
    drop(try_open(&path, Mode::Existing(made_for())).unwrap());
    drop(try_open(&path, Mode::AsFound).unwrap());
}

#[tokio::test]
async fn an_empty_file_becomes_a_store_only_where_one_may_be_made() {
    let (_folder, path) = place();
    std::fs::write(&path, "").unwrap();
    assert!(matches!(try_open(&path, Mode::AsFound), Err(Error::Missing { .. })));
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
    drop(open(&path));
    drop(try_open(&path, Mode::AsFound).unwrap());
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_as_it_was() {
    let (folder, path) = place();
    let text = "reference,email\n".repeat(200);
    std::fs::write(&path, &text).unwrap();
    let other = folder.path().join("other.db");
    tamper(&other, "CREATE TABLE mine (a); PRAGMA application_id = 7;");
    let before = std::fs::read(&other).unwrap();
    for mode in [Mode::Create(made_for()), Mode::Existing(made_for()), Mode::AsFound] {
        assert!(matches!(try_open(&path, mode.clone()), Err(Error::NotAStore { .. })));
        assert!(matches!(try_open(&other, mode.clone()), Err(Error::NotAStore { .. })));
        assert!(matches!(try_open(folder.path(), mode), Err(Error::NotAStore { .. })));
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    assert_eq!(std::fs::read(&other).unwrap(), before);
}

#[tokio::test]
async fn a_store_of_a_newer_release_is_refused() {
    let (_folder, path) = place();
    drop(open(&path));
    tamper(&path, "PRAGMA user_version = 99;");
    for mode in [Mode::Create(made_for()), Mode::Existing(made_for()), Mode::AsFound] {
        assert!(matches!(try_open(&path, mode), Err(Error::Newer { found: 99, .. })));
    }
}

/// Makes of a store what the first release left.
fn take_back_to_the_first_schema(path: &Path) {
    tamper(path, "ALTER TABLE store DROP COLUMN limits; PRAGMA user_version = 1;");
}

#[tokio::test]
async fn a_store_of_an_earlier_release_is_brought_up_to_date_by_whoever_opens_it_first() {
    for mode in [Mode::Create(made_for()), Mode::Existing(made_for()), Mode::AsFound] {
        let (_folder, path) = place();
        let store = open(&path);
        store.enqueue(customers(0..3)).await.unwrap();
        store.pause(Some(Kind::CreateLink)).await.unwrap();
        store.close().await;
        take_back_to_the_first_schema(&path);
        let opening: Vec<_> = (0..4)
            .map(|_| {
                let (path, mode) = (path.clone(), mode.clone());
                std::thread::spawn(move || try_open(&path, mode).unwrap())
            })
            .collect();
        let stores: Vec<SharedStore> = opening.into_iter().map(|opens| opens.join().unwrap()).collect();
        let limits = RatePolicy { per_second: 3.0, ..RatePolicy::default() };
        stores[0].set_limits(Some(limits)).await.unwrap();
        let status = stores[1].status().await.unwrap();
        assert_eq!((status.total(), status.paused), (3, vec![Kind::CreateLink]));
        assert_eq!(stores[2].limits().await.unwrap(), Some(limits));
        let leased = stores[3].lease(ask(Kind::CreateCustomer, 10)).await.unwrap().jobs;
        assert_eq!(leased.len(), 2, "two seconds of four tenths of three a second");
    }
}

#[tokio::test]
async fn a_limit_that_cannot_be_read_stops_calls_until_it_is_set_anew() {
    let (_folder, path, store) = holding(0..2).await;
    tamper(&path, "UPDATE store SET limits = '{'");
    let damaged = |error: Error| matches!(error, Error::Damaged { what: "rate limit", .. });
    assert!(damaged(store.limits().await.unwrap_err()));
    assert!(damaged(store.lease(ask(Kind::CreateCustomer, 10)).await.unwrap_err()));
    store.set_limits(None).await.unwrap();
    assert_eq!(store.lease(ask(Kind::CreateCustomer, 10)).await.unwrap().jobs.len(), 2);
}

#[tokio::test]
async fn a_store_made_for_something_else_is_refused_unless_one_only_looks() {
    let (_folder, path) = place();
    drop(open(&path));
    let production = Expected { api_base_url: "https://production.example".to_owned(), ..made_for() };
    for mode in [Mode::Create(production.clone()), Mode::Existing(production)] {
        let error = try_open(&path, mode).unwrap_err().to_string();
        assert!(error.contains("api.base_url"), "{error}");
    }
    let found = try_open(&path, Mode::AsFound).unwrap();
    assert_eq!(found.stamp().await.unwrap().made_for, made_for());
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, path) = place();
    drop(open(&path));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
}

#[tokio::test]
async fn processes_that_make_a_store_at_the_same_time_make_one() {
    let (_folder, path) = place();
    let openings: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            tokio::task::spawn_blocking(move || open(&path))
        })
        .collect();
    let mut epochs = Vec::new();
    for opening in openings {
        epochs.push(opening.await.unwrap().stamp().await.unwrap().epoch);
    }
    epochs.dedup();
    assert_eq!(epochs.len(), 1);
}
