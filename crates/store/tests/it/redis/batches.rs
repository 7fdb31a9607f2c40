//! What is taken in together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gangway_jobs::enqueue::Answer;
use gangway_jobs::failure::Code;
use gangway_jobs::kind::Kind;
use gangway_store::conformance::outcomes;
use gangway_store::conformance::world::{Row, import};
use gangway_store::{Error, Target};
use gangway_testkit::redis::{Options, Server};

use super::audit::audit;
use super::place::{Place, lease_one, register, settle};

#[tokio::test]
async fn an_email_that_one_row_gives_up_is_the_next_rows() {
    let place = Place::steered();
    let store = place.open().await;
    register(&store, 1).await;
    store.enqueue(vec![Row::of(1).identified()]).await.unwrap();
    let job = lease_one(&store, Kind::CreateCustomer).await;
    settle(&store, &job, outcomes::bury(Code::EmailTaken)).await;
    // The first one comes with another e-mail, and the second with what was its own.
    let batch = vec![Row::of(1).email(7).identified(), Row::of(2).email(1).identified()];
    assert_eq!(store.enqueue(batch).await.unwrap(), [Answer::Revived, Answer::New]);
    audit(&place, &store).await;
}

#[tokio::test]
async fn the_first_of_two_rows_counts_however_far_apart_they_are() {
    let place = Place::steered();
    let store = place.open().await;
    // Those that are there already make the first portion slower than the last.
    let known: Vec<_> = (0..150).map(|n| Row::of(n).identified()).collect();
    store.enqueue(known.clone()).await.unwrap();
    for time in 0..3 {
        let first = Row::of(10_000 + time).company("First").from(import(1), 1);
        let second = Row::of(10_000 + time).company("Second").from(import(1), 2);
        let filler = (0..700).map(|n| Row::of(20_000 + time * 1_000 + n).identified());
        let mut batch = known.clone();
        batch.push(first.identified());
        batch.extend(filler);
        batch.push(second.identified());
        let answers = store.enqueue(batch).await.unwrap();
        assert_eq!((answers[150], answers[851]), (Answer::New, Answer::ConflictingContent), "{time}");
    }
    audit(&place, &store).await;
}

#[tokio::test]
async fn a_batch_of_the_largest_size_is_written_whole() {
    let place = Place::steered();
    let store = place.open().await;
    let batch: Vec<_> = (0..1_000).map(|n| Row::of(n).from(import(1), u64::from(n)).identified()).collect();
    let answers = store.enqueue(batch.clone()).await.unwrap();
    assert!(answers.iter().all(|answer| *answer == Answer::New));
    assert_eq!(store.enqueue(batch).await.unwrap(), answers, "a repeat of the same rows answers the same");
    audit(&place, &store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn single_rows_of_many_callers_get_an_answer_each() {
    let place = Place::real();
    let (one, other) = (place.open().await, place.open().await);
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..400_u32 {
        let store = Arc::clone(if n % 2 == 0 { &one } else { &other });
        // Each customer is handed in by two, and one of two callers asks for the e-mail of somebody else.
        let row = Row::of(n % 200).email(if n % 4 == 3 { n % 200 - 1 } else { n % 200 });
        callers.spawn(async move { (n, store.enqueue(vec![row.identified()]).await.unwrap()[0]) });
    }
    let mut answers: BTreeMap<String, u32> = BTreeMap::new();
    while let Some(answer) = callers.join_next().await {
        *answers.entry(format!("{:?}", answer.unwrap().1)).or_default() += 1;
    }
    let total = one.status().await.unwrap().total();
    assert_eq!(u64::from(answers["New"]), total, "{answers:?}");
    assert_eq!(answers.values().sum::<u32>(), 400);
    assert!(one.find(Target::Reference("ref-0".to_owned())).await.unwrap().is_some());
    audit(&place, &one).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_that_goes_away_takes_nobody_with_it() {
    let place = Place::real();
    let store = place.open().await;
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..300_u32 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let call = store.enqueue(vec![Row::of(n).identified()]);
            if n % 3 == 0 {
                // Nobody waits for the answer any more.
                return tokio::time::timeout(Duration::from_micros(300), call)
                    .await
                    .map_or(None, |it| Some(it.unwrap()));
            }
            Some(call.await.unwrap())
        });
    }
    while let Some(answer) = callers.join_next().await {
        assert!(answer.unwrap().is_none_or(|answer| answer == [Answer::New]));
    }
    let all = (0..300).map(|n| Row::of(n).identified()).collect();
    let known = store.enqueue(all).await.unwrap();
    assert!(known.iter().all(|answer| *answer == Answer::Duplicate), "all were taken in, heard or unheard");
    audit(&place, &store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_of_a_server_that_is_away_are_told_so_all_at_once() {
    let mut server = Server::start(&Options::default()).unwrap();
    let mut place = Place::at(server.url());
    place.config.redis.response_timeout = Duration::from_millis(500);
    let store = place.open().await;
    server.kill().unwrap();
    let begun = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..200_u32 {
        let store = Arc::clone(&store);
        callers.spawn(async move { store.enqueue(vec![Row::of(n).identified()]).await });
    }
    while let Some(answer) = callers.join_next().await {
        let error = answer.unwrap().unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    }
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    server.restart().unwrap();
    while store.enqueue(vec![Row::of(1).identified()]).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    store.close().await;
    let closed = store.enqueue(vec![Row::of(2).identified()]).await.unwrap_err();
    assert!(matches!(closed, Error::Closed), "{closed}");
}
