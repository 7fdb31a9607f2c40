//! Customers handed in by an app.

use gangway_jobs::customer::{NewCustomer, RawCustomer};
use gangway_jobs::enqueue::Answer;
use gangway_producer::Error;
use gangway_producer::sample::SampleOptions;

use crate::world::{KINDS, Kind, World, onboardings};

fn customer(number: usize) -> NewCustomer {
    NewCustomer::parse(RawCustomer {
        reference: Some(&format!("C-{number}")),
        email: &format!("c{number}@acme.example"),
        first_name: "Ada",
        last_name: "Byron",
        company_name: "Acme",
        customer_type: None,
    })
    .unwrap()
}

#[tokio::test]
async fn a_repeat_has_the_same_id_and_is_a_duplicate() {
    for kind in KINDS {
        let world = World::new(&SampleOptions::clean(0, 1));
        let producer = world.producer(kind, "store.db");
        let first = producer.enqueue(customer(1)).await.unwrap();
        let again = producer.enqueue(customer(1)).await.unwrap();
        assert_eq!((first.answer, again.answer), (Answer::New, Answer::Duplicate));
        assert_eq!(first.id, again.id);
        let found = producer.store().find(gangway_store::Target::Id(first.id)).await.unwrap();
        assert_eq!(found.unwrap().record.reference.as_deref(), Some("C-1"));
    }
}

#[tokio::test]
async fn more_than_a_batch_is_cut_and_answered_in_order() {
    let world = World::new(&SampleOptions::clean(0, 1));
    let producer = world.producer(Kind::Sqlite, "store.db");
    let customers: Vec<_> = (0..2_300).map(|number| customer(number % 2_000)).collect();
    let answers = producer.enqueue_all(customers).await.unwrap();
    assert_eq!(answers.len(), 2_300);
    assert!(answers[..2_000].iter().all(|enqueued| enqueued.answer == Answer::New));
    assert!(answers[2_000..].iter().all(|enqueued| enqueued.answer == Answer::Duplicate));
    assert_eq!(answers[5].id, answers[2_005].id);
    assert_eq!(producer.enqueue_all(Vec::new()).await.unwrap(), []);
}

#[tokio::test]
async fn one_that_is_too_large_stops_all_before_the_first() {
    let world = World::new(&SampleOptions::clean(0, 1));
    let producer = world.producer(Kind::Model, "");
    // Deserializing checks no limit; parsing would have refused it.
    let text = serde_json::to_string(&customer(2)).unwrap().replace("Ada", &"A".repeat(70_000));
    let large: NewCustomer = serde_json::from_str(&text).unwrap();
    let refused = producer.enqueue_all(vec![customer(1), large.clone()]).await;
    assert!(matches!(refused, Err(Error::TooLarge { index: 1, .. })), "{refused:?}");
    assert!(matches!(producer.enqueue(large).await, Err(Error::TooLarge { index: 0, .. })));
    assert_eq!(onboardings(&producer).await, 0);
}

#[tokio::test]
async fn many_at_once_are_each_answered() {
    let world = World::new(&SampleOptions::clean(0, 1));
    let producer = world.producer(Kind::Sqlite, "store.db");
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..200 {
        let producer = producer.clone();
        calls.spawn(async move { producer.enqueue(customer(number / 2)).await.unwrap().answer });
    }
    let answers = calls.join_all().await;
    assert_eq!(answers.iter().filter(|answer| **answer == Answer::New).count(), 100);
    assert_eq!(answers.iter().filter(|answer| **answer == Answer::Duplicate).count(), 100);
}
