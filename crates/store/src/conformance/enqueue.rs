//! Taking customers in.

use gangway_jobs::enqueue::Answer;
use gangway_jobs::job::{Hold, State};
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::Stage;

use super::world::{Row, import};
use super::{Harness, World};
use crate::{Error, MAX_BATCH, Target};

pub async fn a_new_customer_has_a_record_and_a_create_job_that_is_due<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let record = world.record(id).await;
    assert_eq!((record.stage, record.round, record.sequence), (Stage::Accepted, 1, 0));
    assert_eq!(record.reference.as_deref(), Some("ref-1"));
    assert_eq!((record.created_at, record.key), (world.now(), Row::of(1).identified().key));
    let jobs = world.jobs(id).await;
    assert_eq!((jobs.len(), jobs[0].due, jobs[0].attempt), (1, world.now(), 0));
    assert_eq!((jobs[0].id.kind, &jobs[0].hold), (Kind::CreateCustomer, &Hold::Waiting));
    assert_eq!(world.status().await.jobs[&Kind::CreateCustomer][&State::Available], 1);
    assert!(world.all_events().await.is_empty());
    let by_reference = world.store.find(Target::Reference("ref-1".to_owned())).await.unwrap();
    assert_eq!(by_reference.map(|found| found.record.id), Some(id));
    world.check().await;
}

pub async fn the_same_content_again_is_a_duplicate_and_nothing_happens<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let before = world.record(id).await;
    world.advance_secs(5);
    assert_eq!(world.enqueue_one(Row::of(1)).await, Answer::Duplicate);
    assert_eq!(world.enqueue_one(Row::of(1).from(import(1), 1)).await, Answer::Duplicate);
    assert_eq!(world.record(id).await, before);
    world.check().await;
}

pub async fn other_content_under_a_reference_conflicts_and_changes_nothing<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let before = world.store.find(Target::Id(id)).await.unwrap();
    assert_eq!(world.enqueue_one(Row::of(1).company("Other")).await, Answer::ConflictingContent);
    assert_eq!(world.enqueue_one(Row::of(1).email(2)).await, Answer::ConflictingContent);
    assert_eq!(world.store.find(Target::Id(id)).await.unwrap(), before);
    // The e-mail that was refused belongs to nobody.
    assert_eq!(world.enqueue_one(Row::of(2)).await, Answer::New);
    world.check().await;
}

pub async fn an_email_under_another_reference_conflicts<H: Harness>() {
    let world = World::<H>::new().await;
    world.take_in(1).await;
    assert_eq!(world.enqueue_one(Row::of(2).email(1)).await, Answer::ConflictingEmail);
    assert_eq!(world.enqueue_one(Row::of(1).without_reference()).await, Answer::ConflictingEmail);
    assert!(world.store.find(Target::Reference("ref-2".to_owned())).await.unwrap().is_none());
    world.check().await;
}

pub async fn a_customer_without_a_reference_is_known_by_its_email<H: Harness>() {
    let world = World::<H>::new().await;
    let row = || Row::of(1).without_reference();
    assert_eq!(world.enqueue_one(row()).await, Answer::New);
    assert_eq!(world.enqueue_one(row()).await, Answer::Duplicate);
    assert_eq!(world.enqueue_one(row().company("Other")).await, Answer::ConflictingContent);
    assert_eq!(world.record(row().identified().id).await.reference, None);
    world.check().await;
}

pub async fn a_repeat_of_the_same_row_is_answered_as_the_first_time<H: Harness>() {
    let mut world = World::<H>::new().await;
    let row = || Row::of(1).from(import(1), 7);
    assert_eq!(world.enqueue_one(row()).await, Answer::New);
    let before = world.record(row().identified().id).await;
    assert_eq!(world.enqueue_one(row()).await, Answer::New);
    world.reopen().await;
    assert_eq!(world.enqueue_one(row()).await, Answer::New);
    assert_eq!(world.record(before.id).await, before);
    // Another row of the same file, and the same row of another file, are others.
    assert_eq!(world.enqueue_one(Row::of(1).from(import(1), 8)).await, Answer::Duplicate);
    assert_eq!(world.enqueue_one(Row::of(1).from(import(2), 7)).await, Answer::Duplicate);
    // However it may have ended meanwhile.
    world.store.cancel(Target::Id(before.id)).await.unwrap();
    assert_eq!(world.enqueue_one(row()).await, Answer::New);
    assert_eq!(world.enqueue_one(Row::of(1).from(import(1), 8)).await, Answer::Duplicate);
    assert_eq!(world.stage(before.id).await, Stage::Cancelled);
    world.check().await;
}

pub async fn the_rows_of_one_batch_see_each_other<H: Harness>() {
    let world = World::<H>::new().await;
    let rows = [
        Row::of(1).from(import(1), 1),
        Row::of(1).from(import(1), 2),
        Row::of(1).company("Other").from(import(1), 3),
        Row::of(2).email(1).from(import(1), 4),
        Row::of(2).from(import(1), 5),
        Row::of(2).from(import(1), 5),
    ];
    let answers = world.enqueue(rows).await;
    assert_eq!(
        answers,
        [
            Answer::New,
            Answer::Duplicate,
            Answer::ConflictingContent,
            Answer::ConflictingEmail,
            Answer::New,
            Answer::New
        ]
    );
    assert_eq!(world.status().await.total(), 2);
    world.check().await;
}

pub async fn a_batch_beyond_the_bound_is_refused_whole<H: Harness>() {
    let world = World::<H>::new().await;
    let batch = |n| (0..u32::try_from(n).unwrap()).map(|n| Row::of(n).identified()).collect::<Vec<_>>();
    let refused = world.store.enqueue(batch(MAX_BATCH + 1)).await;
    assert!(matches!(refused, Err(Error::BatchTooLarge { found: 1_001, max: MAX_BATCH })), "{refused:?}");
    assert_eq!(world.status().await.total(), 0);
    assert_eq!(world.store.enqueue(Vec::new()).await.unwrap(), []);
    assert_eq!(world.enqueue((0..1_000).map(Row::of)).await, [Answer::New; MAX_BATCH]);
    world.check().await;
}

pub async fn what_was_taken_in_is_there_after_a_crash<H: Harness>() {
    let mut world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let before = world.store.find(Target::Id(id)).await.unwrap();
    world.reopen().await;
    assert_eq!(world.store.find(Target::Id(id)).await.unwrap(), before);
    assert_eq!(world.enqueue_one(Row::of(1)).await, Answer::Duplicate);
    assert_eq!(world.lease(Kind::CreateCustomer, 10).await.len(), 1);
    world.check().await;
}
