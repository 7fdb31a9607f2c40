//! Keeping the store small without forgetting anybody.

use std::time::Duration;

use gangway_jobs::enqueue::Answer;
use gangway_jobs::failure::Code;
use gangway_jobs::kind::Kind;
use gangway_jobs::onboarding::Stage;
use gangway_jobs::outcome::Settled;
use gangway_jobs::transition::EndRequest;

use super::world::{Row, import};
use super::{Harness, World, outcomes};
use crate::Target;

/// Prunes all that has ended up to now.
async fn prune<H: Harness>(world: &World<H>) -> usize {
    world.advance_secs(1);
    world.store.prune(world.now(), 100).await.unwrap()
}

pub async fn only_what_ended_long_ago_is_pruned_and_it_still_counts<H: Harness>() {
    let mut world = World::<H>::new().await;
    let id = world.end(1, "APPROVED").await;
    world.end(2, "REJECTED").await;
    world.advance_secs(50);
    world.beat().await;
    let running = world.link(3).await;
    let ended_later = world.end(4, "APPROVED");
    // The poll job of the third is due as well: it is settled first.
    let job = world.lease_job(running, Kind::PollStatus).await;
    world.settle(&job, outcomes::snooze(600)).await;
    let later = ended_later.await;
    let cutoff = world.now().before(Duration::from_secs(10));
    assert_eq!(world.store.prune(cutoff, 1).await.unwrap(), 1);
    assert_eq!(world.store.prune(cutoff, 100).await.unwrap(), 1);
    assert_eq!(world.store.prune(cutoff, 100).await.unwrap(), 0);
    world.reopen().await;
    assert!(world.store.find(Target::Id(id)).await.unwrap().is_none());
    assert!(world.store.find(Target::Id(later)).await.unwrap().is_some());
    assert_eq!((world.count(Stage::Approved).await, world.count(Stage::Rejected).await), (2, 1));
    assert_eq!(world.status().await.total(), 4);
    world.check().await;
}

pub async fn a_file_imported_again_after_pruning_creates_nobody<H: Harness>() {
    let world = World::<H>::new().await;
    world.end(1, "APPROVED").await;
    world.end(2, "REJECTED").await;
    assert_eq!(prune(&world).await, 2);
    for n in [1, 2] {
        assert_eq!(world.enqueue_one(Row::of(n).from(import(1), u64::from(n))).await, Answer::Duplicate);
        assert_eq!(world.enqueue_one(Row::of(n).company("Other")).await, Answer::ConflictingContent);
        assert_eq!(world.enqueue_one(Row::of(n + 10).email(n)).await, Answer::ConflictingEmail);
    }
    assert!(world.lease(Kind::CreateCustomer, 10).await.is_empty());
    assert_eq!(world.status().await.total(), 2);
    world.check().await;
}

pub async fn what_starts_again_after_pruning_goes_on_where_it_was<H: Harness>() {
    let world = World::<H>::new().await;
    let with_customer = world.link(1).await;
    world.store.cancel(Target::Id(with_customer)).await.unwrap();
    let dead = world.bury(2, Code::Invalid).await;
    assert_eq!(prune(&world).await, 2);
    assert_eq!(world.enqueue_one(Row::of(1)).await, Answer::Revived);
    assert_eq!(world.kinds(with_customer).await, [Kind::CreateLink, Kind::PollStatus], "it has its customer");
    assert_eq!(world.record(with_customer).await.round, 2);
    assert_eq!(world.enqueue_one(Row::of(2)).await, Answer::Revived);
    let record = world.record(dead).await;
    assert_eq!((record.round, record.key_refused), (2, true), "its key is looked up first");
    // In particular its events go on counting.
    assert_eq!(record.sequence, 2);
    assert_eq!(world.status().await.total(), 2);
    world.check().await;
}

pub async fn the_key_of_a_later_generation_survives_pruning<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let job = world.lease_job(id, Kind::CreateCustomer).await;
    let next = super::world::identity().idempotency_key(None, &Row::of(7).identified().customer.email, 1);
    let mut outcome = outcomes::bury(Code::Unresolved);
    if let gangway_jobs::outcome::Outcome::Bury { step, .. } = &mut outcome {
        step.patch.next_generation = Some(next);
    }
    world.settle(&job, outcome).await;
    assert_eq!(prune(&world).await, 1);
    assert_eq!(world.enqueue_one(Row::of(1)).await, Answer::Revived);
    let record = world.record(id).await;
    assert_eq!((record.key, record.generation), (next, 1));
    assert_eq!(record.earlier_keys, [Row::of(1).identified().key]);
    world.check().await;
}

pub async fn after_pruning_another_email_revives_only_what_was_definitely_refused<H: Harness>() {
    let world = World::<H>::new().await;
    world.bury(1, Code::Unresolved).await;
    let refused = world.bury(2, Code::EmailTaken).await;
    assert_eq!(prune(&world).await, 2);
    assert_eq!(world.enqueue_one(Row::of(1).email(11)).await, Answer::ConflictingContent);
    assert_eq!(world.enqueue_one(Row::of(2).email(1)).await, Answer::ConflictingEmail);
    assert_eq!(world.enqueue_one(Row::of(2).email(12)).await, Answer::Revived);
    assert_eq!(world.record(refused).await.key, Row::of(2).email(12).identified().key);
    assert_eq!(world.enqueue_one(Row::of(3).email(2)).await, Answer::New, "its former e-mail is free");
    world.check().await;
}

pub async fn a_refused_key_is_not_forgotten_by_pruning_an_end_of_another_kind<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.take_in(1).await;
    let job = world.lease_job(id, Kind::CreateCustomer).await;
    let mut parked = outcomes::give_back(0);
    if let gangway_jobs::outcome::Outcome::GiveBack { step, .. } = &mut parked {
        step.patch.key_refused = true;
    }
    world.settle(&job, parked).await;
    world.store.cancel(Target::Id(id)).await.unwrap();
    assert_eq!(
        prune(&world).await,
        0,
        "a create under the next key may have had an effect that nobody heard of"
    );
    assert_eq!(world.enqueue_one(Row::of(1)).await, Answer::Revived);
    assert!(world.record(id).await.key_refused);
    world.check().await;
}

pub async fn nothing_that_runs_is_pruned<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.link(1).await;
    world.store.request_link(Target::Id(id)).await.unwrap();
    let link = world.lease_job(id, Kind::CreateLink).await;
    world.poll(id, "REJECTED", "t1").await;
    assert_eq!(prune(&world).await, 0, "its link is being made");
    assert_eq!(world.settle(&link, outcomes::linked(&link)).await, Settled::Done);
    assert_eq!(prune(&world).await, 1);
    world.check().await;
}

pub async fn what_was_reopened_is_not_pruned_for_its_former_end<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.end(1, "REJECTED").await;
    world.advance_secs(1);
    world.store.hint(Target::Id(id)).await.unwrap();
    assert_eq!(prune(&world).await, 0);
    assert_eq!(world.stage(id).await, Stage::Created);
    world.check().await;
}

pub async fn what_was_pruned_is_still_erased_on_request<H: Harness>() {
    let world = World::<H>::new().await;
    let id = world.end(1, "APPROVED").await;
    assert_eq!(prune(&world).await, 1);
    assert_eq!(world.store.erase(Target::Id(id)).await.unwrap(), Some(EndRequest::Ended));
    assert_eq!(world.store.erase(Target::Id(id)).await.unwrap(), Some(EndRequest::Already(Stage::Erased)));
    assert_eq!((world.count(Stage::Erased).await, world.status().await.total()), (1, 1));
    for (_, event) in world.all_events().await {
        assert!(event.data["reference"].is_null());
    }
    // Its e-mail leads to nobody any more; it itself is still known.
    assert_eq!(world.enqueue_one(Row::of(1)).await, Answer::Duplicate);
    assert_eq!(world.enqueue_one(Row::of(2).email(1)).await, Answer::New);
    world.check().await;
}
