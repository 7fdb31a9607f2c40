//! Taking a customer in again that has ended.

use gangway_jobs::enqueue::Answer;
use gangway_jobs::event::EventType;
use gangway_jobs::failure::Code;
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::Stage;

use super::world::{Row, import};
use super::{Harness, World, outcomes};
use crate::Target;

pub async fn a_cancelled_one_starts_again_and_creates_if_there_is_no_customer<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    world.store.cancel(Target::Id(id)).await.unwrap();
    assert_eq!(world.kinds(id).await, []);
    assert_eq!(world.enqueue_one(Row::of(1)).await, Answer::Revived);
    let record = world.record(id).await;
    assert_eq!((record.stage, record.round), (Stage::Accepted, 2));
    assert_eq!(world.events_of(id).await, [EventType::Cancelled, EventType::Reopened]);
    assert_eq!(world.kinds(id).await, [Kind::CreateCustomer]);
    assert_eq!(world.enqueue_one(Row::of(1)).await, Answer::Duplicate);
    world.check().await;
}

pub async fn a_cancelled_one_with_a_customer_is_never_created_again<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.link(1).await;
    world.store.cancel(Target::Id(id)).await.unwrap();
    assert_eq!(world.enqueue_one(Row::of(1)).await, Answer::Revived);
    assert_eq!(world.kinds(id).await, [Kind::CreateLink, Kind::PollStatus]);
    assert_eq!(world.stage(id).await, Stage::Created);
    world.check().await;
}

pub async fn what_ended_well_or_was_rejected_is_a_duplicate<H: Harness>() {
    let world = World::<H>::new().await;
    for (n, word) in [(1, "APPROVED"), (2, "REJECTED")] {
        let id = world.end(n, word).await;
        let stage = world.stage(id).await;
        assert!(stage.is_end());
        assert_eq!(world.enqueue_one(Row::of(n)).await, Answer::Duplicate);
        assert_eq!(world.enqueue_one(Row::of(n).company("Other")).await, Answer::ConflictingContent);
        assert_eq!(world.stage(id).await, stage);
    }
    world.check().await;
}

pub async fn a_dead_one_without_a_customer_starts_again_under_the_same_key<H: Harness>() {
    let world = World::<H>::new().await;
    for (n, code) in [(1, Code::Invalid), (2, Code::Unresolved)] {
        let id = world.bury(n, code).await;
        let before = world.record(id).await;
        assert_eq!(before.stage, Stage::Dead);
        assert_eq!(world.enqueue_one(Row::of(n)).await, Answer::Revived);
        let record = world.record(id).await;
        assert_eq!((record.round, record.failure, record.key), (2, None, before.key));
        assert_eq!(record.key_refused, code.is_definite_refusal());
        assert_eq!(record.uncertain_since.is_some(), !code.is_definite_refusal());
        let jobs = world.jobs(id).await;
        assert_eq!((jobs.len(), jobs[0].attempt, jobs[0].due), (1, 0, world.now()));
        let job = world.lease_job(id, Kind::CreateCustomer).await;
        world.settle(&job, outcomes::created(&job)).await;
        world.store.cancel(Target::Id(id)).await.unwrap();
    }
    world.check().await;
}

pub async fn a_dead_one_with_a_customer_is_a_duplicate<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.link(1).await;
    let job = world.lease_job(id, Kind::PollStatus).await;
    world.settle(&job, outcomes::bury(Code::CustomerMissing)).await;
    assert_eq!(world.stage(id).await, Stage::Dead);
    assert_eq!(world.enqueue_one(Row::of(1)).await, Answer::Duplicate);
    world.check().await;
}

pub async fn another_email_revives_only_what_was_definitely_refused<H: Harness>() {
    let world = World::<H>::new().await;
    let unresolved = world.bury(1, Code::Unresolved).await;
    assert_eq!(world.enqueue_one(Row::of(1).email(11)).await, Answer::ConflictingContent);
    assert_eq!(world.stage(unresolved).await, Stage::Dead);

    let refused = world.bury(2, Code::EmailTaken).await;
    world.take_in(3).await;
    let create = world.lease_job(Row::of(3).identified().id, Kind::CreateCustomer).await;
    assert_eq!(world.enqueue_one(Row::of(2).email(3)).await, Answer::ConflictingEmail);
    assert_eq!(world.enqueue_one(Row::of(2).email(12)).await, Answer::Revived);
    world.settle(&create, outcomes::created(&create)).await;

    let record = world.record(refused).await;
    assert_eq!(record.key, Row::of(2).email(12).identified().key);
    assert_eq!(
        record.earlier_keys,
        [Row::of(2).identified().key],
        "what may have come of it is looked up first"
    );
    assert!(!record.key_refused);
    let job = world.lease_job(refused, Kind::CreateCustomer).await;
    assert_eq!(job.payload, Row::of(2).email(12).identified().payload().encode());
    // The index knows the new e-mail, and no longer the old one.
    assert_eq!(world.enqueue_one(Row::of(4).email(12)).await, Answer::ConflictingEmail);
    assert_eq!(world.enqueue_one(Row::of(4).email(2)).await, Answer::New);
    world.check().await;
}

pub async fn a_repeat_of_the_row_that_revived_answers_revived_and_starts_nothing<H: Harness>() {
    let mut world = World::<H>::new().await;
    let id = world.bury(1, Code::Invalid).await;
    let row = || Row::of(1).from(import(2), 3);
    assert_eq!(world.enqueue_one(row()).await, Answer::Revived);
    let before = world.record(id).await;
    world.reopen().await;
    assert_eq!(world.enqueue_one(row()).await, Answer::Revived);
    assert_eq!(world.record(id).await, before);
    let job = world.lease_job(id, Kind::CreateCustomer).await;
    world.settle(&job, outcomes::bury(Code::Invalid)).await;
    assert_eq!(world.enqueue_one(row()).await, Answer::Revived, "as the first time, whatever came of it");
    assert_eq!(world.stage(id).await, Stage::Dead);
    // A row of another run tries again.
    assert_eq!(world.enqueue_one(Row::of(1).from(import(3), 3)).await, Answer::Revived);
    assert_eq!(world.record(id).await.round, 3);
    world.check().await;
}

pub async fn an_expired_one_starts_again_with_its_customer<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.link(1).await;
    world.poll(id, "INIT", "t1").await;
    world.advance_secs(31 * 24 * 3600);
    world.beat().await;
    world.poll(id, "INIT", "t1").await;
    assert_eq!(world.stage(id).await, Stage::Expired);
    assert_eq!(world.enqueue_one(Row::of(1)).await, Answer::Revived);
    assert_eq!(world.kinds(id).await, [Kind::CreateLink, Kind::PollStatus]);
    assert_eq!(world.record(id).await.status_since, world.now(), "the round has its own time to give up");
    world.check().await;
}
